//! The commands of a job that an operator reaches.

use drover_domain::{DeviceId, JobId, Outcome};
use drover_store::{
    failures,
    watching::commands::{self, CommandRow, CommandSearch},
};

use super::jobs::searched;
use crate::{Actor, List, ListFrom, Service, ServiceError};

/// Marks the device at which a search by the beginning of a uuid ended.
const AT_DEVICE: &str = "device-";

impl Service {
    /// Commands of a job within reach, by device; those found by a text by the uuids of their devices, behind those whose serial
    /// number or IMEI it is. A page may be empty and still say where the next begins: it looks at a bounded number of rows.
    pub async fn list_commands(
        &self,
        actor: &Actor,
        id: JobId,
        search: &CommandSearch,
        from: &ListFrom,
    ) -> Result<List<CommandRow>, ServiceError> {
        let limit = from.limit()?;
        let search = checked(search)?;
        let job = self.job_summary(actor, id).await?;
        let client = self.store().client().await?;
        let Some(text) = &search.text else {
            let (items, next) = commands::page(&client, id, &search, from.after_id()?, limit).await?;
            return Ok(List { items, next: next.map(|device| device.to_string()) });
        };
        let not_ours = || ServiceError::invalid("after", "is not what a page of this list ended with");
        let after = match from.after.as_deref() {
            None => None,
            Some(after) => {
                let device = after.strip_prefix(AT_DEVICE).and_then(|id| id.parse().ok()).ok_or_else(not_ours)?;
                Some(commands::uuid_of(&client, job.tenant, DeviceId(device)).await?.ok_or_else(not_ours)?)
            }
        };
        let mut items = match after {
            Some(_) => Vec::new(),
            None => commands::of_namesakes(&client, (id, job.tenant), &search, text).await?,
        };
        if !is_of_uuid(text) {
            return Ok(List { items, next: None });
        }
        let place = (after.as_deref(), limit);
        let (more, next) = commands::of_prefix(&client, (id, job.tenant), &search, text, place).await?;
        items.extend(more);
        Ok(List { items, next: next.map(|device| format!("{AT_DEVICE}{device}")) })
    }
}

/// Whether a device could call itself so, or begin to.
fn is_of_uuid(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-')
}

fn checked(search: &CommandSearch) -> Result<CommandSearch, ServiceError> {
    if search.outcome == Some(Outcome::Succeeded) {
        return Err(ServiceError::invalid("outcome", "is one of failure"));
    }
    if search.code.as_deref() == Some(failures::OTHERS) {
        return Err(ServiceError::invalid("code", "stands for codes that were not counted one by one"));
    }
    let text = search.text.as_deref().map(|text| searched("text", text)).transpose()?;
    let code = search.code.as_deref().map(failures::code_of);
    Ok(CommandSearch { text: text.filter(|text| !text.is_empty()), code, ..search.clone() })
}

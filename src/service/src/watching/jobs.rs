//! The list of jobs that an operator reaches.

use drover_domain::{JobId, TenantId};
use drover_store::watching::jobs::{self, JobSearch, JobSummary};

use crate::{Actor, List, ListFrom, Service, ServiceError};

/// The longest text that is searched for, in characters.
const TEXT_MAX_CHARS: usize = 128;

impl Service {
    /// Jobs within reach, newest first. A text is part of a name, or a job's number; such a job comes first. A page may be
    /// empty and still say where the next begins: it looks at a bounded number of jobs.
    pub async fn list_jobs(
        &self,
        actor: &Actor,
        search: &JobSearch,
        from: &ListFrom,
    ) -> Result<List<JobSummary>, ServiceError> {
        let limit = from.limit()?;
        let before = match from.after_id()? {
            0 => i64::MAX,
            id => id,
        };
        let text = search.text.as_deref().map(|text| searched("text", text)).transpose()?;
        let search = JobSearch { text: text.filter(|text| !text.is_empty()), ..search.clone() };
        let client = self.store().client().await?;
        let (mut items, next) = jobs::page(&client, &actor.reach, &search, before, limit).await?;
        let named = search.text.as_ref().and_then(|text| text.parse().ok()).map(JobId);
        if let Some(id) = named.filter(|_| from.after.is_none())
            && !items.iter().any(|job| job.id == id)
            && let Some(job) = jobs::get(&client, &actor.reach, id).await?
            && matches(&search, &job)
        {
            items.insert(0, job);
        }
        Ok(List { items, next: next.map(|id| id.to_string()) })
    }

    /// A tenant by its name, for those who see all of them.
    pub async fn tenant_named(&self, actor: &Actor, name: &str) -> Result<TenantId, ServiceError> {
        actor.require_installation()?;
        let tenant = if name.contains('\0') {
            None
        } else {
            drover_store::tenants::tenant_by_name(&self.store().client().await?, name).await?
        };
        tenant.ok_or_else(|| ServiceError::invalid("tenant", "there is no tenant of this name"))
    }
}

fn matches(search: &JobSearch, job: &JobSummary) -> bool {
    search.kind.is_none_or(|kind| kind == job.kind)
        && search.state.is_none_or(|state| state == job.state)
        && search.tenant.is_none_or(|tenant| tenant == job.tenant)
}

/// A text to search for.
pub(super) fn searched(field: &'static str, text: &str) -> Result<String, ServiceError> {
    let text = text.trim();
    if text.chars().count() > TEXT_MAX_CHARS {
        return Err(ServiceError::invalid(field, format!("has at most {TEXT_MAX_CHARS} characters")));
    }
    if text.contains('\0') {
        return Err(ServiceError::invalid(field, "must not contain a NUL"));
    }
    Ok(text.to_owned())
}

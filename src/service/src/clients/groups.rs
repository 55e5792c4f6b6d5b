//! Client groups: made, named, listed, and given a QR code.

use drover_domain::{ClientGroupId, ClientVersionId, Os, TerminalClass, UiFamily};
use drover_store::{
    StoreError, Tx,
    clients::{groups, versions},
};

use super::{ClientGroup, GroupFilter, GroupKey, NewClientVersion, Sort, check_name};
use crate::{Operator, Page, Paged, Service, ServiceError};

/// The most groups that are listed at once.
const QR_MAX: u32 = Page::MAX_SIZE;

/// A client program to be made. It belongs to the operator's organisation.
#[derive(Debug, Clone)]
pub struct NewClientGroup {
    /// Its display name.
    pub name: String,
    /// What devices name it by, one of its kind in the tenant.
    pub group_code: String,
    /// Which terminals it is for.
    pub terminal_class: TerminalClass,
    /// Its labels.
    pub ui_family: UiFamily,
    /// What it runs on.
    pub os: Os,
}

impl Service {
    /// Makes a group and its first versions: all of them or nothing.
    pub async fn create_client_group(
        &self,
        operator: &Operator,
        new: &NewClientGroup,
        first: &[NewClientVersion],
    ) -> Result<ClientGroupId, ServiceError> {
        operator.require_write()?;
        check_name("name", &new.name)?;
        check_name("groupCode", &new.group_code)?;
        let row = groups::NewGroup {
            tenant: operator.tenant,
            organisation: operator.organisation.id,
            name: &new.name,
            group_code: &new.group_code,
            terminal_class: new.terminal_class,
            ui_family: &new.ui_family.to_string(),
            os: new.os,
            download_key: &self.client_download_key(),
            created_by: &operator.login_id,
        };
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let id = groups::insert(&tx, &row).await.map_err(|error| match error.unique_violation() {
            Some(groups::CODE_TAKEN) => {
                ServiceError::conflict(format!("groupCode: there is a group {} already", new.group_code))
            }
            _ => error.into(),
        })?;
        super::versions::add(&tx, operator, id, first).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(id)
    }

    /// A group that the operator sees.
    pub async fn client_group(&self, operator: &Operator, id: ClientGroupId) -> Result<ClientGroup, ServiceError> {
        let found = groups::get(&self.store().client().await?, operator.tenant, id).await?;
        seen(operator, id, found)
    }

    /// One page of the groups that the operator sees.
    pub async fn client_groups(
        &self,
        operator: &Operator,
        filter: &GroupFilter,
        sort: Sort<GroupKey>,
        page: Page,
    ) -> Result<Paged<ClientGroup>, ServiceError> {
        let client = self.store().client().await?;
        Ok(groups::page(&client, operator.tenant, &operator.organisation.path, filter, sort, page).await?)
    }

    /// The groups that the operator sees and that have a QR code, the one that was changed last first.
    pub async fn client_groups_with_qr(
        &self,
        operator: &Operator,
        search: Option<String>,
    ) -> Result<Vec<ClientGroup>, ServiceError> {
        let filter = GroupFilter { search, with_qr: true, ..GroupFilter::default() };
        let sort = Sort { key: GroupKey::UpdatedAt, descending: true };
        Ok(self.client_groups(operator, &filter, sort, Page::new(1, QR_MAX)?).await?.items)
    }

    /// Gives a group another name; without one, nothing changes.
    pub async fn rename_client_group(
        &self,
        operator: &Operator,
        id: ClientGroupId,
        name: Option<&str>,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        name.map_or(Ok(()), |name| check_name("name", name))?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        lock(&tx, operator, id).await?;
        if let Some(name) = name {
            groups::rename(&tx, id, name).await?;
        }
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }

    /// Says what a group's QR code downloads: one of its versions that is not void.
    pub async fn set_client_qr(
        &self,
        operator: &Operator,
        id: ClientGroupId,
        version: ClientVersionId,
    ) -> Result<(), ServiceError> {
        operator.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        lock(&tx, operator, id).await?;
        match versions::get(&tx, operator.tenant, version).await? {
            Some(found) if found.group == id && found.is_void => Err(ServiceError::invalid("appId", "is void")),
            Some(found) if found.group == id => Ok(()),
            _ => Err(ServiceError::invalid("appId", "is no version of this group")),
        }?;
        groups::set_qr(&tx, id, version).await?;
        Ok(tx.commit().await.map_err(StoreError::from)?)
    }
}

fn seen(operator: &Operator, id: ClientGroupId, found: Option<ClientGroup>) -> Result<ClientGroup, ServiceError> {
    let found = found.filter(|group| operator.sees(&group.organisation_path));
    found.ok_or_else(|| ServiceError::not_found("group", id))
}

/// A group that the operator may change, and nobody else until the transaction ends.
pub(super) async fn lock(tx: &Tx<'_>, operator: &Operator, id: ClientGroupId) -> Result<ClientGroup, ServiceError> {
    let group = seen(operator, id, groups::lock(tx, operator.tenant, id).await?)?;
    operator.require_reach(&group.organisation_path)?;
    Ok(group)
}

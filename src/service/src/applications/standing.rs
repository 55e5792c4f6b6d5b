//! How applications stand with devices: what a device has, and where an application came to.

use drover_domain::{ApplicationId, DeviceId, Holding, InstallStatus, PushCase, Relationship, install_status};
use drover_store::{
    Windowed,
    applications::{self, DeviceApp, Distributed, DistributionFilter, StandingCase},
};

use crate::{Operator, Service, ServiceError, Window};

/// Which devices of a distribution to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DistributionSearch {
    /// Those whose user's account, name or mail contains this, whatever the case.
    pub search: Option<String>,
    /// Those that stand so to the company.
    pub relationship: Option<Relationship>,
    /// Those that have this status, by the document's code in a filter.
    pub status: Option<i16>,
}

impl Service {
    /// The applications that a device within the operator's reach has, or is to have.
    pub async fn device_apps(
        &self,
        operator: &Operator,
        device: DeviceId,
        window: Window,
    ) -> Result<Windowed<DeviceApp>, ServiceError> {
        let client = self.store().client().await?;
        let scope = operator.scope();
        if !applications::is_device_in_scope(&client, &scope, device).await? {
            return Err(ServiceError::not_found("device", device));
        }
        Ok(applications::on_device(&client, &scope, device, window).await?)
    }

    /// The devices within the operator's reach that an application was pushed to.
    pub async fn app_distribution(
        &self,
        operator: &Operator,
        application: ApplicationId,
        search: DistributionSearch,
        window: Window,
    ) -> Result<Windowed<Distributed>, ServiceError> {
        self.application(operator, application).await?;
        let client = self.store().client().await?;
        let DistributionSearch { search, relationship, status } = search;
        let filter = DistributionFilter { search, relationship, cases: status.map(cases_of) };
        Ok(applications::distribution(&client, &operator.scope(), application, &filter, window).await?)
    }
}

/// Every combination that a filter by this code finds.
fn cases_of(code: i16) -> Vec<StandingCase> {
    let wanted = InstallStatus::filtered_by(code);
    let every = PushCase::all().flat_map(|push| Holding::ALL.map(|holding| (push, holding)));
    every.filter(|(push, holding)| wanted.contains(&install_status(Some(*push), *holding))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_found_by_exactly_one_of_the_documents_three_filters() {
        let found: usize = [0, 7, 11].iter().map(|code| cases_of(*code).len()).sum();
        assert_eq!(found, PushCase::all().count() * Holding::ALL.len());
        assert!(cases_of(12).is_empty() && !cases_of(200).is_empty());
    }
}

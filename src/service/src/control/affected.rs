//! How many devices something affects: for whoever is asked whether it is meant.

use drover_domain::{CommandState, JobId, JobKind};
use drover_store::{GenericClient, Job, StoreError, control, control::retries, tallies};

use super::Control;
use crate::{Actor, Service, ServiceError};

/// How many devices something would affect now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Affected {
    /// Devices.
    pub devices: i64,
    /// Whether it may be fewer: commands are counted by state, and attempts by their code.
    pub is_at_most: bool,
}

impl Service {
    /// How many devices something would affect now. Reads a few rows, however many devices the job has. Refuses what would be
    /// refused.
    pub async fn affected(&self, actor: &Actor, job: JobId, what: &Control) -> Result<Affected, ServiceError> {
        actor.require_write()?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let found = control::find(&tx, &actor.reach, job).await?;
        let found = found.ok_or_else(|| ServiceError::not_found("job", job))?;
        self.require_reached(&tx, actor, &found).await?;
        what.check(job, found.job.kind, found.job.state)?;
        let what = match what {
            Control::Retry(filter) => Control::Retry(filter.checked()?),
            other => other.clone(),
        };
        Ok(self.count_affected(&tx, &found.job, &what).await?)
    }

    pub(super) async fn count_affected(
        &self,
        client: &impl GenericClient,
        job: &Job,
        what: &Control,
    ) -> Result<Affected, StoreError> {
        let exactly = |devices| Affected { devices, is_at_most: false };
        match what {
            Control::Pause | Control::Resume => Ok(exactly(count(client, job.id, waits).await?)),
            Control::Cancel if job.kind == JobKind::Publish => {
                let mut devices = 0;
                for distribution in control::resting_on(client, job.id).await? {
                    devices += count(client, distribution, waits).await?;
                }
                Ok(exactly(devices))
            }
            Control::Cancel if job.kind.leaves_what_is_under_way() => Ok(exactly(count(client, job.id, waits).await?)),
            Control::Cancel => Ok(exactly(count(client, job.id, |state| !state.is_terminal()).await?)),
            Control::Retry(filter) => {
                let of_states = count(client, job.id, |state| filter.states.contains(&state)).await?;
                let Some(code) = &filter.code else { return Ok(exactly(of_states)) };
                let of_code = retries::count_by_code(client, job.id, &filter.states, code).await?;
                Ok(Affected { devices: of_states.min(of_code), is_at_most: true })
            }
        }
    }
}

/// Whether a command has not gone out.
const fn waits(state: CommandState) -> bool {
    matches!(state, CommandState::Planned | CommandState::Queued)
}

async fn count(
    client: &impl GenericClient,
    job: JobId,
    matching: impl Fn(CommandState) -> bool,
) -> Result<i64, StoreError> {
    let states = tallies::of_job(client, job).await?;
    Ok(states.into_iter().filter(|(state, _)| matching(*state)).map(|(_, count)| count).sum())
}

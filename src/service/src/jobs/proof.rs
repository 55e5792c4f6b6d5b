//! A device that is seen running a version proves that its upgrade succeeded, whatever became of its report.

use drover_domain::{DeviceId, Event};
use drover_store::{
    StoreError,
    commands::{self, Happening},
    jobs,
    outcomes::{self, NewOutcome},
    proof::{self, Proven},
    tallies::Tally,
};

use crate::{Service, ServiceError, jobs::moved::observe};

/// The result code of an upgrade that a check-in proved.
const CHECK_IN: &str = "check_in";

impl Service {
    /// Closes as succeeded the open commands that were to bring a device this version of a program or an older one: it was seen
    /// running it. Returns how many.
    pub async fn prove_upgrade(
        &self,
        device: DeviceId,
        package: &str,
        version_code: i64,
    ) -> Result<usize, ServiceError> {
        let found = proof::proven(&self.store().client().await?, device, package, version_code).await?;
        let mut closed = 0;
        for proven in found {
            let prove = || self.prove_once(device, proven, version_code);
            closed += usize::from(self.store().retrying("prove_upgrade", prove).await?);
        }
        Ok(closed)
    }

    async fn prove_once(&self, device: DeviceId, proven: Proven, version_code: i64) -> Result<bool, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let Some(rules) = jobs::rules(&tx, &[proven.job.0]).await?.pop() else { return Ok(false) };
        let devices = [device.0];
        let newer = version_code.to_string();
        let runs = if version_code == i64::from(proven.version_code) { &rules.version } else { &newer };
        let mut tally = Tally::default();
        let happening = Happening {
            rules: rules.of_commands(),
            version_after: Some(runs),
            ..Happening::new(proven.job, &devices, Event::Proven)
        };
        let moved = commands::apply(&tx, &happening, &mut tally).await?;
        let message = format!("the device checked in with version {version_code}");
        let outcomes: Vec<NewOutcome<'_>> = moved
            .iter()
            .filter_map(|moved| {
                let (code, message) = (Some(CHECK_IN), Some(message.as_str()));
                Some(NewOutcome {
                    command: moved.command,
                    attempt: moved.attempt,
                    outcome: moved.outcome?,
                    code,
                    message,
                })
            })
            .collect();
        outcomes::insert(&tx, &outcomes).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        observe(rules.kind, None, &moved);
        Ok(!moved.is_empty())
    }
}

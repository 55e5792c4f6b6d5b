//! Devices that carried out a push: what they have is noted with the state of their command.

use drover_domain::{CommandState, JobId};
use drover_store::{
    StoreError, Tx,
    commands::Moved,
    jobs::{JobRules, Pushed},
    pushing::installs,
    tallies::Tally,
};

/// What a batch of reports says that devices have now, to be written after all of their commands.
#[derive(Debug, Default)]
pub(crate) struct CarriedOut(Vec<(JobId, Pushed, Vec<i64>)>);

impl CarriedOut {
    /// Takes note of the commands of a push that succeeded. What they brought is what their job brings, whatever is pushed by
    /// now.
    pub(crate) fn note(&mut self, rules: &JobRules, moved: &[Moved]) {
        let Some(push) = &rules.push else { return };
        let succeeded = moved.iter().filter(|moved| moved.to == CommandState::Succeeded);
        let mut devices: Vec<i64> = succeeded.map(|moved| moved.command.device.0).collect();
        devices.sort_unstable();
        if !devices.is_empty() {
            self.0.push((rules.id, push.clone(), devices));
        }
    }

    /// Writes it down, the oldest push first.
    pub(crate) async fn write(self, tx: &Tx<'_>, tally: &mut Tally) -> Result<(), StoreError> {
        for (job, push, devices) in self.0 {
            match push {
                Pushed::Installed { application, version_number, version_name } => {
                    let version = (version_number, version_name.as_str());
                    installs::note_installed(tx, application, version, &devices, tally).await?;
                }
                Pushed::Uninstalled(application) => {
                    installs::note_uninstalled(tx, application, &devices, tally).await?;
                }
                Pushed::Applied(restriction, revision) => {
                    installs::note_applied(tx, restriction, revision, &devices).await?;
                }
                Pushed::Removed(restriction) => installs::note_removed(tx, restriction, job, &devices).await?,
            }
        }
        Ok(())
    }
}

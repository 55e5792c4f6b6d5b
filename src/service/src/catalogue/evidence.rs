//! What a device says that it runs proves or disproves what its commands were to bring.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use drover_domain::DeviceId;
use drover_store::{
    StoreError,
    commands::proof::{self, Running},
    devices::{checks, inventories},
    tallies::Tally,
};

use crate::{Service, ServiceError, devices::inventory::reconcile, jobs::proof::PATIENCE};

const NOTED: &str = "drover_software_checks_noted_total";

/// What an enrolled device said in a check for updates.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_field_names, reason = "when it was said is no name of the struct's")]
pub(super) struct Said<'a> {
    /// The device.
    pub(super) device: DeviceId,
    /// The version of each package that it named.
    pub(super) installed: &'a BTreeMap<String, i64>,
    /// A fingerprint of that.
    pub(super) digest: &'a [u8; 32],
    /// When it said so, by its own signed clock.
    pub(super) said_at: DateTime<Utc>,
}

/// What became of a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Noted {
    /// A newer one is known: it says nothing any more.
    Older,
    /// It told nothing that was not known.
    Known,
    /// It changed what is known of its device.
    Changed,
}

impl Service {
    /// Writes down what a device said: what it has, and what became of its commands. Called when it says something new, when its
    /// commands changed since it last did, and while one of them waits for proof.
    pub(super) async fn note_check(&self, said: Said<'_>) -> Result<(), ServiceError> {
        let noted = self.store().retrying("note_check", || self.note_check_once(said)).await?;
        let result = match noted {
            Noted::Older => "older",
            Noted::Known => "known",
            Noted::Changed => "changed",
        };
        metrics::counter!(NOTED, "result" => result).increment(1);
        Ok(())
    }

    /// In one transaction, so that a check is known only with all that follows from it. Locks in the order of everybody: the
    /// check itself, commands by job, what is on the device, what was pushed to it, and what counts these.
    async fn note_check_once(&self, said: Said<'_>) -> Result<Noted, StoreError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await?;
        let device = said.device;
        if !checks::note(&tx, device, said.digest, said.said_at).await? {
            return Ok(Noted::Older);
        }
        // What the database would not take as text is nobody's name.
        let named = said.installed.iter().filter(|(package, _)| !package.contains('\0'));
        let running: Vec<Running<'_>> =
            named.map(|(package, version)| Running { package, version: *version }).collect();
        let verdicts = proof::verdicts(&tx, device, &running, Some(said.said_at), PATIENCE).await?;
        // Devices that have nothing of a package say 0 of it.
        let there: Vec<Running<'_>> = running.into_iter().filter(|running| running.version > 0).collect();
        let inventory = inventories::of_running(&tx, device, &there).await?;
        let is_known = inventories::is_known(&tx, device, &inventory).await?;
        if is_known && verdicts.is_empty() {
            tx.commit().await?;
            return Ok(Noted::Known);
        }
        let mut tally = Tally::default();
        let mut judged = self.judge(&tx, device, &verdicts, &mut tally).await?;
        inventories::write(&tx, device, &inventory).await?;
        std::mem::take(&mut judged.carried_out).write(&tx, &mut tally).await?;
        // The device may have more than what its command was to bring.
        reconcile(&tx, device, &inventory, &mut tally).await?;
        tally.write(&tx, self.store().tally_shard()).await?;
        tx.commit().await?;
        judged.observe();
        Ok(Noted::Changed)
    }
}

//! All that is known of one device, and why it is not updated.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use drover_domain::{
    DeviceId, JobId,
    why::{Reason, Situation, Ways, why},
};
use drover_store::{
    Client,
    watching::device::{
        self, DeviceCommand, SearchAfter, SearchBy, Searched, SeenApp, SeenDevice, SeenList, SeenOutcome, SeenReport,
    },
};

use crate::{Actor, List, ListFrom, Service, ServiceError};

/// The longest text that is searched for: that of the columns.
const SEARCH_MAX_CHARS: usize = 128;

/// Why a device is not updated, in the time of this installation.
pub type DeviceReason = Reason<DateTime<Utc>>;

/// A command of a device, and how it went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandStory {
    /// The command.
    pub command: DeviceCommand,
    /// How its attempts ended, in order; the last hundred.
    pub outcomes: Vec<SeenOutcome>,
    /// What the device said of it that moved nothing, in the order in which it came; the last hundred.
    pub unapplied: Vec<SeenReport>,
}

/// All that is known of a device.
#[derive(Debug, Clone)]
pub struct DeviceStory {
    /// The device.
    pub device: SeenDevice,
    /// Why it is not updated.
    pub reason: DeviceReason,
    /// Whether the job of the reason is within reach.
    pub is_job_within: bool,
    /// Its commands, those of the newest jobs first.
    pub commands: List<CommandStory>,
    /// The applications that it said it has.
    pub apps: Vec<SeenApp>,
    /// The black and white lists that it was told of.
    pub lists: Vec<SeenList>,
}

impl Service {
    /// All that is known of a device within reach, with a page of its commands.
    pub async fn device_story(&self, actor: &Actor, uuid: &str, from: &ListFrom) -> Result<DeviceStory, ServiceError> {
        let client = self.store().client().await?;
        let device = find(&client, actor, uuid).await?;
        let (reason, is_job_within) = reason(&client, actor, &device, None).await?;
        let commands = commands(&client, actor, device.id, from).await?;
        let apps = device::apps(&client, device.id).await?;
        let lists = device::lists(&client, device.id).await?;
        Ok(DeviceStory { device, reason, is_job_within, commands, apps, lists })
    }

    /// Why a device within reach is not updated; of a job, when one is named.
    pub async fn device_standing(
        &self,
        actor: &Actor,
        uuid: &str,
        job: Option<JobId>,
    ) -> Result<(SeenDevice, DeviceReason), ServiceError> {
        let client = self.store().client().await?;
        let device = find(&client, actor, uuid).await?;
        let (reason, _) = reason(&client, actor, &device, job).await?;
        Ok((device, reason))
    }

    /// A page of the commands of a device within reach, those of the newest jobs first.
    pub async fn device_commands(
        &self,
        actor: &Actor,
        uuid: &str,
        from: &ListFrom,
    ) -> Result<List<CommandStory>, ServiceError> {
        let client = self.store().client().await?;
        let device = find(&client, actor, uuid).await?;
        commands(&client, actor, device.id, from).await
    }

    /// Devices within reach, of which what is named by `by` begins with `prefix`. A page may hold few and go on.
    pub async fn search_devices(
        &self,
        actor: &Actor,
        (by, prefix): (SearchBy, &str),
        after: &SearchAfter,
        limit: u32,
    ) -> Result<Searched, ServiceError> {
        if prefix.contains('\0') || prefix.chars().nth(SEARCH_MAX_CHARS).is_some() {
            return Err(ServiceError::invalid("search", "is longer than 128 characters, or holds a NUL character"));
        }
        let client = self.store().client().await?;
        Ok(device::search(&client, &actor.reach, (by, prefix), after, limit.clamp(1, 1000).into()).await?)
    }
}

async fn find(client: &Client, actor: &Actor, uuid: &str) -> Result<SeenDevice, ServiceError> {
    let unknown = || ServiceError::not_found("device", uuid);
    if uuid.contains('\0') {
        return Err(unknown());
    }
    device::find(client, &actor.reach, uuid).await?.ok_or_else(unknown)
}

/// Why it is not updated, and whether the job that it is about is within reach.
async fn reason(
    client: &Client,
    actor: &Actor,
    seen: &SeenDevice,
    job: Option<JobId>,
) -> Result<(DeviceReason, bool), ServiceError> {
    let standing = device::standing(client, &actor.reach, seen.id, job).await?;
    let nothing = Ways { is_queue_paused: false, has_backlog: false, has_dispatcher: true };
    let (command, ways, is_job_within) = standing
        .map_or((None, nothing, false), |standing| (Some(standing.command), standing.ways, standing.is_job_within));
    Ok((why(&Situation { now: seen.read_at, device: seen.standing, command, ways }), is_job_within))
}

async fn commands(
    client: &Client,
    actor: &Actor,
    id: DeviceId,
    from: &ListFrom,
) -> Result<List<CommandStory>, ServiceError> {
    let limit = from.limit()?;
    let before = match from.after_id()? {
        0 => i64::MAX,
        job => job,
    };
    let found = device::commands(client, &actor.reach, id, before, limit).await?;
    let jobs: Vec<i64> = found.iter().map(|command| command.id.job.0).collect();
    let (mut outcomes, mut reports): (HashMap<_, Vec<_>>, HashMap<_, Vec<_>>) = Default::default();
    if !jobs.is_empty() {
        for outcome in device::outcomes(client, id, &jobs).await? {
            outcomes.entry(outcome.job).or_default().push(outcome);
        }
        for report in device::unapplied(client, id, &jobs).await? {
            reports.entry(report.job).or_default().push(report);
        }
    }
    let story = |command: DeviceCommand| CommandStory {
        outcomes: outcomes.remove(&command.id.job).unwrap_or_default(),
        unapplied: reports.remove(&command.id.job).unwrap_or_default(),
        command,
    };
    let stories = found.into_iter().map(story).collect();
    Ok(List::of(stories, limit, |story| story.command.id.job.to_string()))
}

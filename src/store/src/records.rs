//! What rows say, in the words of the domain.

use std::ops::Deref;

use chrono::{DateTime, Utc};
use drover_domain::{
    CommandId, CommandState, DeviceId, FirmwareId, JobId, JobKind, JobState, Policy, ProductId, Protocol, TenantId,
};

/// A family of devices.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Product {
    /// Its id.
    pub id: ProductId,
    /// Its owner.
    pub tenant: TenantId,
    /// Its name.
    pub name: String,
    /// What its devices speak.
    pub protocol: Protocol,
}

/// A firmware file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firmware {
    /// Its id.
    pub id: FirmwareId,
    /// The product whose devices run it.
    pub product: ProductId,
    /// Its name.
    pub name: String,
    /// The version it brings.
    pub version: String,
    /// Free text.
    pub description: String,
    /// The name it was uploaded under.
    pub file_name: String,
    /// Where the object store keeps it.
    pub object_path: String,
    /// Length in bytes.
    pub size_bytes: i64,
    /// SHA-256, lower-case hexadecimal.
    pub sha256: String,
    /// MD5, lower-case hexadecimal.
    pub md5: String,
    /// The vendor's number of an upgrade plan; Drover only keeps it.
    pub upgrade_plan: i16,
    /// Who uploaded it.
    pub created_by: String,
    /// Who changed it last.
    pub updated_by: String,
    /// When it was uploaded.
    pub created_at: DateTime<Utc>,
    /// When it was changed last.
    pub updated_at: DateTime<Utc>,
}

/// A firmware job with its product and what it brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FirmwareJob {
    /// The job.
    pub job: Job,
    /// Whose devices it acts on.
    pub product: Product,
    /// What it brings.
    pub firmware: Firmware,
}

impl Deref for FirmwareJob {
    type Target = Job;

    fn deref(&self) -> &Job {
        &self.job
    }
}

/// A job of any kind. What it brings to devices is an [`Artifact`](crate::Artifact), which is read where devices are told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// Its owner.
    pub tenant: TenantId,
    /// What it does.
    pub kind: JobKind,
    /// Its name.
    pub name: String,
    /// Free text.
    pub description: String,
    /// Where it stands.
    pub state: JobState,
    /// How it treats its commands.
    pub policy: Policy,
    /// Whether success needs proof.
    pub proof_required: bool,
    /// Who made it.
    pub created_by: String,
    /// The traceparent of the call that made it.
    pub trace_context: String,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was started.
    pub started_at: Option<DateTime<Utc>>,
    /// When it last went on after it was held.
    pub resumed_at: Option<DateTime<Utc>>,
    /// When its time is over.
    pub expires_at: Option<DateTime<Utc>>,
    /// Whether its time is over, by the database's clock.
    pub is_expired: bool,
    /// When its last command ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// How many commands it has.
    pub device_count: i64,
}

/// A command with its device and its last outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommandRecord {
    /// Its id.
    pub id: CommandId,
    /// The device's name for itself.
    pub device_uuid: String,
    /// The device's display name.
    pub device_name: String,
    /// The device's serial number.
    pub device_sn: String,
    /// The device's IMEI.
    pub imei: String,
    /// Where it stands.
    pub state: CommandState,
    /// Where it stood before.
    pub prior_state: CommandState,
    /// Whether the device refused to stop.
    pub cancel_refused: bool,
    /// The present attempt, from 1.
    pub attempt: i16,
    /// The device's result code for this attempt.
    pub result_code: Option<String>,
    /// The device's words for this attempt.
    pub result_message: Option<String>,
    /// When it was planned.
    pub created_at: DateTime<Utc>,
    /// When it was moved last; `created_at` when never.
    pub updated_at: DateTime<Utc>,
    /// When it ended.
    pub finished_at: Option<DateTime<Utc>>,
    /// The version the device ran when the command was planned.
    pub version_before: String,
    /// The version the device reported with its success.
    pub version_after: String,
}

/// A device as lists show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceRecord {
    /// Its id.
    pub id: DeviceId,
    /// Its name for itself.
    pub uuid: String,
    /// Its display name.
    pub name: String,
    /// Its serial number.
    pub sn: String,
    /// Its IMEI.
    pub imei: String,
    /// Its group, empty when none.
    pub group_uuid: String,
    /// 0 registered, 1 activated, 2 deregistered, as the AEP document counts.
    pub status: i16,
    /// Whether it was heard of since it was last known to have left.
    pub online: bool,
    /// When it was last heard of.
    pub online_at: Option<DateTime<Utc>>,
    /// When it was last known to have left.
    pub offline_at: Option<DateTime<Utc>>,
    /// The version it last reported.
    pub firmware_version: String,
    /// When it was enrolled.
    pub created_at: DateTime<Utc>,
    /// Its command, when listed for a job.
    pub command: Option<DeviceCommandRecord>,
}

/// A command as a list of devices shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceCommandRecord {
    /// Its id.
    pub id: CommandId,
    /// Where it stands.
    pub state: CommandState,
    /// Where it stood before.
    pub prior_state: CommandState,
    /// The present attempt, from 1.
    pub attempt: i16,
    /// Whether the device refused to stop.
    pub cancel_refused: bool,
    /// The device's result code for this attempt.
    pub result_code: Option<String>,
}

/// A page of a numbered list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// From 1.
    pub number: u32,
    /// Rows a page.
    pub size: u32,
}

impl Page {
    /// The most rows a page may have.
    pub const MAX_SIZE: u32 = 1000;
    /// No list is read further than this: what lies deeper is found by searching.
    pub const MAX_DEPTH: u32 = 100_000;

    /// Checks a page.
    pub fn new(number: u32, size: u32) -> Result<Self, InvalidPage> {
        if !(1..=Self::MAX_SIZE).contains(&size) {
            return Err(InvalidPage::Size);
        }
        if number == 0 || number.checked_mul(size).is_none_or(|depth| depth > Self::MAX_DEPTH) {
            return Err(InvalidPage::Number);
        }
        Ok(Self { number, size })
    }

    pub(crate) fn limit(self) -> i64 {
        i64::from(self.size)
    }

    pub(crate) fn offset(self) -> i64 {
        i64::from(self.number - 1) * i64::from(self.size)
    }
}

/// Rows of a list by where they stand in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    offset: u32,
    limit: u32,
}

impl Window {
    /// Checks a window: as many rows as a page may have, and no deeper in the list.
    pub fn new(offset: u32, limit: u32) -> Result<Self, InvalidPage> {
        if !(1..=Page::MAX_SIZE).contains(&limit) {
            return Err(InvalidPage::Size);
        }
        if offset.checked_add(limit).is_none_or(|depth| depth > Page::MAX_DEPTH) {
            return Err(InvalidPage::Number);
        }
        Ok(Self { offset, limit })
    }

    pub(crate) fn limit(self) -> i64 {
        self.limit.into()
    }

    pub(crate) fn offset(self) -> i64 {
        self.offset.into()
    }
}

/// What of a list lies in a window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Windowed<T> {
    /// Rows in the whole list; nobody counts further than [`Page::MAX_DEPTH`].
    pub total: i64,
    /// The rows.
    pub items: Vec<T>,
}

/// Not a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidPage {
    /// The size is 0 or above [`Page::MAX_SIZE`].
    #[error("a page has 1 to 1000 rows")]
    Size,
    /// The number is 0, or the page lies deeper than [`Page::MAX_DEPTH`].
    #[error("pages count from 1 and reach 100,000 rows deep; search for what lies deeper")]
    Number,
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<T> {
    /// Which page.
    pub page: Page,
    /// Rows in the whole list; lists that are counted row by row stop counting at [`Page::MAX_DEPTH`].
    pub total: i64,
    /// The page's rows.
    pub items: Vec<T>,
}

/// A row holds a word that this program does not know: a newer program wrote it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("unknown {column} {word:?} in the database: was it written by a newer version?")]
pub struct UnknownWord {
    /// The column.
    pub column: &'static str,
    /// The word.
    pub word: String,
}

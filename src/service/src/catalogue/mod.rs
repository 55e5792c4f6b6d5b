//! What is published for a device: the TOP gateway's check for updates.

mod check;
mod evidence;
mod facts;
mod memory;

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use drover_domain::Os;

pub(crate) use facts::FactsReader;
pub(crate) use memory::Catalogues;

/// What a device says when it asks what there is for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoftwareCheck {
    /// What it calls itself. It need not be enrolled: then it is offered what its organisation is.
    pub device: String,
    /// What kind of device it says it is. A number that a managed device may have counts as such; labels may name any.
    pub device_type: Option<String>,
    /// What it runs on. Of an enrolled device, what is known of it counts.
    pub os: Option<Os>,
    /// What else it calls itself that labels of a program may name.
    pub labels: Vec<String>,
    /// The code of the organisation that it says it is in; `None`: where it is enrolled, else its tenant's root.
    pub organisation: Option<String>,
    /// The version of each package that it says it has; what is not named is not there.
    pub installed: BTreeMap<String, i64>,
    /// When it said so, by its own signed clock.
    pub said_at: DateTime<Utc>,
}

/// Something that a device should run, and does not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Software {
    /// What the operating system knows it by.
    pub package: String,
    /// What people know it by.
    pub name: String,
    /// What it runs on.
    pub os: Os,
    /// The version as people read it.
    pub version_name: String,
    /// The version as a number; 0 when it is none.
    pub version_code: i64,
    /// What is new in it.
    pub description: String,
    /// How many bytes its file has.
    pub size_bytes: i64,
    /// The MD5 of its file, in hex.
    pub md5: String,
    /// Where its file is, for some time.
    pub file_url: String,
    /// Where its icon is, for some time.
    pub icon_url: Option<String>,
    /// Where the image of a QR code is that downloads it.
    pub qr_url: Option<String>,
    /// Settings that travel with it: a JSON object.
    pub settings: String,
    /// Whether it is to be installed without asking.
    pub is_auto_install: bool,
    /// Whether it takes the place of a newer version, which is published no more.
    pub is_rollback: bool,
}

//! The devices that log in themselves, each with its token, as `drover credential devices` prints them.

use std::{collections::HashSet, fs::File, io, path::Path};

use drover_domain::DeviceUuid;
use drover_service::Secret;

/// A device and what it proves itself with.
#[derive(Debug, Clone)]
pub(crate) struct DeviceToken {
    pub(crate) uuid: String,
    pub(crate) token: Secret,
}

/// Why a file of tokens is not taken.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InvalidTokens {
    /// It cannot be read. The reader's own words may quote a line, and with it a token.
    #[error("line {line} is not uuid,token")]
    Line {
        /// Which, from 1.
        line: u64,
    },
    /// A device is there twice.
    #[error("device {0} is named twice")]
    Twice(String),
    /// There are not enough.
    #[error("it names {found} devices whose uuids begin with {prefix}, not {wanted}")]
    TooFew {
        /// What they are to begin with.
        prefix: String,
        /// How many there are.
        found: usize,
        /// How many there should be.
        wanted: usize,
    },
    /// It cannot be opened.
    #[error("it cannot be opened")]
    Open(#[source] io::Error),
}

/// The first `count` devices of a file whose uuids begin with `prefix`.
pub(crate) fn from_file(file: &Path, prefix: &str, count: usize) -> Result<Vec<DeviceToken>, InvalidTokens> {
    read(File::open(file).map_err(InvalidTokens::Open)?, prefix, count)
}

fn read(source: impl io::Read, prefix: &str, count: usize) -> Result<Vec<DeviceToken>, InvalidTokens> {
    let lines = csv::ReaderBuilder::new().has_headers(false).trim(csv::Trim::All).from_reader(source);
    let (mut devices, mut known) = (Vec::new(), HashSet::new());
    for (line, record) in (1..).zip(lines.into_records()) {
        let record = record.map_err(|_| InvalidTokens::Line { line })?;
        let (Some(uuid), Some(token), 2) = (record.get(0), record.get(1), record.len()) else {
            return Err(InvalidTokens::Line { line });
        };
        if (line, uuid, token) == (1, "uuid", "token") {
            continue;
        }
        if DeviceUuid::parse(uuid).is_err() || token.is_empty() {
            return Err(InvalidTokens::Line { line });
        }
        if devices.len() == count || !uuid.starts_with(prefix) {
            continue;
        }
        if !known.insert(uuid.to_owned()) {
            return Err(InvalidTokens::Twice(uuid.to_owned()));
        }
        devices.push(DeviceToken { uuid: uuid.to_owned(), token: Secret::new(token) });
    }
    if devices.len() < count {
        return Err(InvalidTokens::TooFew { prefix: prefix.to_owned(), found: devices.len(), wanted: count });
    }
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uuids(text: &str, count: usize) -> Result<Vec<String>, String> {
        let devices = read(text.as_bytes(), "sim-", count).map_err(|error| error.to_string())?;
        Ok(devices.into_iter().map(|device| format!("{}={}", device.uuid, device.token.expose())).collect())
    }

    #[test]
    fn the_first_devices_of_the_prefix_are_taken() {
        let file = "uuid,token\nother,x\nsim-1,a\nsim-2, b\nsim-3,c\n";
        assert_eq!(uuids(file, 2).unwrap(), ["sim-1=a", "sim-2=b"]);
        assert_eq!(uuids("sim-1,a", 1).unwrap(), ["sim-1=a"], "a first line of names need not be there");
        assert!(uuids(file, 4).unwrap_err().contains("names 3 devices"));
    }

    #[test]
    fn no_complaint_shows_a_token() {
        for bad in ["sim-1,hidden,more", "sim-1", "sim 1,hidden", "sim-1,", "sim-1,hidden\nsim-1,hidden"] {
            let complaint = uuids(bad, 2).unwrap_err();
            assert!(complaint.contains("line 1") || complaint.contains("twice"), "{complaint}");
            assert!(!complaint.contains("hidden"), "{complaint}");
        }
    }
}

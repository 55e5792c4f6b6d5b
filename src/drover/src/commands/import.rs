//! `drover import`: streams a CSV file, however long.

use std::{collections::BTreeMap, fs::File, io::BufReader, path::Path, process::ExitCode};

use anyhow::Context;
use drover_service::{Fault, ImportKind, Imported, NewDevice, Product, Service, ServiceError, check_device};
use futures_util::stream;
use serde::Deserialize;

use crate::{
    cli::{Import, Rows},
    config::Config,
    startup::ready,
};

/// Devices written at once.
const BATCH: usize = 1000;
/// Bad lines that are shown; the rest is counted.
const SHOWN: usize = 100;

/// A line of the file. Columns that are not listed are refused, so that a misspelt one is not lost silently.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    uuid: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    sn: String,
    #[serde(default)]
    imei: String,
    #[serde(default)]
    group: String,
    #[serde(default)]
    firmware_version: String,
    #[serde(default = "default_channel")]
    channel: String,
}

fn default_channel() -> String {
    "mqtt".into()
}

pub(crate) async fn run(config: Config, command: Import) -> anyhow::Result<ExitCode> {
    let (file, tenant, product, strict) = match command {
        Import::Devices { file, tenant, product, strict } => (file, tenant, product, strict),
        Import::Organisations(rows) => return managed(config, ImportKind::Organisations, rows).await,
        Import::Users(rows) => return managed(config, ImportKind::Users, rows).await,
        Import::Groups(rows) => return managed(config, ImportKind::Groups, rows).await,
        Import::Labels(rows) => return managed(config, ImportKind::Labels, rows).await,
        Import::ManagedDevices(rows) => return managed(config, ImportKind::Devices, rows).await,
    };
    let mut installation = ready(config).await?;
    let imported = import(&installation.service, &file, &tenant, &product, strict).await;
    installation.close().await?;
    let Summary { imported, refused } = imported?;
    println!("{imported} devices imported, {refused} lines refused");
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Imports what the admin API imports, on behalf of the whole tenant.
async fn managed(config: Config, kind: ImportKind, Rows { file, tenant }: Rows) -> anyhow::Result<ExitCode> {
    let opened = File::open(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut installation = ready(config).await?;
    let imported = match installation.service.owner_of(&tenant).await {
        Ok(owner) => installation.service.import(&owner, kind, opened).await,
        Err(error) => Err(error),
    };
    installation.close().await?;
    match imported? {
        Imported::All { added, changed } => {
            println!("{added} added, {changed} changed");
            Ok(ExitCode::SUCCESS)
        }
        Imported::Refused(faults) => {
            for Fault { line, column, reason } in faults {
                println!("line {line}: {column} {reason}");
            }
            println!("nothing was imported");
            Ok(ExitCode::FAILURE)
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Summary {
    imported: usize,
    refused: usize,
}

async fn import(service: &Service, file: &Path, tenant: &str, product: &str, strict: bool) -> anyhow::Result<Summary> {
    let product = service.product_by_name(tenant, product).await?;
    let mut complaints = Complaints::default();
    if strict {
        // The whole file is read once before anything is written, so that all its faults are shown together.
        Batches::open(file)?
            .for_each(|batch| batch.into_iter().for_each(|(line, device)| complaints.check(line, device)));
        if complaints.count > 0 {
            return Ok(Summary { imported: 0, refused: complaints.count });
        }
        return import_all(service, &product, file).await;
    }
    let mut imported = 0;
    for batch in Batches::open(file)? {
        let (mut devices, mut lines) = (Vec::with_capacity(batch.len()), BTreeMap::new());
        for (line, device) in batch {
            let Some(device) = complaints.accept(line, device) else { continue };
            lines.insert(device.uuid.clone(), line);
            devices.push(device);
        }
        let refused = service.enrol_what_fits(&product, &devices).await?;
        imported += devices.len() - refused.len();
        for uuid in refused {
            complaints.note(
                lines.get(&uuid).copied().unwrap_or_default(),
                &format!("device {uuid} belongs to another product"),
            );
        }
    }
    Ok(Summary { imported, refused: complaints.count })
}

async fn import_all(service: &Service, product: &Product, file: &Path) -> anyhow::Result<Summary> {
    let batches = Batches::open(file)?.map(|batch| batch.into_iter().filter_map(|(_, device)| device.ok()).collect());
    match service.enrol_all(product, stream::iter(batches)).await {
        Ok(imported) => Ok(Summary { imported, refused: 0 }),
        Err(ServiceError::Conflict { reason }) => {
            println!("{reason}");
            Ok(Summary { imported: 0, refused: 1 })
        }
        Err(error) => Err(error.into()),
    }
}

/// What is wrong with the file.
#[derive(Debug, Default)]
struct Complaints {
    count: usize,
}

impl Complaints {
    fn note(&mut self, line: u64, problem: &str) {
        self.count += 1;
        if self.count <= SHOWN {
            println!("line {line}: {problem}");
        } else if self.count == SHOWN + 1 {
            println!("… more lines are refused; they are only counted");
        }
    }

    fn accept(&mut self, line: u64, device: Result<NewDevice, String>) -> Option<NewDevice> {
        let checked =
            device.and_then(|device| check_device(&device).map(|()| device).map_err(|error| error.to_string()));
        checked.map_err(|problem| self.note(line, &problem)).ok()
    }

    fn check(&mut self, line: u64, device: Result<NewDevice, String>) {
        self.accept(line, device);
    }
}

/// The file's lines, some at a time, each with its number.
struct Batches {
    lines: csv::DeserializeRecordsIntoIter<BufReader<File>, Line>,
}

impl Batches {
    fn open(file: &Path) -> anyhow::Result<Self> {
        let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(BufReader::new(opened));
        let headers = reader.headers().with_context(|| format!("{} is not a CSV file", file.display()))?;
        anyhow::ensure!(
            headers.iter().any(|column| column == "uuid"),
            "{} has no column uuid in its first line",
            file.display()
        );
        Ok(Self { lines: reader.into_deserialize() })
    }
}

impl Iterator for Batches {
    type Item = Vec<(u64, Result<NewDevice, String>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut batch = Vec::new();
        while batch.len() < BATCH {
            let line_number = self.lines.reader().position().line();
            let Some(line) = self.lines.next() else { break };
            let number = line.as_ref().err().and_then(csv::Error::position).map_or(line_number, csv::Position::line);
            let device = line.map_err(|error| error.to_string()).map(|line| NewDevice {
                uuid: line.uuid,
                name: line.name,
                sn: line.sn,
                imei: line.imei,
                group_uuid: line.group,
                firmware_version: line.firmware_version,
                channel: line.channel,
            });
            batch.push((number, device));
        }
        (!batch.is_empty()).then_some(batch)
    }
}

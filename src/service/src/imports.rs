//! Many rows from a CSV file, however long: all of them, or none when one is refused.
//!
//! A thread reads the file, a batch ahead of the transaction that writes it, so that neither the file nor what became of it is
//! ever whole in memory. A row adds what is not there and changes what is; a column that the file does not have stays as it is.

mod devices;
mod organisations;
mod reading;
mod sets;
mod spool;
mod users;

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Read,
    time::Duration,
};

use drover_domain::OrganisationId;
use drover_store::{
    StoreError, Tx,
    people::{organisations::by_codes, scope},
};
use tokio::{
    sync::{Semaphore, mpsc},
    time::timeout,
};

use crate::{Operator, Service, ServiceError, UserSetKind};
use reading::{Message, Row};

/// Rows written at once.
const BATCH: usize = 1000;
/// Faults that are told of.
const TOLD: usize = 20;
/// Imports that one process writes at once. Each has a connection to itself, and those of one tenant take turns with it in
/// their hands: the other connections of the pool are for others.
const AT_ONCE: usize = 2;
/// How long an import waits for its turn.
const TURN_LIMIT: Duration = Duration::from_mins(1);

/// The turns of the imports.
pub(crate) struct Turns(Semaphore);

impl Turns {
    pub(crate) fn new() -> Self {
        Self(Semaphore::new(AT_ONCE))
    }
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImportKind {
    /// Organisations.
    Organisations,
    /// Users.
    Users,
    /// Devices.
    Devices,
    /// Groups and their members.
    Groups,
    /// Labels and their members.
    Labels,
}

impl ImportKind {
    /// The columns that its files may have; the first one must be there.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Organisations => organisations::COLUMNS,
            Self::Users => users::COLUMNS,
            Self::Devices => devices::COLUMNS,
            Self::Groups | Self::Labels => sets::COLUMNS,
        }
    }
}

/// What is wrong with a file, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The line, from 1, which is the header.
    pub line: u64,
    /// The column; empty when the line as a whole is at fault.
    pub column: String,
    /// What is wrong.
    pub reason: String,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Imported {
    /// All of it is there now. A row that was there before counts as changed, whatever it said.
    All {
        /// Rows that were not there.
        added: u64,
        /// Rows that were.
        changed: u64,
    },
    /// Nothing was changed, because of these faults and perhaps more.
    Refused(Vec<Fault>),
}

/// The faults found so far.
#[derive(Debug, Default)]
struct Faults(Vec<Fault>);

impl Faults {
    fn note(&mut self, line: u64, column: &str, reason: impl Into<String>) {
        if self.0.len() < TOLD {
            self.0.push(Fault { line, column: column.to_owned(), reason: reason.into() });
        }
    }

    /// Notes why a value was refused, under the name of its column.
    fn refuse(&mut self, line: u64, error: ServiceError) -> Result<(), ServiceError> {
        match error {
            ServiceError::Invalid { field, reason } => self.note(line, field, reason),
            ServiceError::Conflict { reason } => self.note(line, "", reason),
            other => return Err(other),
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.0.len() >= TOLD
    }
}

/// How many rows were added and changed.
#[derive(Debug, Default)]
struct Count {
    lines: u64,
    added: u64,
}

/// An import that is under way.
struct Import<'a> {
    caller: &'a Operator,
    tx: Tx<'a>,
    organisations: HashMap<String, Option<OrganisationId>>,
    products: HashMap<String, Option<drover_domain::ProductId>>,
    faults: Faults,
    count: Count,
}

impl Service {
    /// Imports a file.
    pub async fn import<R>(&self, caller: &Operator, kind: ImportKind, source: R) -> Result<Imported, ServiceError>
    where
        R: Read + Send + 'static,
    {
        caller.require_write()?;
        let turn = timeout(TURN_LIMIT, self.inner.imports.0.acquire()).await;
        let _turn = turn.map_err(|error| ServiceError::Unavailable(error.into()))?;
        let (sender, mut messages) = mpsc::channel(1);
        let reader = tokio::task::spawn_blocking(move || reading::read(source, kind.columns(), BATCH, &sender));
        let imported = self.import_read(caller, kind, &mut messages).await;
        // A reader that nobody listens to any more ends at its next batch.
        drop(messages);
        reader.await.map_err(|error| ServiceError::Internal(Box::new(error)))?;
        if let Ok(Imported::All { added, changed }) = imported {
            tracing::info!(?kind, added, changed, by = %caller.id, "file imported");
        }
        imported
    }

    async fn import_read(
        &self,
        caller: &Operator,
        kind: ImportKind,
        messages: &mut mpsc::Receiver<Message>,
    ) -> Result<Imported, ServiceError> {
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        scope::take_turn(&tx, caller.tenant).await?;
        let mut import = Import {
            caller,
            tx,
            organisations: HashMap::new(),
            products: HashMap::new(),
            faults: Faults::default(),
            count: Count::default(),
        };
        while let Some(message) = messages.recv().await {
            match message {
                Message::Rows(rows) => match kind {
                    ImportKind::Organisations => import.organisations(&rows).await?,
                    ImportKind::Users => import.users(&rows).await?,
                    ImportKind::Devices => import.devices(&rows).await?,
                    ImportKind::Groups => import.sets(UserSetKind::Group, &rows).await?,
                    ImportKind::Labels => import.sets(UserSetKind::Label, &rows).await?,
                },
                Message::Fault(Fault { line, column, reason }) => import.faults.note(line, &column, reason),
                Message::Broken(error) => return Err(ServiceError::Aborted(error.into())),
            }
            if import.faults.is_full() {
                break;
            }
        }
        let Import { tx, faults: Faults(faults), count, .. } = import;
        if !faults.is_empty() {
            return Ok(Imported::Refused(faults));
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Imported::All { added: count.added, changed: count.lines - count.added })
    }
}

impl Import<'_> {
    /// Looks up the organisations that rows name, and notes those that are not there.
    async fn find_organisations(&mut self, rows: &[Row]) -> Result<(), ServiceError> {
        let is_new = |code: &&str| !self.organisations.contains_key(*code);
        let codes: BTreeSet<&str> = rows.iter().filter_map(|row| row.filled("organisation")).filter(is_new).collect();
        if !codes.is_empty() {
            let codes: Vec<String> = codes.into_iter().map(str::to_owned).collect();
            let Operator { tenant, organisation, .. } = self.caller;
            let found = by_codes(&self.tx, *tenant, &organisation.path, &codes).await?;
            self.organisations.extend(codes.into_iter().map(|code| (code, None)));
            self.organisations.extend(found.into_iter().map(|found| (found.code, Some(found.id))));
        }
        for row in rows {
            if let Some(code) = row.filled("organisation")
                && !matches!(self.organisations.get(code), Some(Some(_)))
            {
                self.faults.note(row.line, "organisation", format!("there is no organisation {code}"));
            }
        }
        Ok(())
    }

    /// The organisation that a row names, or else the caller's own.
    fn organisation_of(&self, row: &Row) -> OrganisationId {
        let named = row.filled("organisation").and_then(|code| self.organisations.get(code).copied().flatten());
        named.unwrap_or(self.caller.organisation.id)
    }

    /// Counts what was written of a batch, and notes what was not.
    fn settle(&mut self, rows: &[&Row], written: &[(String, bool)], reason: &str) {
        let written: HashMap<&str, bool> = written.iter().map(|(key, is_new)| (key.as_str(), *is_new)).collect();
        for row in rows {
            match written.get(row.key()) {
                Some(is_new) => self.count.added += u64::from(*is_new),
                None => self.faults.note(row.line, row.key_column(), reason),
            }
        }
    }
}

/// The last row of each key, in the order of the keys: rows that are written in one order never wait for each other, and
/// what is said twice is as it is said last.
fn last_of_each(rows: &[Row]) -> Vec<&Row> {
    let mut last: BTreeMap<&str, &Row> = BTreeMap::new();
    last.extend(rows.iter().map(|row| (row.key(), row)));
    last.into_values().collect()
}

//! The rows of a CSV file, read in a thread of its own.

use std::{
    cell::Cell,
    io::{self, Read},
    rc::Rc,
    sync::Arc,
};

use csv::{ErrorKind, ReaderBuilder, StringRecord, Trim};
use tokio::sync::mpsc;

use super::Fault;

/// The longest row: a quote that is never closed must not fill the memory.
const ROW_MAX_BYTES: usize = 64 << 10;

/// What the reader found.
#[derive(Debug)]
pub(super) enum Message {
    /// Some rows.
    Rows(Vec<Row>),
    /// Something that is wrong.
    Fault(Fault),
    /// The file cannot be read any further.
    Broken(io::Error),
}

/// A row of a file.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// Its line.
    pub(super) line: u64,
    record: StringRecord,
    columns: Arc<[String]>,
    key: usize,
}

impl Row {
    /// The text in a column; `None`: the file has no such column.
    pub(super) fn get(&self, column: &str) -> Option<&str> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.record.get(at)
    }

    /// The text in a column, if there is any.
    pub(super) fn filled(&self, column: &str) -> Option<&str> {
        self.get(column).filter(|text| !text.is_empty())
    }

    /// The text in a column, empty when there is none.
    pub(super) fn text(&self, column: &str) -> String {
        self.get(column).unwrap_or_default().to_owned()
    }

    /// What names the row.
    pub(super) fn key(&self) -> &str {
        self.record.get(self.key).unwrap_or_default()
    }

    /// The column that names rows.
    pub(super) fn key_column(&self) -> &str {
        &self.columns[self.key]
    }
}

/// Reads a file to its end, or until nobody listens any more.
pub(super) fn read(source: impl Read, known: &[&str], batch: usize, sender: &mpsc::Sender<Message>) {
    // An error here means that nobody listens.
    if let Err(message) = read_all(source, known, batch, sender) {
        let _ = sender.blocking_send(message);
    }
}

fn read_all(source: impl Read, known: &[&str], batch: usize, sender: &mpsc::Sender<Message>) -> Result<(), Message> {
    let unread = Rc::new(Cell::new(0));
    let bounded = Bounded { source, unread: Rc::clone(&unread) };
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(bounded);
    let columns: Arc<[String]> = match reader.headers() {
        Ok(headers) => headers.iter().map(str::to_owned).collect(),
        Err(error) => return Err(fault(error, 1)),
    };
    let key = check_header(&columns, known)?;
    let (mut rows, mut record) = (Vec::with_capacity(batch), StringRecord::new());
    loop {
        unread.set(0);
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(false) => break,
            Ok(true) => {
                let line = record.position().map_or(line, csv::Position::line);
                if let Some(at) = record.iter().position(|text| text.contains('\0')) {
                    let fault = Fault { line, column: columns[at].clone(), reason: "holds a NUL character".into() };
                    if sender.blocking_send(Message::Fault(fault)).is_err() {
                        return Ok(());
                    }
                    continue;
                }
                rows.push(Row { line, record: record.clone(), columns: Arc::clone(&columns), key });
            }
            Err(error) => match fault(error, line) {
                // Faults of one row: those of the others are of interest too.
                Message::Fault(fault) => {
                    if sender.blocking_send(Message::Fault(fault)).is_err() {
                        return Ok(());
                    }
                }
                broken => return Err(broken),
            },
        }
        if rows.len() >= batch && sender.blocking_send(Message::Rows(std::mem::take(&mut rows))).is_err() {
            return Ok(());
        }
    }
    let _ = sender.blocking_send(Message::Rows(rows));
    Ok(())
}

/// Checks the names of the columns, and finds the one that names rows.
fn check_header(columns: &[String], known: &[&str]) -> Result<usize, Message> {
    let refuse =
        |column: &str, reason: String| Err(Message::Fault(Fault { line: 1, column: column.to_owned(), reason }));
    for (at, column) in columns.iter().enumerate() {
        if !known.contains(&column.as_str()) {
            return refuse(column, format!("is no column of this file: there are {}", known.join(", ")));
        }
        if columns[..at].contains(column) {
            return refuse(column, "comes twice".to_owned());
        }
    }
    let key = known.first().copied().unwrap_or_default();
    match columns.iter().position(|column| column == key) {
        Some(at) => Ok(at),
        None => refuse(key, "is missing from the first line".to_owned()),
    }
}

fn fault(error: csv::Error, line: u64) -> Message {
    let line = error.position().map_or(line, csv::Position::line);
    let reason = match error.into_kind() {
        ErrorKind::Io(error) if error.kind() == io::ErrorKind::InvalidData => error.to_string(),
        ErrorKind::Io(error) => return Message::Broken(error),
        ErrorKind::UnequalLengths { expected_len, len, .. } => format!("has {len} values instead of {expected_len}"),
        ErrorKind::Utf8 { .. } => "is not UTF-8".to_owned(),
        _ => "is not CSV".to_owned(),
    };
    Message::Fault(Fault { line, column: String::new(), reason })
}

/// Ends a row that goes on for ever.
struct Bounded<R> {
    source: R,
    unread: Rc<Cell<usize>>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.unread.get() > ROW_MAX_BYTES {
            let reason = format!("is longer than {ROW_MAX_BYTES} bytes; perhaps a quote is not closed");
            return Err(io::Error::new(io::ErrorKind::InvalidData, reason));
        }
        let length = self.source.read(buffer)?;
        self.unread.set(self.unread.get() + length);
        Ok(length)
    }
}

//! The commands of a job as a CSV file, read page by page while it is fetched: no statement is long, and a caller who goes away
//! ends it.

use axum::{
    body::Body,
    response::{IntoResponse as _, Response},
};
use chrono::{DateTime, SecondsFormat, Utc};
use csv::WriterBuilder;
use drover_domain::{JobId, Outcome};
use drover_service::{Actor, BoxError, CommandRow, CommandSearch, List, ListFrom, Service, ServiceError};
use futures_util::stream;
use http::{HeaderValue, header};

/// Commands read at once.
const PAGE: u32 = 1000;

const COLUMNS: [&str; 17] = [
    "command_id",
    "device_id",
    "device_uuid",
    "device_name",
    "serial_number",
    "imei",
    "state",
    "attempt",
    "last_outcome",
    "code",
    "message",
    "version_before",
    "version_after",
    "planned_at",
    "sent_at",
    "changed_at",
    "finished_at",
];

/// How far a file has been read.
struct Reading {
    service: Service,
    actor: Actor,
    job: JobId,
    search: CommandSearch,
    next: Next,
}

enum Next {
    /// A page that has been read.
    Read(List<CommandRow>),
    /// The page after this.
    After(String),
    Nothing,
}

/// The commands that match, as a file to be kept. What is wrong with the search is said before it begins.
pub(crate) async fn answer(
    service: &Service,
    actor: &Actor,
    job: JobId,
    search: CommandSearch,
) -> Result<Response, ServiceError> {
    let first = service.list_commands(actor, job, &search, &ListFrom { after: None, limit: PAGE }).await?;
    let (service, actor) = (service.clone(), actor.clone());
    let reading = Reading { service, actor, job, search, next: Next::Read(first) };
    let pages = stream::try_unfold((reading, true), |(reading, is_first)| async move {
        let read = read_on(reading, is_first).await;
        if let Err(error) = &read {
            tracing::warn!(%error, "a file of commands breaks off");
        }
        read
    });
    let name = format!("attachment; filename=\"job-{job}-commands.csv\"");
    let disposition = HeaderValue::from_str(&name).unwrap_or(HeaderValue::from_static("attachment"));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Body::from_stream(pages)).into_response())
}

/// The next piece of the file.
async fn read_on(mut reading: Reading, is_first: bool) -> Result<Option<(Vec<u8>, (Reading, bool))>, BoxError> {
    let list = match std::mem::replace(&mut reading.next, Next::Nothing) {
        Next::Read(list) => list,
        Next::After(after) => {
            let from = ListFrom { after: Some(after), limit: PAGE };
            reading.service.list_commands(&reading.actor, reading.job, &reading.search, &from).await?
        }
        Next::Nothing => return Ok(None),
    };
    reading.next = list.next.map_or(Next::Nothing, Next::After);
    let piece = lines(&list.items, is_first)?;
    Ok(Some((piece, (reading, false))))
}

fn lines(commands: &[CommandRow], with_header: bool) -> Result<Vec<u8>, BoxError> {
    let mut writer = WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if with_header {
        writer.write_record(COLUMNS)?;
    }
    for command in commands {
        writer.write_record(cells(command))?;
    }
    Ok(writer.into_inner().map_err(csv::IntoInnerError::into_error)?)
}

fn cells(command: &CommandRow) -> [String; COLUMNS.len()] {
    let time = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
    let or_empty = |at: Option<DateTime<Utc>>| at.map(time).unwrap_or_default();
    [
        command.id.to_i64().to_string(),
        command.id.device.to_string(),
        harmless(&command.uuid),
        harmless(&command.device_name),
        harmless(&command.sn),
        harmless(&command.imei),
        command.state.as_str().to_owned(),
        command.attempt.to_string(),
        command.outcome.map_or("", Outcome::as_str).to_owned(),
        harmless(command.code.as_deref().unwrap_or_default()),
        harmless(command.message.as_deref().unwrap_or_default()),
        harmless(&command.version_before),
        harmless(&command.version_after),
        time(command.created_at),
        or_empty(command.sent_at),
        time(command.updated_at),
        or_empty(command.finished_at),
    ]
}

/// A text of somebody else's that no spreadsheet takes for a formula.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use drover_domain::{CommandId, CommandState, DeviceId};

    use super::*;

    fn command(code: &str, message: &str) -> CommandRow {
        let at = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        CommandRow {
            id: CommandId { job: JobId(3001), device: DeviceId(7) },
            uuid: "d-7".into(),
            device_name: "a, \"b\"\nc".into(),
            sn: "-1".into(),
            imei: String::new(),
            state: CommandState::Failed,
            prior_state: CommandState::Sent,
            attempt: 2,
            outcome: Some(Outcome::Failed),
            code: Some(code.into()),
            message: Some(message.into()),
            version_before: "1".into(),
            version_after: String::new(),
            created_at: at,
            sent_at: None,
            deadline_at: None,
            updated_at: at,
            finished_at: Some(at),
        }
    }

    #[test]
    fn what_devices_say_reads_back_and_runs_nowhere() {
        let written = lines(&[command("=cmd|' /C calc'!A0", "+1"), command("E1", "")], true).unwrap();
        assert!(written.ends_with(b"\r\n"));
        let mut reader = csv::Reader::from_reader(written.as_slice());
        assert_eq!(reader.headers().unwrap(), COLUMNS.as_slice());
        let rows: Vec<csv::StringRecord> = reader.records().collect::<Result<_, _>>().unwrap();
        assert_eq!(
            (&rows[0][3], &rows[0][4], &rows[0][9], &rows[0][10]),
            ("a, \"b\"\nc", "'-1", "'=cmd|' /C calc'!A0", "'+1")
        );
        assert_eq!(
            (&rows[1][2], &rows[1][9], &rows[1][14], &rows[1][16]),
            ("d-7", "E1", "", "2027-01-15T08:00:00.000Z")
        );
        assert_eq!(rows[0].len(), COLUMNS.len());
    }
}

//! Devices that ask what there is for them.

use chrono::DateTime;
use drover_domain::CommandId;
use drover_service::SoftwareCheck;

use crate::support::World;

/// A device says which versions it runs, so many seconds after the first moment of the test's clock.
pub(crate) async fn asks(world: &World, uuid: &str, at_s: i64, installed: &[(&str, i64)]) {
    let check = SoftwareCheck {
        device: uuid.into(),
        device_type: None,
        os: None,
        labels: Vec::new(),
        organisation: None,
        installed: installed.iter().map(|(package, version)| ((*package).to_owned(), *version)).collect(),
        said_at: DateTime::from_timestamp(1_800_000_000 + at_s, 0).unwrap(),
    };
    world.service.check_software(&world.caller, &check).await.unwrap();
}

/// Everything that was written until now was so a minute earlier.
pub(crate) async fn a_minute_passes(world: &World) {
    let sql = "UPDATE commands SET updated_at = updated_at - interval '1 minute', created_at = created_at - interval '1 minute';
        UPDATE device_checks SET noted_at = noted_at - interval '1 minute'";
    world.client().await.batch_execute(sql).await.unwrap();
}

/// How a command ended, or stands, with its attempt; and the attempts that ended: how, with which code and words.
pub(crate) async fn standing(world: &World, command: i64) -> (String, i16, Vec<[String; 3]>) {
    let command = CommandId::from_i64(command).unwrap();
    let client = world.client().await;
    let sql = "SELECT state, attempt FROM commands WHERE job_id = $1 AND device_id = $2";
    let row = client.query_one(sql, &[&command.job.0, &command.device.0]).await.unwrap();
    let sql = "SELECT outcome, COALESCE(code, ''), COALESCE(message, '') FROM outcomes
        WHERE job_id = $1 AND device_id = $2 ORDER BY attempt";
    let ended = client.query(sql, &[&command.job.0, &command.device.0]).await.unwrap();
    let ended = ended.iter().map(|row| [row.get(0), row.get(1), row.get(2)]).collect();
    (row.get(0), row.get(1), ended)
}

/// An attempt that a check ended.
pub(crate) fn by_check(outcome: &str, version: i64) -> [String; 3] {
    [outcome.into(), "check_in".into(), format!("the device checked in with version {version}")]
}

/// What is known to be on a device: package, name, version and its name.
pub(crate) async fn known(world: &World, uuid: &str) -> Vec<(String, String, i64, String)> {
    let sql = "SELECT package_name, a.name, version_code, version_name FROM device_apps a
        JOIN devices d ON d.id = a.device_id WHERE d.uuid = $1 ORDER BY 1";
    let rows = world.client().await.query(sql, &[&uuid]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

pub(crate) fn app(package: &str, version: i64, name: &str) -> (String, String, i64, String) {
    (package.into(), String::new(), version, name.into())
}

//! What is read of devices that ask the TOP gateway, over a real Postgres.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use drover_domain::{CommandState, JobId, OrganisationPath, TenantId};
use drover_store::{
    Client, Store, StoreOptions, TlsMode,
    catalogue::{self, Ask, EnrolledDevice, Facts},
    migrate,
};
use drover_testkit::{TestDatabase, TestPostgres};

const DIGEST: [u8; 32] = [7; 32];

/// Two tenants; of the first, organisations /1/ and /1/2/ and device `d`, of the second the device `e`.
async fn world() -> (Client, TestDatabase) {
    let database = TestPostgres::database().await;
    let options = StoreOptions {
        url: database.url.clone(),
        pool_size: 2,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    let client = store.client().await.unwrap();
    client
        .batch_execute(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme'), (5, 'other'), (6, 'new');
             INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES
                (1, 1, NULL, 'root', 'root', '/1/'), (2, 1, 1, 'east', 'east', '/1/2/'), (5, 5, NULL, 'root', 'root', '/5/');
             INSERT INTO devices (id, tenant_id, organisation_id, uuid) OVERRIDING SYSTEM VALUE
                VALUES (1, 1, 2, 'd'), (2, 5, 5, 'e')",
        )
        .await
        .unwrap();
    (client, database)
}

fn ask(tenant: i64, device: &str, organisation: Option<&str>) -> Ask {
    let organisation = organisation.map(str::to_owned);
    Ask { tenant: TenantId(tenant), device: device.into(), organisation, digest: DIGEST }
}

async fn facts(client: &Client, asks: &[Ask]) -> Vec<Facts> {
    catalogue::facts(client, asks).await.unwrap().into_iter().map(Result::unwrap).collect()
}

async fn device(client: &Client) -> EnrolledDevice {
    facts(client, &[ask(1, "d", None)]).await.remove(0).device.unwrap()
}

#[tokio::test]
async fn each_asker_gets_what_is_its_own() {
    let (client, _database) = world().await;
    client.execute("INSERT INTO catalogue_revisions (tenant_id, revision) VALUES (1, 3)", &[]).await.unwrap();
    let asks = [
        ask(1, "d", None),
        ask(1, "d", Some("root")),
        ask(1, "unknown", None),
        ask(1, "unknown", Some("east")),
        ask(1, "d", Some("nowhere")),
        ask(5, "d", None),
        ask(5, "e", Some("east")),
        ask(6, "", None),
        ask(1, "d", None),
    ];
    let found = facts(&client, &asks).await;
    let path = |text: &str| OrganisationPath::parse(text);
    let paths = found.iter().map(|facts| facts.organisation.clone()).collect::<Vec<_>>();
    let east = path("/1/2/");
    let expected = [east.clone(), path("/1/"), path("/1/"), east.clone(), None, path("/5/"), None, None, east];
    assert_eq!(paths, expected, "a tenant's codes and devices are its own");
    let enrolled: Vec<bool> = found.iter().map(|facts| facts.device.is_some()).collect();
    assert_eq!(enrolled, [true, true, false, false, true, false, true, false, true]);
    assert_eq!(found.iter().map(|facts| facts.revision).collect::<Vec<_>>(), [3, 3, 3, 3, 3, 0, 0, 0, 3]);
    assert_eq!(found[0], found[8]);
    assert!(facts(&client, &[]).await.is_empty());
}

#[tokio::test]
async fn what_was_said_is_known_until_a_command_changes() {
    let (client, _database) = world().await;
    let execute = async |sql: &str| assert_eq!(client.execute(sql, &[]).await.unwrap(), 1, "{sql}");
    assert!(!device(&client).await.is_noted, "it never said anything");
    execute("INSERT INTO device_checks (device_id, digest, said_at) SELECT 1, decode(repeat('07', 32), 'hex'), now()")
        .await;
    assert!(device(&client).await.is_noted);
    execute("UPDATE device_checks SET digest = decode(repeat('08', 32), 'hex')").await;
    assert!(!device(&client).await.is_noted, "it said something else");
    execute("UPDATE device_checks SET digest = decode(repeat('07', 32), 'hex')").await;
    execute("INSERT INTO commands (job_id, device_id, updated_at) VALUES (7, 1, now() - interval '2 minutes')").await;
    assert!(device(&client).await.is_noted);
    execute("UPDATE commands SET updated_at = now() - interval '30 seconds'").await;
    assert!(!device(&client).await.is_noted, "the change may have come after what was noted");
    execute("UPDATE device_checks SET noted_at = now() + interval '31 seconds'").await;
    assert!(device(&client).await.is_noted);
}

#[tokio::test]
async fn the_newest_commands_count_and_all_that_are_open() {
    let (client, _database) = world().await;
    assert!(device(&client).await.commands.is_empty());
    let sql = "INSERT INTO commands (job_id, device_id, state, deadline_at, finished_at, updated_at)
        SELECT n, 1, CASE n WHEN 2 THEN 'planned' WHEN 100 THEN 'verifying' ELSE 'succeeded' END,
            CASE WHEN n = 100 THEN now() END, CASE WHEN n NOT IN (2, 100) THEN now() END, now() - interval '1 h'
        FROM generate_series(1, 100) n";
    client.execute(sql, &[]).await.unwrap();
    let commands = device(&client).await.commands;
    assert_eq!((commands.len(), commands.keys().nth(1)), (65, Some(&JobId(37))));
    assert_eq!(commands.get(&JobId(100)), Some(&CommandState::Verifying));
    assert_eq!(commands.get(&JobId(99)), Some(&CommandState::Succeeded));
    assert_eq!(commands.get(&JobId(2)), Some(&CommandState::Planned), "its turn has not come, whatever came since");

    // What changed is a change however much is newer.
    let noted =
        "INSERT INTO device_checks (device_id, digest, said_at) VALUES (1, decode(repeat('07', 32), 'hex'), now())";
    client.execute(noted, &[]).await.unwrap();
    assert!(device(&client).await.is_noted);
    client.execute("UPDATE commands SET updated_at = now() WHERE job_id = 1", &[]).await.unwrap();
    assert!(!device(&client).await.is_noted);
    // There is an end to that.
    let sql =
        "INSERT INTO commands (job_id, device_id, state, updated_at) SELECT n, 1, 'planned', now() - interval '1 h'
        FROM generate_series(101, 1001) n";
    client.execute(sql, &[]).await.unwrap();
    let found = device(&client).await;
    assert_eq!((found.commands.len(), found.is_noted), (903, true));
}

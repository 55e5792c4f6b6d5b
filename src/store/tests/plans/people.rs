//! The lists of users and managed devices, and what writes them, keep to the indexes of large tables, whatever the statistics
//! say.

use drover_domain::{OrganisationId, OrganisationPath, TenantId, UserId};
use drover_store::{
    Store,
    devices::managed::{self, DeviceColumns, DeviceSearch, DeviceValues},
    people::{
        scope::{After, Scope},
        users::{self, UserColumns, UserValues},
    },
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const ROWS: i64 = 30_000;
const ORGANISATIONS: i64 = 100;
const PAGE: i64 = 100;

/// A root with organisations below it, each with as many users and devices, each user with one device.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
        INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
            SELECT n, 1, CASE WHEN n > 1 THEN 1 END, 'o' || n, 'o', CASE WHEN n > 1 THEN '/1/' || n || '/' ELSE '/1/' END
            FROM generate_series(1, {ORGANISATIONS}) AS n;
        INSERT INTO users (id, tenant_id, organisation_id, account) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1 + n % {ORGANISATIONS}, 'u' || n FROM generate_series(1, {ROWS}) AS n;
        INSERT INTO devices (id, tenant_id, organisation_id, user_id, uuid, name) OVERRIDING SYSTEM VALUE
            SELECT n, 1, 1 + n % {ORGANISATIONS}, n, 'd' || n, 'phone ' || n FROM generate_series(1, {ROWS}) AS n;
        ALTER TABLE users ALTER id RESTART WITH 1000001;
        ALTER TABLE devices ALTER id RESTART WITH 1000001"
    );
    world::filled(statistics, &["organisations", "users", "devices"], &fill).await
}

fn device(uuid: String, organisation: i64, user: i64) -> DeviceValues {
    DeviceValues {
        uuid,
        name: "n".into(),
        organisation: OrganisationId(organisation),
        user: Some(UserId(user)),
        product: None,
        os: Some(51201),
        device_type: None,
        relationship: None,
        device_number: None,
        imei: String::new(),
        sn: String::new(),
        channel: "mqtt".into(),
    }
}

fn user(account: String) -> UserValues {
    UserValues { account, name: "n".into(), mail: String::new(), phone: String::new() }
}

#[tokio::test]
async fn no_list_and_no_upsert_reads_a_whole_table() {
    let columns = UserColumns { organisation: true, name: true, mail: true, phone: true };
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &["users", "devices"]).await;
        let path = |text: &str| OrganisationPath::parse(text).unwrap();
        let all = Scope { tenant: TenantId(1), path: path("/1/") };
        for round in 1..=ROUNDS {
            let (id, number) = (round + 10, round * 1000);
            let below = Scope { path: path(&format!("/1/{id}/")), ..all.clone() };
            let after = After { organisation: OrganisationId(id), path: below.path.clone(), id: number };
            for (scope, after) in [(&all, None), (&all, Some(&after)), (&below, None), (&below, Some(&after))] {
                assert_eq!(users::page(&tx, scope, None, after, PAGE).await.unwrap().len(), 100);
                users::page(&tx, scope, Some(&format!("u{number}")), after, PAGE).await.unwrap();
                for search in [
                    DeviceSearch::All,
                    DeviceSearch::NamePrefix("phone".into()),
                    DeviceSearch::Uuid(format!("d{number}")),
                    DeviceSearch::User(UserId(number)),
                ] {
                    managed::page(&tx, scope, &search, after, PAGE).await.unwrap();
                }
                assert_eq!(
                    sequential_scans(&tx, &["users", "devices"]).await,
                    before,
                    "lists, round {round}, statistics {statistics:?}"
                );
            }
            // Half of them are there.
            let numbers = (ROWS - 250 + 500 * round)..(ROWS + 250 + 500 * round);
            let new: Vec<_> = numbers.clone().map(|n| (OrganisationId(id), user(format!("u{n}")))).collect();
            assert_eq!(users::upsert(&tx, &all, columns, &new).await.unwrap().len(), 500);
            let new: Vec<_> = numbers.map(|n| device(format!("d{n}"), id, number)).collect();
            let written = managed::upsert(&tx, &all, DeviceColumns::ALL, false, &new).await.unwrap();
            assert_eq!(written.len(), 500);
            managed::get(&tx, &below, &format!("d{number}")).await.unwrap();
            let known = managed::lock(&tx, &all, &format!("d{number}")).await.unwrap().unwrap();
            managed::update(&tx, known.id, &device(known.values.uuid.clone(), id, number)).await.unwrap();
            assert!(users::holds_devices(&tx, UserId(number)).await.unwrap());
            assert_eq!(
                sequential_scans(&tx, &["users", "devices"]).await,
                before,
                "writes, round {round}, statistics {statistics:?}"
            );
        }
    }
}

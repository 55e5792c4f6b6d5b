//! Planning and recording pushes looks up what it needs by index, whatever the statistics say: devices by the thousand in
//! groups, commands and installs of other pushes, of which Postgres was told when the tables were empty, when they were full,
//! or never.

use std::time::Duration;

use drover_domain::{ApplicationId, JobId, OrganisationId, PushAction, RestrictionId};
use drover_store::{
    Store,
    audiences::{self, Making, PushAudience},
    pushing::{
        assignments::{Subject, Targets},
        installs, pushes,
    },
    tallies::Tally,
};
use drover_testkit::TestDatabase;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const USERS: i64 = 20_000;
const CHUNK: i64 = 100;
/// What is too large to be read whole.
const LARGE: [&str; 8] = [
    "commands",
    "devices",
    "users",
    "user_group_members",
    "label_members",
    "app_installs",
    "restriction_installs",
    "device_apps",
];
/// The job of every command that is there.
const OLDER: i64 = 1;

/// A tenant whose users each have a device, are in group 1 and bear label 1 by halves, and have an application and a list.
async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
             INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES (1, 1, 'root', 'r', '/1/');
             INSERT INTO operators (id, tenant_id, organisation_id, login_id, name, role, password_hash)
                OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'a', 'A', 'tenant_admin', '$argon2id$');
             INSERT INTO users (id, tenant_id, organisation_id, account) OVERRIDING SYSTEM VALUE
                SELECT n, 1, 1, 'u' || n FROM generate_series(1, {USERS}) n;
             INSERT INTO user_groups (id, tenant_id, organisation_id, name) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'g');
             INSERT INTO labels (id, tenant_id, organisation_id, name) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'l');
             INSERT INTO user_group_members SELECT 1, n FROM generate_series(1, {USERS}, 2) n;
             INSERT INTO label_members SELECT 1, n FROM generate_series(1, {USERS}) n;
             INSERT INTO devices (id, tenant_id, organisation_id, user_id, uuid, os) OVERRIDING SYSTEM VALUE
                SELECT n, 1, 1, n, 'd' || n, 51201 FROM generate_series(1, {USERS}) n;
             DELETE FROM device_reviews;
             INSERT INTO packages (id, tenant_id, platform, name) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1, 'p');
             INSERT INTO applications (id, tenant_id, organisation_id, package_id, type, name) OVERRIDING SYSTEM VALUE
                VALUES (1, 1, 1, 1, 1, 'a');
             INSERT INTO app_releases (id, application_id, version_number) OVERRIDING SYSTEM VALUE VALUES (1, 1, 1), (2, 1, 2);
             UPDATE applications SET release_id = 2;
             INSERT INTO restrictions (id, tenant_id, organisation_id, type, platform, name, revision) OVERRIDING SYSTEM VALUE
                VALUES (1, 1, 1, 1, 1, 'l', 2);
             INSERT INTO assignments (id, tenant_id, application_id, restriction_id, organisation_id, operator_id, is_required,
                relationships) OVERRIDING SYSTEM VALUE
                VALUES (1, 1, 1, NULL, 1, 1, true, '{{1,2,3}}'), (2, 1, NULL, 1, 1, 1, true, '{{1,2,3}}');
             INSERT INTO jobs (id, tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
                started_at, expires_at, push_action, application_id, package_id, release_id, restriction_id,
                restriction_revision, assignment_id) OVERRIDING SYSTEM VALUE
                SELECT id, 1, 'push', 'j', 'running', 0, 1, 1, '', now(), now() + interval '1 day', action, application,
                    application, release, list, revision, assignment
                FROM (VALUES ({OLDER}, 'install', 1, 1, NULL::bigint, NULL::integer, 1),
                    (11, 'install', 1, 2, NULL, NULL, 1), (12, 'uninstall', 1, NULL, NULL, NULL, NULL),
                    (13, 'apply', NULL, NULL, 1, 2, 2), (14, 'remove', NULL, NULL, 1, NULL, NULL)
                ) given (id, action, application, release, list, revision, assignment);
             INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at, sent_at)
                SELECT {OLDER}, n, 'sent', 'queued', now(), now() FROM generate_series(1, {USERS}) n;
             INSERT INTO commands (job_id, device_id, state, prior_state, finished_at)
                SELECT 2, n, 'succeeded', 'queued', now() FROM generate_series(1, {USERS}) n;
             INSERT INTO app_installs (application_id, device_id, job_id) SELECT 1, n, {OLDER} FROM generate_series(1, {USERS}) n;
             INSERT INTO restriction_installs (restriction_id, device_id, job_id, revision)
                SELECT 1, n, {OLDER}, 1 FROM generate_series(1, {USERS}) n;
             INSERT INTO device_apps (device_id, package_name, version_code)
                SELECT n, 'p', 1 FROM generate_series(1, {USERS}) n"
    );
    world::filled(statistics, &LARGE, &fill).await
}

#[tokio::test]
async fn no_step_of_a_push_reads_a_large_table_whole() {
    let (application, restriction) = (ApplicationId(1), RestrictionId(1));
    let subjects = [Subject::Application(application), Subject::Restriction(restriction)];
    let named = Targets { groups: vec![1], users: vec![2, 4], labels: vec![], default_group: true };
    let labelled = Targets { labels: vec![1], ..Targets::default() };
    let audiences = [
        PushAudience::Users(named),
        PushAudience::Users(labelled),
        PushAudience::Holders,
        PushAudience::Devices((1..=USERS).collect()),
    ];
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        for (job, audience) in
            [11, 12, 13, 14].into_iter().flat_map(|job| audiences.iter().map(move |a| (JobId(job), a)))
        {
            let mut client = store.client().await.unwrap();
            let tx = client.transaction().await.unwrap();
            // Those of the filling may not have been accounted for yet.
            let before = sequential_scans(&tx, &LARGE).await;
            audiences::insert_push(&tx, job, audience, OrganisationId(1), "").await.unwrap();
            let mut planned = 0;
            for _ in 0..ROUNDS {
                let push = pushes::take_turn(&tx, job).await.unwrap().unwrap();
                assert!(subjects.contains(&push.subject));
                let making = Making { retry_limit: 0, limit: CHUNK, release: Some(Duration::from_mins(1)) };
                let chunk = audiences::plan_push_chunk(&tx, job, push, making).await.unwrap().unwrap();
                planned += chunk.devices.len();
                let mut tally = Tally::default();
                installs::note_planned(&tx, push.subject, job, &chunk.devices, &mut tally).await.unwrap();
                match push.action {
                    PushAction::Install => {
                        let version = (2, "2");
                        installs::note_installed(&tx, application, version, &chunk.devices, &mut tally).await.unwrap();
                    }
                    PushAction::Uninstall => {
                        installs::note_uninstalled(&tx, application, &chunk.devices, &mut tally).await.unwrap();
                    }
                    PushAction::Apply => {
                        installs::note_applied(&tx, restriction, 2, &chunk.devices).await.unwrap();
                    }
                    PushAction::Remove => {
                        installs::note_removed(&tx, restriction, job, &chunk.devices).await.unwrap();
                    }
                }
            }
            // A step that begins within a user has that user among those that it looks at.
            assert!(planned > 98 * 8, "{statistics:?} {job} {planned}");
            assert_eq!(sequential_scans(&tx, &LARGE).await, before, "{statistics:?} {job}");
        }
    }
}

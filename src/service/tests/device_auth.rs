//! Devices that log in: what is believed for how long, and what strangers can and cannot do.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::{Duration, Instant};

use drover_service::{CredentialKind, DeviceLogin, ServiceError, ServiceOptions};
use drover_testkit::wait_until;
use futures_util::future::join_all;
use support::World;

const PATIENCE: Duration = Duration::from_secs(20);
/// Longer than any test, and no time at all.
const FOR_EVER: Duration = Duration::from_hours(1);
const NEVER: Duration = Duration::ZERO;

/// A world with one device that has a token. What the database said is believed for `auth_cache`.
async fn world(auth_cache: Duration) -> (World, String, String) {
    let world = World::with(ServiceOptions { auth_cache, ..ServiceOptions::default() }).await;
    let uuid = world.enrol(1).await.remove(0);
    let token = token(&world, &uuid).await;
    (world, uuid, token)
}

async fn token(world: &World, uuid: &str) -> String {
    let issued = world.service.add_credential("acme", CredentialKind::Device, Some(uuid)).await.unwrap();
    issued.secret.expose().to_owned()
}

/// The result as one word.
async fn login(world: &World, uuid: &str, token: &str) -> &'static str {
    match world.service.authenticate_device(uuid, token).await {
        Ok(DeviceLogin::Accepted(device)) => {
            assert_eq!((device.uuid.as_str(), device.tenant), (uuid, world.caller.tenant));
            "accepted"
        }
        Ok(DeviceLogin::Refused) => "refused",
        Ok(DeviceLogin::TooMany { retry_after }) => {
            assert!(retry_after > Duration::ZERO && retry_after <= Duration::from_mins(1));
            "too many"
        }
        Err(error) => {
            assert!(error.is_unavailable(), "{error}");
            "unavailable"
        }
    }
}

#[tokio::test]
async fn the_token_of_the_device_and_no_other() {
    let (world, uuid, good) = world(NEVER).await;
    world.enrol(2).await;
    let others = token(&world, "sim-0002").await;
    assert_eq!(login(&world, &uuid, &good).await, "accepted");
    for (uuid, token) in [
        (uuid.as_str(), others.as_str()),
        (&uuid, ""),
        (&uuid, &good[1..]),
        ("sim-0002", &good),
        ("nobody", &good),
        ("", &good),
        (".*", &good),
        ("sim-0001\0", &good),
        ("SIM-0001", &good),
    ] {
        assert_eq!(login(&world, uuid, token).await, "refused", "{uuid:?}");
    }
    let sql = "UPDATE devices SET status = 'deregistered' WHERE uuid = 'sim-0001'";
    world.client().await.batch_execute(sql).await.unwrap();
    assert_eq!(login(&world, &uuid, &good).await, "refused", "no longer a device");
    assert!(world.service.admitted_device(&uuid).await.unwrap().is_none());
}

#[tokio::test]
async fn a_revoked_token_is_wrong_once_it_is_forgotten_and_for_ever() {
    let (world, uuid, old) = world(NEVER).await;
    world.service.revoke_device_credential(&uuid).await.unwrap();
    assert_eq!(login(&world, &uuid, &old).await, "refused");
    assert!(world.service.admitted_device(&uuid).await.unwrap().is_none());
    let new = token(&world, &uuid).await;
    assert_eq!((login(&world, &uuid, &new).await, login(&world, &uuid, &old).await), ("accepted", "refused"));
    let twice = world.service.add_credential("acme", CredentialKind::Device, Some(&uuid)).await;
    assert!(matches!(twice, Err(ServiceError::Conflict { .. })), "a good token is not replaced");
    let unknown = world.service.revoke_device_credential("nobody").await;
    assert!(matches!(unknown, Err(ServiceError::NotFound { .. })));
}

#[tokio::test]
async fn what_the_database_said_is_believed_for_a_while() {
    let (world, uuid, token) = world(FOR_EVER).await;
    assert_eq!(login(&world, &uuid, &token).await, "accepted");
    assert_eq!(login(&world, "nobody", &token).await, "refused");
    world.service.revoke_device_credential(&uuid).await.unwrap();
    // No database from here on.
    world.store.close();
    assert_eq!(login(&world, &uuid, &token).await, "accepted");
    assert!(world.service.admitted_device(&uuid).await.unwrap().is_some());
    assert_eq!(login(&world, "nobody", &token).await, "refused");
    assert_eq!(login(&world, "somebody", &token).await, "unavailable", "what is not known is not invented");
}

#[tokio::test]
async fn who_guesses_is_told_to_stop_and_locks_nobody_out() {
    let (world, uuid, token) = world(FOR_EVER).await;
    assert_eq!(login(&world, &uuid, &token).await, "accepted");
    world.store.close();
    let mut answers = Vec::new();
    for _ in 0..30 {
        answers.push(login(&world, &uuid, "a guess").await);
    }
    assert_eq!(answers[..10], ["refused"; 10]);
    assert_eq!(answers[10..], ["too many"; 20]);
    assert_eq!(login(&world, &uuid, &token).await, "accepted", "it costs nothing to see that it is right");
}

#[tokio::test]
async fn strangers_cost_a_bounded_number_of_look_ups_and_hinder_only_strangers() {
    let (world, uuid, token) = world(NEVER).await;
    assert_eq!(login(&world, &uuid, &token).await, "accepted");
    let mut refused = 0;
    for wave in 0..100 {
        let names: Vec<String> = (0..200).map(|n| format!("stranger-{wave}-{n}")).collect();
        let answers = join_all(names.iter().map(|name| login(&world, name, "x"))).await;
        refused += answers.iter().filter(|answer| **answer == "refused").count();
        if answers.contains(&"too many") {
            assert!(refused < 2000, "{refused} look-ups");
            assert_eq!(login(&world, &uuid, &token).await, "accepted", "it was here before");
            return;
        }
    }
    panic!("{refused} strangers were looked up");
}

#[tokio::test]
async fn strangers_at_once_leave_no_debts_to_those_who_come_later() {
    let (world, uuid, token) = world(NEVER).await;
    let began = Instant::now();
    let names: Vec<String> = (0..5000).map(|n| format!("stranger-{n}")).collect();
    let answers = join_all(names.iter().map(|name| login(&world, name, "x"))).await;
    let looked_up = answers.iter().filter(|answer| **answer == "refused").count();
    let most = 101.0 + 100.0 * began.elapsed().as_secs_f64();
    assert!(looked_up >= 100 && f64::from(u32::try_from(looked_up).unwrap()) <= most, "{looked_up} of {most}");
    // Nobody has seen this device before. What strangers were refused is not to be waited for.
    wait_until(Duration::from_secs(5), "the device to be let in", async || {
        login(&world, &uuid, &token).await == "accepted"
    })
    .await;
}

#[tokio::test]
async fn a_fleet_that_comes_at_once_is_let_in() {
    let world = World::with(ServiceOptions { auth_cache: FOR_EVER, ..ServiceOptions::default() }).await;
    let fleet = world.enrol(300).await;
    let tokens = join_all(fleet.iter().map(|uuid| token(&world, uuid))).await;
    let logins = fleet.iter().zip(&tokens).map(|(uuid, token)| login(&world, uuid, token));
    assert_eq!(join_all(logins).await, vec!["accepted"; 300]);
}

#[tokio::test]
async fn nobody_who_comes_again_and_again_takes_nothing_from_others() {
    let (world, uuid, token_of_device) = world(NEVER).await;
    world.enrol(2).await;
    let names: Vec<String> = (0..50).map(|n| format!("revoked-{n}")).collect();
    for _ in 0..40 {
        join_all(names.iter().map(|name| login(&world, name, "x"))).await;
    }
    assert_eq!(login(&world, &uuid, &token_of_device).await, "accepted", "there is a budget left");
    // Who was nobody gets in soon after it is given a token, also one that never stopped to ask.
    assert_ne!(login(&world, "sim-0002", "x").await, "accepted");
    let token = token(&world, "sim-0002").await;
    wait_until(Duration::from_secs(5), "the new token to be taken", async || {
        login(&world, "sim-0002", &token).await == "accepted"
    })
    .await;
}

#[tokio::test]
async fn logins_at_once_share_one_look_up() {
    let (world, uuid, token) = world(FOR_EVER).await;
    // A transaction sees the activity of one moment only.
    let (mut client, observer) = (world.client().await, world.client().await);
    let tx = client.transaction().await.unwrap();
    tx.batch_execute("LOCK TABLE credentials IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let logins = join_all((0..200).map(|_| login(&world, &uuid, &token)));
    let held = async {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()";
        wait_until(PATIENCE, "a look-up", async || {
            observer.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) > 0
        })
        .await;
        let waiting: i64 = observer.query_one(waiting, &[]).await.unwrap().get(0);
        tx.commit().await.unwrap();
        waiting
    };
    let (answers, waiting) = tokio::join!(logins, held);
    assert_eq!((waiting, answers), (1, vec!["accepted"; 200]));
}

#[tokio::test]
async fn connections_are_ended_at_once_and_when_nobody_can_believe_the_old_token() {
    let (world, uuid, _) = world(FOR_EVER).await;
    let service = &world.service;
    assert_eq!(service.waiting_cut_offs().await.unwrap(), 0);
    service.revoke_device_credential(&uuid).await.unwrap();
    let taken = service.claim_cut_offs(10).await.unwrap();
    assert_eq!(taken.iter().map(|cut_off| cut_off.uuid.as_str()).collect::<Vec<_>>(), [uuid.as_str()]);
    assert!(service.claim_cut_offs(10).await.unwrap().is_empty(), "somebody is on it");
    // A new token does not make the old connections good.
    token(&world, &uuid).await;
    service.note_cut_off(&taken[0]).await.unwrap();
    let due_in = "SELECT extract(epoch FROM cut_off_due_at - now())::float8 FROM credentials WHERE kind = 'device'";
    let seconds: f64 = world.client().await.query_one(due_in, &[]).await.unwrap().get(0);
    assert!((3590.0..3603.0).contains(&seconds), "{seconds}: once more after the life of what is believed");

    let pass = "UPDATE credentials SET cut_off_due_at = now(), cut_off_since = cut_off_since - interval '2 hours'";
    world.client().await.batch_execute(pass).await.unwrap();
    let taken = service.claim_cut_offs(10).await.unwrap();
    service.note_cut_off(&taken[0]).await.unwrap();
    assert_eq!(service.waiting_cut_offs().await.unwrap(), 0, "done");

    service.revoke_device_credential(&uuid).await.unwrap();
    let taken = service.claim_cut_offs(10).await.unwrap();
    service.revoke_device_credential(&uuid).await.unwrap();
    service.note_cut_off(&taken[0]).await.unwrap();
    assert_eq!(service.claim_cut_offs(10).await.unwrap().len(), 1, "revoked in between: at once, and again later");
}

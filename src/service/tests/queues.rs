//! Queues are paused, dead letters sent again or discarded, workers drained: by whom, with an audit row, once.
#![allow(clippy::unwrap_used)]

mod support;

use std::time::Duration;

use drover_domain::Role;
use drover_service::{
    Actor, Condition, DeadLetterFilter, Dealt, ListFrom, Matching, Reach, ServiceError, ServiceOptions,
};
use drover_store::queues::{
    self, QueueSample,
    dead_letters::{self, NewDeadLetter},
    workers::{self, Beat, Orders},
};
use support::World;
use uuid::Uuid;

const ALL: ListFrom = ListFrom { after: None, limit: 100 };

fn me() -> Actor {
    Actor::command_line("me")
}

fn letter(id: Option<u128>, reason: &str) -> NewDeadLetter {
    NewDeadLetter {
        message_id: id.map(Uuid::from_u128),
        routing_key: None,
        body: format!("body of {id:?}").into_bytes(),
        reason: reason.into(),
        broker_attempt: 2,
        trace_context: support::TRACE.into(),
        job: Some(7),
    }
}

async fn keep(world: &World, queue: &str, letters: &[NewDeadLetter]) {
    dead_letters::keep(&world.client().await, queue, letters).await.unwrap();
}

/// Actions and details of the audit, newest first.
async fn audit(world: &World) -> Vec<(String, String, String)> {
    let entries = world.service.audit(&me(), &ALL).await.unwrap().items;
    entries.into_iter().map(|entry| (entry.action, entry.subject, entry.detail)).collect()
}

/// Someone who runs one tenant, and one who runs the installation and only looks.
fn others(world: &World) -> [(Actor, bool); 2] {
    let path = drover_domain::OrganisationPath::parse("/1/").unwrap();
    let scope = drover_store::people::scope::Scope { tenant: world.caller.tenant, path };
    assert!(Role::TenantAdmin.may_write());
    [(Actor { reach: Reach::Part(scope), ..me() }, false), (Actor { may_write: false, ..me() }, true)]
}

#[tokio::test]
async fn a_queue_is_paused_once_and_says_who_did_it() {
    let world = World::new().await;
    let service = &world.service;
    let all = service.queues(&me()).await.unwrap();
    assert!(all.len() > 5 && all.iter().all(|view| view.sample.is_none() && view.paused_at.is_none()));
    let seen = QueueSample {
        name: "dispatch.firmware".into(),
        ready: 3,
        unacked: None,
        consumers: 2,
        published_per_s: Some(1.5),
        delivered_per_s: None,
        retrying: 1,
        dead: 4,
    };
    queues::note_samples(&world.client().await, std::slice::from_ref(&seen)).await.unwrap();
    assert!(queues::is_sample_fresh(&world.client().await, Duration::from_mins(1)).await.unwrap());
    assert!(!queues::is_sample_fresh(&world.client().await, Duration::ZERO).await.unwrap());
    let paused = service.pause_queue(&me(), "dispatch.firmware").await.unwrap();
    assert_eq!((paused.paused_by.as_str(), paused.sample), ("me", Some(seen)));
    let again = service.pause_queue(&Actor::command_line("you"), "dispatch.firmware").await.unwrap();
    assert_eq!((again.paused_by.as_str(), again.paused_at), ("me", paused.paused_at));
    // One that nobody has seen yet.
    service.pause_queue(&me(), "reports").await.unwrap();
    let orders = beat(&world, Uuid::from_u128(1), false).await;
    assert_eq!(orders, Orders { drain: false, paused: vec!["dispatch.firmware".into(), "reports".into()] });
    for name in ["dispatch.firmware", "reports", "reports"] {
        assert_eq!(service.resume_queue(&me(), name).await.unwrap().paused_at, None);
    }
    let actions: Vec<String> =
        audit(&world).await.into_iter().map(|(action, queue, _)| format!("{action} {queue}")).collect();
    let expected = [
        "queue_resumed reports",
        "queue_resumed dispatch.firmware",
        "queue_paused reports",
        "queue_paused dispatch.firmware",
    ];
    assert_eq!(actions, expected);
    let unknown = service.pause_queue(&me(), "nothing").await.unwrap_err();
    assert_eq!(unknown.to_string(), "queue nothing does not exist");
}

#[tokio::test]
async fn who_does_not_run_the_installation_sees_nothing_and_who_only_looks_changes_nothing() {
    let world = World::new().await;
    let service = &world.service;
    keep(&world, "reports", &[letter(Some(1), "no")]).await;
    beat(&world, Uuid::from_u128(1), false).await;
    let id = service.dead_letters(&me(), None, "", &ALL).await.unwrap().items[0].id;
    let filter = DeadLetterFilter::default();
    for (other, may_look) in others(&world) {
        let looks = [
            service.queues(&other).await.is_ok(),
            service.commands_behind(&other, "jobs.firmware").await.is_ok(),
            service.dead_letters(&other, Some("reports"), "", &ALL).await.is_ok(),
            service.dead_letter(&other, id).await.is_ok(),
            service.matching_dead_letters(&other, "reports", &filter).await.is_ok(),
            service.workers(&other).await.is_ok(),
            service.worker(&other, Uuid::from_u128(1)).await.is_ok(),
        ];
        assert_eq!(looks, [may_look; 7]);
        let refused = [
            service.pause_queue(&other, "reports").await.err(),
            service.resume_queue(&other, "reports").await.err(),
            service.replay_dead_letter(&other, id).await.err(),
            service.discard_dead_letter(&other, id).await.err(),
            service.replay_dead_letters(&other, "reports", &filter).await.err(),
            service.discard_dead_letters(&other, "reports", &filter).await.err(),
            service.drain_worker(&other, Uuid::from_u128(1)).await.err(),
            service.resume_worker(&other, Uuid::from_u128(1)).await.err(),
        ];
        assert!(refused.iter().all(|error| matches!(error, Some(ServiceError::Forbidden { .. }))), "{refused:?}");
    }
    assert_eq!(audit(&world).await, []);
    assert_eq!(service.dead_letters(&me(), None, "", &ALL).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn dead_letters_are_found_by_queue_and_reason_page_by_page() {
    let world = World::new().await;
    let service = &world.service;
    let letters: Vec<_> =
        (0..2_500).map(|n| letter(Some(n), if n % 1_000 == 7 { "Rare 100%_" } else { "common" })).collect();
    keep(&world, "reports", &letters).await;
    keep(&world, "jobs.push", &[letter(Some(7), "rare"), letter(None, "common")]).await;
    let mut from = ListFrom { after: None, limit: 2 };
    let (mut found, mut pages) = (Vec::new(), 0);
    loop {
        let page = service.dead_letters(&me(), Some("reports"), "rare 100%_", &from).await.unwrap();
        found.extend(page.items.into_iter().map(|letter| letter.message_id.unwrap().as_u128()));
        pages += 1;
        let Some(next) = page.next else { break };
        from.after = Some(next);
    }
    assert_eq!((found, pages), (vec![2_007, 1_007, 7], 2));
    let all = service.dead_letters(&me(), None, "", &ListFrom { after: None, limit: 3 }).await.unwrap();
    let queues: Vec<&str> = all.items.iter().map(|letter| letter.queue.as_str()).collect();
    assert_eq!(queues, ["jobs.push", "jobs.push", "reports"]);
    let whole = service.dead_letter(&me(), all.items[1].id).await.unwrap();
    assert_eq!((whole.body.as_slice(), whole.job.unwrap().0), (&b"body of Some(7)"[..], 7));
    // The same message again is the same row, with the reason that it has now.
    keep(&world, "jobs.push", &[letter(Some(7), "rarer")]).await;
    assert_eq!(service.dead_letter(&me(), whole.id).await.unwrap().reason, "rarer");
    for (reason, limit) in [("a\0b", 1), (&*"x".repeat(201), 1), ("", 0)] {
        let from = ListFrom { after: None, limit };
        let refused = service.dead_letters(&me(), None, reason, &from).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { .. })));
    }
}

#[tokio::test]
async fn what_is_sent_again_is_in_the_outbox_as_it_first_came_and_nothing_else_goes() {
    let world = World::new().await;
    let service = &world.service;
    let report = NewDeadLetter { routing_key: Some("devices.d.reports".into()), ..letter(Some(1), "no such job") };
    let letters: Vec<_> =
        [report, letter(None, "No such job"), letter(Some(3), "poison"), letter(Some(4), "no such job")].into();
    keep(&world, "reports", &letters).await;
    let filter = DeadLetterFilter { reason: "no such".into(), up_to: None };
    let Matching { count, up_to } = service.matching_dead_letters(&me(), "reports", &filter).await.unwrap();
    assert_eq!(count, 3);
    // That came after somebody was asked to confirm.
    keep(&world, "reports", &[letter(Some(5), "no such job")]).await;
    let confirmed = DeadLetterFilter { up_to, ..filter };
    assert_eq!(service.replay_dead_letters(&me(), "reports", &confirmed).await.unwrap(), Dealt { letters: 3 });
    assert_eq!(service.replay_dead_letters(&me(), "reports", &confirmed).await.unwrap(), Dealt { letters: 0 });
    let sql = "SELECT message_id, queue, body, trace_context, routing_key FROM outbox ORDER BY id";
    let rows = world.client().await.query(sql, &[]).await.unwrap();
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get("message_id")).collect();
    assert_eq!((ids[0], ids[2]), (Uuid::from_u128(1), Uuid::from_u128(4)));
    assert!(!ids[1].is_nil() && rows.len() == 3);
    let first: (String, Vec<u8>, String, Option<String>) =
        (rows[0].get(1), rows[0].get(2), rows[0].get(3), rows[0].get(4));
    let key = Some("devices.d.reports".to_owned());
    assert_eq!(first, ("reports".into(), b"body of Some(1)".to_vec(), support::TRACE.into(), key));
    assert_eq!(rows[1].get::<_, Option<String>>(4), None);

    let left = service.dead_letters(&me(), Some("reports"), "", &ALL).await.unwrap().items;
    assert_eq!(left.len(), 2);
    assert_eq!(service.discard_dead_letter(&me(), left[0].id).await.unwrap(), Dealt { letters: 1 });
    assert!(matches!(service.discard_dead_letter(&me(), left[0].id).await, Err(ServiceError::NotFound { .. })));
    assert!(matches!(service.replay_dead_letter(&me(), left[0].id).await, Err(ServiceError::NotFound { .. })));
    assert_eq!(service.replay_dead_letter(&me(), left[1].id).await.unwrap(), Dealt { letters: 1 });
    let details: Vec<_> = audit(&world).await.into_iter().map(|(action, _, detail)| (action, detail)).collect();
    let said = |action: &str, detail: &str| (action.to_owned(), detail.to_owned());
    let expected = [
        said("dead_letters_replayed", "1 message: poison"),
        said("dead_letters_discarded", "1 message: no such job"),
        said("dead_letters_replayed", "3 messages: no such"),
    ];
    assert_eq!(details, expected);
}

#[tokio::test]
async fn more_than_a_batch_goes_in_one_call_and_what_is_old_goes_by_itself() {
    let options = ServiceOptions { dead_letter_retention: Some(Duration::from_hours(1)), ..ServiceOptions::default() };
    let world = World::with(options).await;
    let letters: Vec<_> = (0..1_200).map(|n| letter(Some(n), "poison")).collect();
    keep(&world, "reports", &letters).await;
    keep(&world, "jobs.push", &letters[..3]).await;
    let filter = DeadLetterFilter::default();
    let gone = world.service.discard_dead_letters(&me(), "reports", &filter).await.unwrap();
    assert_eq!(gone, Dealt { letters: 1_200 });
    assert_eq!(audit(&world).await.len(), 1);
    assert!(!world.service.forget_old_dead_letters().await.unwrap());
    assert_eq!(world.service.matching_dead_letters(&me(), "jobs.push", &filter).await.unwrap().count, 3);
    let sql = "UPDATE dead_letters SET received_at = now() - interval '2 h' WHERE message_id <> $1";
    world.client().await.execute(sql, &[&Uuid::from_u128(1)]).await.unwrap();
    world.service.forget_old_dead_letters().await.unwrap();
    let left = world.service.dead_letters(&me(), None, "", &ALL).await.unwrap().items;
    assert_eq!(left.iter().map(|letter| letter.message_id).collect::<Vec<_>>(), [Some(Uuid::from_u128(1))]);
}

async fn beat(world: &World, id: Uuid, is_drained: bool) -> Orders {
    let beat = Beat {
        id,
        host: "here",
        version: "1",
        roles: "plan,relay",
        holds_broker: true,
        in_flight: 2,
        handled_per_s: 0.5,
        is_drained,
    };
    workers::beat(&world.client().await, &beat).await.unwrap()
}

#[tokio::test]
async fn processes_that_died_do_not_hide_those_at_work() {
    let world = World::new().await;
    let dead = "INSERT INTO workers (id, host, version, roles, started_at, beat_at)
        SELECT gen_random_uuid(), 'here', '1', 'plan', now() - interval '2 h', now() - interval '1 h' FROM generate_series(1, 1000)";
    world.client().await.execute(dead, &[]).await.unwrap();
    beat(&world, Uuid::from_u128(9), false).await;
    let workers = world.service.workers(&me()).await.unwrap();
    assert_eq!(workers.len(), 1000);
    assert_eq!(
        workers.last().map(|view| (view.worker.id, view.condition)),
        Some((Uuid::from_u128(9), Condition::Working))
    );
}

#[tokio::test]
async fn a_worker_is_drained_and_goes_on_and_is_gone_when_it_is_silent() {
    let world = World::new().await;
    let (service, id) = (&world.service, Uuid::from_u128(9));
    assert!(!beat(&world, id, false).await.drain);
    let condition = async || service.worker(&me(), id).await.unwrap().condition;
    assert_eq!(condition().await, Condition::Working);
    service.drain_worker(&me(), id).await.unwrap();
    service.drain_worker(&me(), id).await.unwrap();
    assert!(beat(&world, id, false).await.drain);
    assert_eq!(condition().await, Condition::Draining);
    beat(&world, id, true).await;
    assert_eq!(condition().await, Condition::Drained);
    let drained = service.worker(&me(), id).await.unwrap().worker;
    beat(&world, id, true).await;
    assert_eq!(service.worker(&me(), id).await.unwrap().worker.drained_at, drained.drained_at);
    assert!(drained.holds_broker && drained.in_flight == 2);
    service.resume_worker(&me(), id).await.unwrap();
    assert_eq!(condition().await, Condition::Working);
    // One beat may still be on its way that says so: it was asked to work again.
    assert!(!beat(&world, id, true).await.drain);
    assert_eq!(condition().await, Condition::Working);
    let actions: Vec<_> = audit(&world).await.into_iter().map(|(action, _, detail)| (action, detail)).collect();
    let said = |action: &str| (action.to_owned(), "plan,relay on here".to_owned());
    assert_eq!(actions, [said("worker_resumed"), said("worker_drained")]);
    let silence = async |interval: &str| {
        let sql = format!("UPDATE workers SET beat_at = now() - interval '{interval}'");
        world.client().await.execute(&sql, &[]).await.unwrap();
    };
    silence("16 s").await;
    assert_eq!(condition().await, Condition::Gone);
    assert_eq!(service.forget_silent_workers().await.unwrap(), 0);
    silence("25 h").await;
    assert_eq!(service.forget_silent_workers().await.unwrap(), 1);
    assert!(matches!(service.drain_worker(&me(), id).await, Err(ServiceError::NotFound { .. })));
    assert!(!beat(&world, id, false).await.drain, "it comes back with a row of its own");
    workers::leave(&world.client().await, id).await.unwrap();
    assert_eq!(service.workers(&me()).await.unwrap(), []);
}

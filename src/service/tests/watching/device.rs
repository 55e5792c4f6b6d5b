//! All that is known of one device, and why it is not updated.

use std::time::Duration;

use drover_domain::{
    ChannelKind, JobId,
    why::{Reason, Said},
};
use drover_messages::ReportStatus;
use drover_service::{Actor, DeviceReason, ListFrom, Reach, SearchAfter, SearchBy, ServiceError, ServiceOptions};

use crate::{
    scene::{answer, run_outbox, started},
    support::World,
};

fn me() -> Actor {
    Actor::command_line("me")
}

async fn why(world: &World, uuid: &str) -> DeviceReason {
    world.service.device_standing(&me(), uuid, None).await.unwrap().1
}

fn first() -> ListFrom {
    ListFrom { after: None, limit: 10 }
}

#[tokio::test]
async fn the_reason_follows_a_device_through_a_job() {
    let world = World::new().await;
    let uuids = world.enrol(2).await;
    let uuid = uuids[0].as_str();
    assert_eq!(why(&world, uuid).await, Reason::NothingAsked { was_heard_of: false });

    let draft = world.draft(1).await;
    let join = drover_service::Join::Devices(uuids.clone());
    world.service.join_devices(&world.product, draft.id, join, "me").await.unwrap();
    let job = draft.id;
    assert_eq!(why(&world, uuid).await, Reason::JobIsDraft(job));
    world.service.start_job(&world.product, job, None).await.unwrap();
    assert_eq!(why(&world, uuid).await, Reason::WaitsForRelease(job));
    run_outbox(&world, |_| true).await;
    assert_eq!(why(&world, uuid).await, Reason::NoDispatcher(job), "nobody is at work");

    let client = world.client().await;
    let beat = "INSERT INTO workers (id, host, version, roles) VALUES (gen_random_uuid(), 'h', '1', 'plan,dispatch')";
    client.batch_execute(beat).await.unwrap();
    assert_eq!(why(&world, uuid).await, Reason::NeverSeen { job, channel: ChannelKind::Simulated });
    client
        .batch_execute(
            "INSERT INTO queues (name, paused_at) VALUES ('dispatch.firmware', now())
            ON CONFLICT (name) DO UPDATE SET paused_at = now()",
        )
        .await
        .unwrap();
    assert_eq!(why(&world, uuid).await, Reason::QueueIsPaused(job));
    client.batch_execute("UPDATE queues SET paused_at = NULL").await.unwrap();
    client.batch_execute("UPDATE devices SET online_at = now() - interval '1 day'").await.unwrap();
    assert!(matches!(why(&world, uuid).await, Reason::NotSeenSince { .. }));
    client.batch_execute("UPDATE devices SET online_at = now()").await.unwrap();
    assert_eq!(why(&world, uuid).await, Reason::WaitsForTurn(job));
    world.service.pause_job(&Actor::command_line("ops"), job).await.unwrap();
    let paused = why(&world, uuid).await;
    assert!(matches!(&paused, Reason::JobIsPaused { by: Some((who, _)), .. } if who == "ops"), "{paused:?}");
    world.service.resume_job(&me(), job).await.unwrap();

    world.let_deadlines_pass().await;
    world.serve_timers().await;
    let sent = run_outbox(&world, |_| false).await;
    let mine = sent.iter().find(|sent| sent.uuid == uuid).unwrap();
    assert!(matches!(why(&world, uuid).await, Reason::Silent { deadline_at: Some(_), .. }));
    answer(&world, mine, ReportStatus::Downloading).await;
    assert_eq!(why(&world, uuid).await.code(), "at_work");
    answer(&world, mine, ReportStatus::Failed).await;
    // It says the same twice: evidence.
    answer(&world, mine, ReportStatus::Failed).await;
    client
        .batch_execute("UPDATE commands SET not_before = now() + interval '1 hour' WHERE state = 'queued'")
        .await
        .unwrap();
    let said = Said { code: "E7".into(), message: "no space left".into() };
    let pause = why(&world, uuid).await;
    assert!(matches!(&pause, Reason::InPause { attempt: 2, last: Some(last), .. } if *last == said), "{pause:?}");
    client.batch_execute("UPDATE commands SET not_before = NULL").await.unwrap();
    world.let_deadlines_pass().await;
    world.serve_timers().await;
    let sent = run_outbox(&world, |_| false).await;
    let again = sent.iter().find(|sent| sent.uuid == uuid).unwrap();
    answer(&world, again, ReportStatus::Failed).await;
    assert_eq!(why(&world, uuid).await, Reason::Failed { job, attempts: 2, said });

    let story = world.service.device_story(&me(), uuid, &first()).await.unwrap();
    let told: Vec<_> = story.commands.items.iter().map(|one| (one.command.id.job, one.outcomes.len())).collect();
    assert_eq!(told, [(job, 2)]);
    let one = &story.commands.items[0];
    assert_eq!(one.outcomes.iter().map(|outcome| outcome.attempt).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(one.unapplied.iter().map(|report| report.reason.as_str()).collect::<Vec<_>>(), ["duplicate"]);

    // A newer job, which it carries out.
    let newer = started(&world, &uuids[..1], 0).await;
    let sent = run_outbox(&world, |_| false).await;
    answer(&world, &sent[0], ReportStatus::Succeeded).await;
    assert!(matches!(why(&world, uuid).await, Reason::UpToDate { job, .. } if job == newer));
    let of_the_old = world.service.device_standing(&me(), uuid, Some(job)).await.unwrap().1;
    assert_eq!(of_the_old.code(), "failed", "asked about one job, it answers about that");
    let page = ListFrom { limit: 1, ..first() };
    let newest = world.service.device_commands(&me(), uuid, &page).await.unwrap();
    let older = ListFrom { after: newest.next.clone(), limit: 1 };
    let older = world.service.device_commands(&me(), uuid, &older).await.unwrap();
    let jobs = |list: &drover_service::List<drover_service::CommandStory>| list.items[0].command.id.job;
    assert_eq!((jobs(&newest), jobs(&older)), (newer, job));
}

#[tokio::test]
async fn devices_are_found_by_what_they_are_called_page_by_page_and_within_reach() {
    let world =
        World::with(ServiceOptions { live_interval: Duration::from_secs(1), ..ServiceOptions::default() }).await;
    world.enrol(5).await;
    let client = world.client().await;
    client
        .batch_execute("UPDATE devices SET sn = 'SN-' || right(uuid, 1), imei = '35' || right(uuid, 2), name = '同名'")
        .await
        .unwrap();
    let search = async |actor: &Actor, by, prefix: &str, after: &SearchAfter| {
        let found = world.service.search_devices(actor, (by, prefix), after, 2).await.unwrap();
        (found.devices.into_iter().map(|device| device.uuid).collect::<Vec<_>>(), found.next)
    };
    let start = SearchAfter::default();
    for (by, prefix) in [
        (SearchBy::Uuid, "sim-"),
        (SearchBy::Uuid, ""),
        (SearchBy::Sn, "SN"),
        (SearchBy::Imei, "35"),
        (SearchBy::Name, "同"),
    ] {
        let (mut after, mut all) = (start, Vec::new());
        loop {
            let (found, next) = search(&me(), by, prefix, &after).await;
            all.extend(found);
            let Some(next) = next else { break };
            after = next;
        }
        assert_eq!(all, ["sim-0001", "sim-0002", "sim-0003", "sim-0004", "sim-0005"], "{by:?} {prefix}");
    }
    assert_eq!(search(&me(), SearchBy::Sn, "SN-3", &start).await.0, ["sim-0003"]);
    assert_eq!(search(&me(), SearchBy::Sn, "sn", &start).await.0, [""; 0]);
    // What has no organisation belongs to the root; another tenant has nothing of it.
    let tenant = world.caller.tenant;
    let root: i64 =
        client.query_one("SELECT id FROM organisations WHERE tenant_id = $1", &[&tenant.0]).await.unwrap().get(0);
    let at = |tenant: drover_domain::TenantId, path: String| {
        let path = drover_domain::OrganisationPath::parse(&path).unwrap();
        Actor { reach: Reach::Part(drover_store::people::scope::Scope { tenant, path }), ..me() }
    };
    let (whole, below) = (at(tenant, format!("/{root}/")), at(tenant, format!("/{root}/999/")));
    let stranger = at(drover_domain::TenantId(tenant.0 + 1), format!("/{root}/"));
    assert_eq!(search(&whole, SearchBy::Uuid, "sim-", &start).await.0, ["sim-0001", "sim-0002"]);
    for nobody in [&below, &stranger] {
        assert_eq!(search(nobody, SearchBy::Uuid, "sim-", &start).await, (Vec::new(), None));
        let refused = world.service.device_story(nobody, "sim-0001", &first()).await;
        assert!(matches!(refused, Err(ServiceError::NotFound { .. })));
    }
    assert!(world.service.device_story(&whole, "sim-0001", &first()).await.is_ok());
    let unknown = world.service.device_standing(&me(), "nobody\0", Some(JobId(1))).await;
    assert!(matches!(unknown, Err(ServiceError::NotFound { .. })));
}

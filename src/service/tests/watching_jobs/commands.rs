//! A job's commands are found by where they stand, by why they failed, and by what their devices are called.

use drover_domain::{CommandState, Outcome};
use drover_messages::ReportStatus;
use drover_service::{Asked, CommandSearch, ServiceError};

use crate::{
    scene::{hand_out, owner, page, say, under_way},
    support::World,
};

#[tokio::test]
async fn commands_are_found_by_state_reason_and_device() {
    let world = World::new().await;
    let uuids = world.enrol(12).await;
    world
        .client()
        .await
        .batch_execute("UPDATE devices SET sn = 'SN-7', imei = uuid WHERE uuid = 'sim-0007'; UPDATE devices SET sn = 'sim-001' WHERE uuid = 'sim-0001'")
        .await
        .unwrap();
    let (job, sent) = under_way(&world, &uuids, 0).await;
    say(&world, &sent[0], ReportStatus::Failed, Some("E_DISK")).await;
    say(&world, &sent[1], ReportStatus::Failed, Some("E_\tDISK")).await;
    say(&world, &sent[2], ReportStatus::Failed, None).await;
    say(&world, &sent[3], ReportStatus::Refused, Some("E_DISK")).await;
    say(&world, &sent[4], ReportStatus::Succeeded, None).await;
    let found = async |search: CommandSearch| {
        let (mut all, mut after) = (Vec::new(), None);
        loop {
            let from = page(2, after.as_deref());
            let list = world.service.list_commands(&owner(), job.id, &search, &from).await.unwrap();
            all.extend(list.items.into_iter().map(|command| command.uuid));
            after = list.next;
            if after.is_none() {
                return all;
            }
        }
    };
    let any = CommandSearch::default;
    assert_eq!(found(any()).await, uuids);
    let standing = |states: &[CommandState]| CommandSearch { states: states.to_vec(), ..any() };
    assert_eq!(found(standing(&[CommandState::Failed])).await, uuids[..3]);
    assert_eq!(found(standing(&[CommandState::Succeeded, CommandState::Rejected])).await, uuids[3..5]);
    assert_eq!(found(standing(&[CommandState::Cancelled])).await, [""; 0]);
    let coded = |code: &str| CommandSearch { code: Some(code.into()), ..any() };
    assert_eq!(found(coded("E_DISK")).await, [&uuids[0], &uuids[1], &uuids[3]].map(Clone::clone));
    assert_eq!(found(CommandSearch { outcome: Some(Outcome::Rejected), ..coded("E_DISK") }).await, uuids[3..4]);
    assert_eq!(found(coded("")).await, uuids[2..3], "an empty code is none");
    let called = |text: &str| CommandSearch { text: Some(text.into()), ..any() };
    assert_eq!(
        found(called("sim-001")).await,
        ["sim-0001", "sim-0010", "sim-0011", "sim-0012"],
        "a serial number comes first"
    );
    assert_eq!(found(called("SN-7")).await, ["sim-0007"]);
    assert_eq!(found(called("sim-0007")).await, ["sim-0007"], "once, though it is a uuid and an IMEI");
    assert_eq!(found(called("im-0007")).await, [""; 0]);
    assert_eq!(
        found(CommandSearch { text: Some("sim-000".into()), ..standing(&[CommandState::Failed]) }).await,
        uuids[..3]
    );
    assert_eq!(found(called("ü%_")).await, [""; 0]);

    let detail = world.service.job_detail(&owner(), job.id).await.unwrap();
    let reasons: Vec<_> = detail.failures.reasons.iter().map(|r| (r.outcome, r.code.as_str(), r.count)).collect();
    assert_eq!(reasons, [(Outcome::Failed, "E_DISK", 2), (Outcome::Failed, "", 1), (Outcome::Rejected, "E_DISK", 1)]);
    assert_eq!((detail.failures.total, detail.failures.rest()), (4, 0));
    assert_eq!(
        detail.audiences.iter().map(|audience| audience.asked.clone()).collect::<Vec<_>>(),
        [Asked::Devices(12)]
    );
    assert_eq!(
        (detail.summary.counts.succeeded(), detail.summary.counts.failed(), detail.summary.counts.total()),
        (1, 4, 12)
    );
    assert_eq!(detail.more.product.as_deref(), Some("meter"));
    for (search, field) in
        [(coded("*"), "code"), (CommandSearch { outcome: Some(Outcome::Succeeded), ..any() }, "outcome")]
    {
        let refused = world.service.list_commands(&owner(), job.id, &search, &page(1, None)).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { field: named, .. }) if named == field));
    }
    world.assert_clean().await;
}

#[tokio::test]
async fn why_a_command_is_tried_again_is_seen_while_it_is() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let (job, sent) = under_way(&world, &uuids, 1).await;
    say(&world, &sent[0], ReportStatus::Failed, Some("E_POWER")).await;
    let search = CommandSearch { code: Some("E_POWER".into()), ..CommandSearch::default() };
    let look = async || world.service.list_commands(&owner(), job.id, &search, &page(5, None)).await.unwrap().items;
    let waiting = look().await.remove(0);
    assert_eq!((waiting.state, waiting.attempt, waiting.outcome), (CommandState::Queued, 2, Some(Outcome::Failed)));
    assert_eq!(waiting.code.as_deref(), Some("E_POWER"));
    world.serve_timers().await;
    let again = hand_out(&world).await;
    say(&world, &again[0], ReportStatus::Failed, Some("E_OTHER")).await;
    assert_eq!(look().await, [], "what went wrong last counts");
    let detail = world.service.job_detail(&owner(), job.id).await.unwrap();
    let attempts: Vec<_> = detail.failures.reasons.iter().map(|r| (r.code.clone(), r.by_attempt.clone())).collect();
    assert_eq!(attempts, [("E_OTHER".to_owned(), vec![(2, 1)]), ("E_POWER".to_owned(), vec![(1, 1)])]);
}

/// However many devices others have that are called so, nothing of them shows: not even in where the next page begins.
#[tokio::test]
async fn a_search_looks_at_the_devices_of_the_jobs_tenant_alone() {
    let world = World::new().await;
    let uuids = world.enrol(3).await;
    let (job, _) = under_way(&world, &uuids, 0).await;
    world
        .client()
        .await
        .batch_execute(&format!(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (900, 'neighbour');
            INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE
                VALUES (900, 900, 'o', 'o', '/900/');
            INSERT INTO devices (tenant_id, organisation_id, uuid)
                SELECT 900, 900, 'sim-0000-' || n FROM generate_series(1, {}) AS n",
            drover_store::watching::commands::WALK_DEVICES
        ))
        .await
        .unwrap();
    let search = CommandSearch { text: Some("sim-".into()), ..CommandSearch::default() };
    let all = world.service.list_commands(&owner(), job.id, &search, &page(10, None)).await.unwrap();
    assert_eq!((all.items.len(), all.next), (3, None));
    let first = world.service.list_commands(&owner(), job.id, &search, &page(1, None)).await.unwrap();
    let next = first.next.unwrap();
    assert!(!next.contains("sim"), "{next}");
    let rest = world.service.list_commands(&owner(), job.id, &search, &page(5, Some(&next))).await.unwrap();
    assert_eq!(rest.items.iter().map(|command| &command.uuid).collect::<Vec<_>>(), [&uuids[1], &uuids[2]]);
    for foreign in ["uuid-sim-0001", "device-0", "device-x", "7"] {
        let refused = world.service.list_commands(&owner(), job.id, &search, &page(5, Some(foreign))).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { field: "after", .. })), "{foreign}");
    }
}

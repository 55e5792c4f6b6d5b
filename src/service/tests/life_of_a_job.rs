//! The life of a job against a real Postgres, without a broker: the test takes the outbox's messages itself.
#![allow(clippy::unwrap_used)]

mod support;

use drover_domain::{CommandId, CommandState, DeviceId, JobId, JobState};
use drover_messages::{DispatchAction, DispatchCommands, Message, PlanJob, ReportStatus};
use drover_service::{CancelMode, CommandFilter, DeviceFilter, Join, Page, Planning, Reason, Recorded, ServiceError};
use support::{World, report};

/// Carries out every message in the outbox, as planner and dispatcher would, until there is none. Returns the commands
/// that went out, by device and attempt.
async fn run_outbox(world: &World) -> Vec<(String, i64, i16)> {
    let mut sent = Vec::new();
    loop {
        let messages = world.take_outbox().await;
        if messages.is_empty() {
            return sent;
        }
        for (queue, body) in messages {
            if queue.starts_with("jobs.") {
                let message = PlanJob::decode(&body, "").unwrap();
                world.service.plan_job(JobId(message.job_id), 2).await.unwrap();
            } else {
                let message = DispatchCommands::decode(&body, "").unwrap();
                let chunk = world.service.load_dispatch(&message).await.unwrap().unwrap();
                if let DispatchAction::Send { attempt } = message.action {
                    let devices: Vec<i64> = chunk.addressees.iter().map(|a| a.device.0).collect();
                    assert_eq!(world.service.record_sent(&chunk.job, attempt, &devices).await.unwrap(), [0; 0]);
                    let id = |device| CommandId { job: chunk.job.id, device }.to_i64();
                    sent.extend(chunk.addressees.iter().map(|a| (a.uuid.clone(), id(a.device), a.attempt)));
                }
            }
        }
    }
}

#[tokio::test]
async fn a_job_is_planned_dispatched_answered_and_completed() {
    let world = World::new().await;
    let uuids = world.enrol(35).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
    assert_eq!(world.states(job.id).await, [("planned".into(), 10)], "the first chunk is there at once");
    assert_eq!(run_outbox(&world).await, [], "nothing goes out before the start");
    assert_eq!(world.states(job.id).await, [("planned".into(), 35)]);
    world.assert_clean().await;

    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let sent = run_outbox(&world).await;
    assert_eq!(sent.len(), 35);
    assert_eq!(world.states(job.id).await, [("sent".into(), 35)]);
    assert_eq!(world.service.finish_jobs().await.unwrap(), 0);
    world.assert_clean().await;

    let reports: Vec<_> = sent
        .iter()
        .map(|(uuid, id, attempt)| {
            let mut report = report(uuid, *id, *attempt, ReportStatus::Succeeded);
            report.firmware_version = Some("2.0".into());
            report
        })
        .collect();
    assert_eq!(world.service.record_reports(&reports).await.unwrap(), vec![Recorded::Applied; 35]);
    assert_eq!(world.service.finish_jobs().await.unwrap(), 1);
    let done = world.service.job(&world.product, job.id).await.unwrap();
    assert_eq!((done.state, done.device_count), (JobState::Completed, 35));
    world.assert_clean().await;

    let page = Page::new(1, 20).unwrap();
    let listed = world.service.commands(&world.product, job.id, CommandFilter::default(), page).await.unwrap();
    assert_eq!((listed.total, listed.items.len()), (35, 20));
    assert_eq!((listed.items[0].version_before.as_str(), listed.items[0].version_after.as_str()), ("1.0", "2.0"));
    let free = world.service.devices(&world.product, DeviceFilter::default(), page).await.unwrap();
    assert_eq!(free.total, 35);
    assert_eq!(free.items[0].firmware_version, "2.0");
}

#[tokio::test]
async fn everyone_of_the_product_joins_but_the_busy() {
    let world = World::new().await;
    let uuids = world.enrol(25).await;
    let other = world.draft(0).await;
    world.service.join_devices(&world.product, other.id, Join::Devices(uuids[..3].to_vec()), "me").await.unwrap();
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Everyone, "me").await.unwrap();
    run_outbox(&world).await;
    assert_eq!(world.states(job.id).await, [("planned".into(), 22)]);
    let busy = world.service.join_devices(&world.product, job.id, Join::Devices(uuids[..1].to_vec()), "me").await;
    assert!(matches!(busy, Err(ServiceError::Invalid { field: "devices", .. })));
    let unknown = world.service.join_devices(&world.product, job.id, Join::Devices(vec!["nobody".into()]), "me").await;
    assert!(unknown.unwrap_err().to_string().contains("nobody"));
    // Deleting the other job sets its devices free.
    world.service.delete_job(&world.product, other.id, None).await.unwrap();
    run_outbox(&world).await;
    assert_eq!(world.states(other.id).await, [("cancelled".into(), 3)]);
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids[..3].to_vec()), "me").await.unwrap();
    world.assert_clean().await;
}

#[tokio::test]
async fn devices_that_join_a_running_job_go_out_too() {
    let world = World::new().await;
    let uuids = world.enrol(40).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids[20..].to_vec()), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    assert_eq!(run_outbox(&world).await.len(), 20);
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids[..15].to_vec()), "me").await.unwrap();
    assert_eq!(run_outbox(&world).await.len(), 15);
    world.service.join_devices(&world.product, job.id, Join::Everyone, "me").await.unwrap();
    assert_eq!(run_outbox(&world).await.len(), 5);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_failure_is_tried_again_until_the_policy_is_spent() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let job = world.draft(2).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    for attempt in 1..=3 {
        let sent = run_outbox(&world).await;
        assert_eq!(sent.len(), 1);
        assert_eq!(sent[0].2, attempt);
        let failed = report(&sent[0].0, sent[0].1, attempt, ReportStatus::Failed);
        assert_eq!(world.service.record_reports(&[failed.clone(), failed]).await.unwrap()[0], Recorded::Applied);
        world.assert_clean().await;
        world.serve_timers().await;
    }
    assert_eq!(world.states(job.id).await, [("failed".into(), 1)]);
    assert_eq!(world.service.finish_jobs().await.unwrap(), 1);
    world.assert_clean().await;
}

#[tokio::test]
async fn silence_ends_by_the_deadline() {
    let world = World::new().await;
    let uuids = world.enrol(12).await;
    let job = world.draft(1).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    for _ in 0..2 {
        assert_eq!(run_outbox(&world).await.len(), 12);
        world.serve_timers().await;
        assert_eq!(run_outbox(&world).await, [], "nothing is due yet");
        world.let_deadlines_pass().await;
        world.serve_timers().await;
        world.serve_timers().await;
    }
    assert_eq!(world.states(job.id).await, [("timed_out".into(), 12)]);
    world.assert_clean().await;
}

#[tokio::test]
async fn what_no_dispatcher_took_is_handed_out_again() {
    let world = World::new().await;
    let uuids = world.enrol(12).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    // Planned and released; then the broker loses everything.
    for (queue, body) in world.take_outbox().await {
        assert!(queue.starts_with("jobs."));
        world.service.plan_job(JobId(PlanJob::decode(&body, "").unwrap().job_id), 50).await.unwrap();
    }
    assert_eq!(world.take_outbox().await.len(), 2);
    assert_eq!(world.states(job.id).await, [("queued".into(), 12)]);
    world.let_deadlines_pass().await;
    world.serve_timers().await;
    assert_eq!(run_outbox(&world).await.len(), 12);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_broker_that_kept_nothing_is_told_everything_again() {
    let world = World::new().await;
    let uuids = world.enrol(25).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let (_, plan) = world.take_outbox().await.remove(0);
    let id = JobId(PlanJob::decode(&plan, "").unwrap().job_id);
    assert_eq!(world.service.plan_job(id, 1).await.unwrap(), Planning::Continued);
    world.take_outbox().await;
    assert_eq!(world.service.recover().await.unwrap(), 1);
    world.serve_timers().await;
    assert_eq!(run_outbox(&world).await.len(), 25);
    world.assert_clean().await;
}

#[tokio::test]
async fn late_duplicate_and_foreign_reports_move_nothing_and_are_kept() {
    let world = World::new().await;
    let uuids = world.enrol(2).await;
    let job = world.draft(1).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let sent = run_outbox(&world).await;
    let ((one, id, _), (other, _, _)) = (&sent[0], &sent[1]);
    let outcomes = world
        .service
        .record_reports(&[
            report(one, *id, 1, ReportStatus::Succeeded),
            report(one, *id, 1, ReportStatus::Downloading),
            report(one, *id, 1, ReportStatus::Succeeded),
            report(one, *id, 1, ReportStatus::Failed),
            report(one, *id, 2, ReportStatus::Failed),
            report(other, *id, 1, ReportStatus::Failed),
            report("nobody", *id, 1, ReportStatus::Failed),
            report(one, 0, 1, ReportStatus::Failed),
            report(one, i64::MAX, 1, ReportStatus::Failed),
        ])
        .await
        .unwrap();
    let kept = Recorded::Kept;
    assert_eq!(
        outcomes,
        [
            Recorded::Applied,
            Recorded::Applied,
            kept(Reason::Duplicate),
            kept(Reason::Late),
            kept(Reason::Premature),
            Recorded::Unknown,
            Recorded::Unknown,
            Recorded::Unknown,
            Recorded::Unknown,
        ]
    );
    let stale = world.service.record_reports(&[report(one, *id, 1, ReportStatus::Installing)]).await.unwrap();
    assert_eq!(stale, [Recorded::Stale]);
    let evidence: i64 =
        world.client().await.query_one("SELECT count(*) FROM unapplied_reports", &[]).await.unwrap().get(0);
    assert_eq!(evidence, 3);
    assert_eq!(world.states(job.id).await, [("sent".into(), 1), ("succeeded".into(), 1)]);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_report_that_overtakes_the_dispatchers_note_counts() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    for (_, body) in world.take_outbox().await {
        world.service.plan_job(JobId(PlanJob::decode(&body, "").unwrap().job_id), 50).await.unwrap();
    }
    let (_, body) = world.take_outbox().await.remove(0);
    let chunk = world.service.load_dispatch(&DispatchCommands::decode(&body, "").unwrap()).await.unwrap().unwrap();
    let id = CommandId { job: job.id, device: chunk.addressees[0].device }.to_i64();
    let done = world.service.record_reports(&[report(&uuids[0], id, 1, ReportStatus::Succeeded)]).await.unwrap();
    assert_eq!(done, [Recorded::Applied]);
    world.service.record_sent(&chunk.job, 1, &[chunk.addressees[0].device.0]).await.unwrap();
    assert_eq!(world.states(job.id).await, [("succeeded".into(), 1)]);
    world.assert_clean().await;
}

#[tokio::test]
async fn cancelling_asks_devices_and_ends_by_force_at_the_deadline() {
    let world = World::new().await;
    let uuids = world.enrol(4).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let sent = run_outbox(&world).await;
    let ids: Vec<CommandId> = sent.iter().map(|(_, id, _)| CommandId::from_i64(*id).unwrap()).collect();
    world.service.cancel_commands(&world.product, job.id, &ids, CancelMode::Soft, "me").await.unwrap();
    world.service.cancel_commands(&world.product, job.id, &ids, CancelMode::Soft, "me").await.unwrap();
    let messages = world.take_outbox().await;
    assert_eq!(messages.len(), 1, "asking again sends nothing");
    let message = DispatchCommands::decode(&messages[0].1, "").unwrap();
    assert_eq!(message.action, DispatchAction::Cancel);
    assert_eq!(world.service.load_dispatch(&message).await.unwrap().unwrap().addressees.len(), 4);
    let answers = [
        report(&sent[0].0, sent[0].1, 1, ReportStatus::Cancelled),
        report(&sent[1].0, sent[1].1, 1, ReportStatus::CancelRefused),
        report(&sent[2].0, sent[2].1, 1, ReportStatus::Succeeded),
    ];
    assert_eq!(world.service.record_reports(&answers).await.unwrap(), vec![Recorded::Applied; 3]);
    world.assert_clean().await;
    world.let_deadlines_pass().await;
    world.serve_timers().await;
    // The one that refused went back to work, and then its attempt ran out.
    let expected = [("cancelled".into(), 2), ("succeeded".into(), 1), ("timed_out".into(), 1)];
    assert_eq!(world.states(job.id).await, expected);
    world.assert_clean().await;
    let ended = world.service.cancel_commands(&world.product, job.id, &ids, CancelMode::Soft, "me").await;
    assert!(matches!(ended, Err(ServiceError::Conflict { .. })));
}

#[tokio::test]
async fn an_operator_retries_what_ended_and_the_job_runs_again() {
    let world = World::new().await;
    let uuids = world.enrol(2).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let sent = run_outbox(&world).await;
    let reports = [
        report(&sent[0].0, sent[0].1, 1, ReportStatus::Failed),
        report(&sent[1].0, sent[1].1, 1, ReportStatus::Succeeded),
    ];
    world.service.record_reports(&reports).await.unwrap();
    assert_eq!(world.service.finish_jobs().await.unwrap(), 1);
    let ids: Vec<CommandId> = sent.iter().map(|(_, id, _)| CommandId::from_i64(*id).unwrap()).collect();
    let mixed = world.service.retry_commands(&world.product, job.id, &ids, "me").await;
    assert!(matches!(mixed, Err(ServiceError::Conflict { .. })), "one of them succeeded");
    world.service.retry_commands(&world.product, job.id, &ids[..1], "me").await.unwrap();
    assert_eq!(world.service.job(&world.product, job.id).await.unwrap().state, JobState::Running);
    let again = run_outbox(&world).await;
    assert_eq!(again, [(sent[0].0.clone(), sent[0].1, 2)]);
    world.service.record_reports(&[report(&again[0].0, again[0].1, 2, ReportStatus::Succeeded)]).await.unwrap();
    assert_eq!(world.service.finish_jobs().await.unwrap(), 1);
    world.assert_clean().await;
    let nobody = CommandId { job: job.id, device: DeviceId(999) };
    let unknown = world.service.retry_commands(&world.product, job.id, &[nobody], "me").await;
    assert!(matches!(unknown, Err(ServiceError::Conflict { .. } | ServiceError::NotFound { .. })));
}

#[tokio::test]
async fn a_newer_job_supersedes_what_an_older_one_still_wants() {
    let world = World::new().await;
    let uuids = world.enrol(3).await;
    let (old, new) = (world.draft(0).await, world.draft(0).await);
    world.service.join_devices(&world.product, old.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, old.id, None).await.unwrap();
    run_outbox(&world).await;
    // Both jobs were accepted before either had commands: the race that the check at joining cannot see.
    world
        .client()
        .await
        .execute("INSERT INTO audiences (job_id, kind, device_ids) SELECT $1, 'devices', array_agg(id ORDER BY id) FROM devices", &[&new.id.0])
        .await
        .unwrap();
    world.service.start_job(&world.product, new.id, None).await.unwrap();
    assert_eq!(run_outbox(&world).await.len(), 3);
    assert_eq!(world.states(old.id).await, [("superseded".into(), 3)]);
    assert_eq!(world.states(new.id).await, [("sent".into(), 3)]);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_scheduled_job_starts_at_its_time() {
    let world = World::new().await;
    let uuids = world.enrol(3).await;
    let job = world.draft(0).await;
    let nobody = world.service.start_job(&world.product, job.id, None).await;
    assert!(nobody.unwrap_err().to_string().contains("no device"));
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    let at = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    world.service.start_job(&world.product, job.id, Some(at)).await.unwrap();
    assert_eq!(world.service.job(&world.product, job.id).await.unwrap().state, JobState::Scheduled);
    assert_eq!(run_outbox(&world).await, []);
    assert_eq!(world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(world.service.start_due_jobs().await.unwrap(), 0);
    assert_eq!(run_outbox(&world).await.len(), 3);
    let again = world.service.start_job(&world.product, job.id, None).await;
    assert!(matches!(again, Err(ServiceError::Conflict { .. })));
}

#[tokio::test]
async fn a_job_that_is_over_time_ends_what_never_went_out() {
    let world = World::new().await;
    let uuids = world.enrol(3).await;
    let job = world.draft(3).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    for (_, body) in world.take_outbox().await {
        world.service.plan_job(JobId(PlanJob::decode(&body, "").unwrap().job_id), 50).await.unwrap();
    }
    world.client().await.execute("UPDATE jobs SET expires_at = now()", &[]).await.unwrap();
    world.let_deadlines_pass().await;
    world.serve_timers().await;
    assert_eq!(world.states(job.id).await, [("timed_out".into(), 3)]);
    assert_eq!(world.service.finish_jobs().await.unwrap(), 1);
    world.assert_clean().await;
}

#[tokio::test]
async fn lists_filter_and_search() {
    let world = World::new().await;
    let uuids = world.enrol(12).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids.clone()), "me").await.unwrap();
    run_outbox(&world).await;
    let page = Page::new(1, 5).unwrap();
    let search = |text: &str| CommandFilter { search: Some(text.into()), cases: None };
    let one = world.service.commands(&world.product, job.id, search("SIM-0007"), page).await.unwrap();
    assert_eq!((one.total, one.items[0].device_uuid.as_str()), (1, "sim-0007"));
    let percent = world.service.commands(&world.product, job.id, search("%"), page).await.unwrap();
    assert_eq!(percent.total, 0, "a search has no wildcards");
    let case = |state| drover_service::CommandCase { state, prior_state: CommandState::Planned, cancel_refused: false };
    let cases = |state| CommandFilter { search: None, cases: Some(vec![case(state)]) };
    let planned = world.service.commands(&world.product, job.id, cases(CommandState::Planned), page).await.unwrap();
    assert_eq!((planned.total, planned.items.len()), (12, 5));
    let sent = world.service.commands(&world.product, job.id, cases(CommandState::Sent), page).await.unwrap();
    assert_eq!(sent.total, 0);
    let joined = DeviceFilter { joined: Some(job.id), uuid: Some(uuids[3].clone()), ..DeviceFilter::default() };
    let joined = world.service.devices(&world.product, joined, page).await.unwrap();
    assert_eq!((joined.total, joined.items[0].command.as_ref().map(|c| c.state)), (1, Some(CommandState::Planned)));
    let free = world.service.devices(&world.product, DeviceFilter::default(), page).await.unwrap();
    assert_eq!(free.total, 0);
}

#[tokio::test]
async fn every_deadline_is_covered_by_a_timer_however_short_it_is() {
    let long = std::time::Duration::from_hours(10);
    let world = World::with(drover_service::ServiceOptions {
        plan_chunk: 10,
        dispatch_lease: long,
        cancel_timeout: long,
        backoff: drover_domain::Backoff { base: long, max: long },
        ..drover_service::ServiceOptions::default()
    })
    .await;
    let uuids = world.enrol(3).await;
    let job = world.draft(1).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let sent = run_outbox(&world).await;
    world.assert_clean().await;
    let ids: Vec<CommandId> = sent.iter().map(|(_, id, _)| CommandId::from_i64(*id).unwrap()).collect();
    world.service.cancel_commands(&world.product, job.id, &ids[..1], CancelMode::Soft, "me").await.unwrap();
    world.assert_clean().await;
    let reports = [
        report(&sent[0].0, sent[0].1, 1, ReportStatus::CancelRefused),
        report(&sent[1].0, sent[1].1, 1, ReportStatus::Failed),
    ];
    assert_eq!(world.service.record_reports(&reports).await.unwrap(), vec![Recorded::Applied; 2]);
    world.assert_clean().await;
}

#[tokio::test]
async fn a_planner_whose_message_got_lost_is_called_again() {
    let world = World::new().await;
    let uuids = world.enrol(25).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    world.take_outbox().await;
    assert_eq!(world.service.call_overdue_planners().await.unwrap(), 0, "it still has time");
    world.client().await.execute("UPDATE jobs SET plan_due_at = now()", &[]).await.unwrap();
    assert_eq!(world.service.call_overdue_planners().await.unwrap(), 1);
    assert_eq!(run_outbox(&world).await.len(), 25);
    world
        .client()
        .await
        .execute("UPDATE jobs SET plan_due_at = now() WHERE plan_due_at IS NOT NULL", &[])
        .await
        .unwrap();
    assert_eq!(world.service.call_overdue_planners().await.unwrap(), 0, "there is nothing left to plan");
}

#[tokio::test]
async fn a_timer_that_cannot_be_served_lets_the_others_pass() {
    let world = World::new().await;
    let uuids = world.enrol(20).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    assert_eq!(run_outbox(&world).await.len(), 20);
    // A row that must not be there: the first device cannot end.
    let client = world.client().await;
    let broken = "INSERT INTO outcomes (job_id, device_id, attempt, outcome) SELECT job_id, min(device_id), 1, 'failed' FROM commands GROUP BY job_id";
    client.execute(broken, &[]).await.unwrap();
    world.let_deadlines_pass().await;
    world.serve_timers().await;
    assert_eq!(world.states(job.id).await, [("sent".into(), 10), ("timed_out".into(), 10)]);
}

#[tokio::test]
async fn an_ended_command_is_not_retried_while_its_device_is_busy_elsewhere() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let (first, second) = (world.draft(0).await, world.draft(0).await);
    let join = |job| world.service.join_devices(&world.product, job, Join::Devices(uuids.clone()), "me");
    join(first.id).await.unwrap();
    world.service.start_job(&world.product, first.id, None).await.unwrap();
    let sent = run_outbox(&world).await;
    world.service.record_reports(&[report(&sent[0].0, sent[0].1, 1, ReportStatus::Failed)]).await.unwrap();
    join(second.id).await.unwrap();
    let id = CommandId::from_i64(sent[0].1).unwrap();
    let refused = world.service.retry_commands(&world.product, first.id, &[id], "me").await;
    assert!(refused.unwrap_err().to_string().contains("another job"));
    let again = world.service.record_reports(&[report(&sent[0].0, sent[0].1, 1, ReportStatus::Failed)]).await.unwrap();
    assert_eq!(again, [Recorded::Kept(Reason::Duplicate)]);
}

#[tokio::test]
async fn a_failure_keeps_the_phase_of_the_progress_in_its_own_batch() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let (uuid, id, _) = run_outbox(&world).await.remove(0);
    let said = [ReportStatus::Installing, ReportStatus::Downloading, ReportStatus::Failed];
    let reports = said.map(|status| report(&uuid, id, 1, status));
    world.service.record_reports(&reports).await.unwrap();
    let page = Page::new(1, 1).unwrap();
    let command =
        world.service.commands(&world.product, job.id, CommandFilter::default(), page).await.unwrap().items.remove(0);
    assert_eq!((command.state, command.prior_state), (CommandState::Failed, CommandState::Installing));
}

#[tokio::test]
async fn a_device_may_tell_that_it_waits_to_install() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let job = world.draft(0).await;
    world.service.join_devices(&world.product, job.id, Join::Devices(uuids), "me").await.unwrap();
    world.service.start_job(&world.product, job.id, None).await.unwrap();
    let (uuid, id, _) = run_outbox(&world).await.remove(0);
    let client = world.client().await;
    let deadline =
        async || -> String { client.query_one("SELECT deadline_at::text FROM commands", &[]).await.unwrap().get(0) };
    let allowed = deadline().await;
    for (status, recorded, state) in [
        (ReportStatus::Downloading, Recorded::Applied, "downloading"),
        (ReportStatus::Downloaded, Recorded::Applied, "downloaded"),
        (ReportStatus::Downloaded, Recorded::Stale, "downloaded"),
        (ReportStatus::Downloading, Recorded::Stale, "downloaded"),
        (ReportStatus::Installing, Recorded::Applied, "installing"),
        (ReportStatus::Downloaded, Recorded::Stale, "installing"),
    ] {
        assert_eq!(world.service.record_reports(&[report(&uuid, id, 1, status)]).await.unwrap(), [recorded]);
        assert_eq!(world.states(job.id).await, [(state.into(), 1)]);
        assert_eq!(deadline().await, allowed, "progress buys no time");
    }
    let done = report(&uuid, id, 1, ReportStatus::Succeeded);
    assert_eq!(world.service.record_reports(&[done]).await.unwrap(), [Recorded::Applied]);
    let after = report(&uuid, id, 1, ReportStatus::Downloaded);
    assert_eq!(world.service.record_reports(&[after]).await.unwrap(), [Recorded::Stale]);
    let evidence: i64 = client.query_one("SELECT count(*) FROM unapplied_reports", &[]).await.unwrap().get(0);
    assert_eq!(evidence, 0);
    world.assert_clean().await;
}

//! Publications, distributions and pushes are stopped as their families do it, and tried again only for as long as what they
//! bring is to be brought.

use drover_messages::ReportStatus;
use drover_service::{Actor, RetryFilter, ServiceError, Via};

use crate::{
    fleet::{counted, owner},
    scene::{EAST, groups, told, users, uuids, wish},
    town::Town,
};

fn conflict(result: Result<drover_service::JobStanding, ServiceError>) -> String {
    match result {
        Err(ServiceError::Conflict { reason }) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_publication_can_only_be_cancelled_and_takes_its_distributions_with_it() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 2).await;
    let publication = town.publish(version, &["root"]).await;
    let distribution = town.distribute(version, "east", None).await;
    let service = &town.world.service;
    assert!(conflict(service.pause_job(&owner(), publication).await).contains("publication"));
    assert!(
        conflict(service.retry_failed(&owner(), publication, &RetryFilter::default()).await).contains("publication")
    );
    town.plan_only().await;
    let done = service.cancel_job(&owner(), publication).await.unwrap();
    assert_eq!(done.devices, 1, "that of the distribution");
    assert_eq!(town.run().await, []);
    assert_eq!(
        (town.job_state(publication).await, town.job_state(distribution).await),
        ("cancelled".into(), "cancelled".into())
    );
    assert_eq!(town.states(distribution).await, counted(&[("cancelled", 1)]));
    assert!(conflict(service.cancel_job(&owner(), publication).await).contains("cancelled"));
    let detail: String =
        town.world.client().await.query_one("SELECT detail FROM audit_entries", &[]).await.unwrap().get(0);
    assert_eq!(detail, "1 distribution with it");
    town.world.assert_clean().await;
}

#[tokio::test]
async fn what_reaches_beyond_an_operators_organisation_is_not_its_to_stop() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 2).await;
    let publication = town.publish(version, &["east", "west"]).await;
    // As if an operator of the east had published it before the organisations were moved.
    assert_eq!(town.execute("UPDATE jobs SET organisation_id = $2 WHERE id = $1", &[&publication.0, &EAST]).await, 1);
    let actor = Actor::operator(&town.operator(EAST).await, Via::Api, None);
    let refused = town.world.service.cancel_job(&actor, publication).await;
    assert!(matches!(refused, Err(ServiceError::Forbidden { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_distribution_is_held_goes_on_and_is_tried_again_while_it_is_published() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 2).await;
    let publication = town.publish(version, &["root"]).await;
    let job = town.distribute(version, "root", None).await;
    let service = &town.world.service;
    town.plan_only().await;
    service.pause_job(&owner(), job).await.unwrap();
    town.world.let_deadlines_pass().await;
    town.world.serve_timers().await;
    assert_eq!(town.run().await, []);
    service.resume_job(&owner(), job).await.unwrap();
    town.plan_only().await;
    town.world.serve_timers().await;
    assert_eq!(uuids(&town.run().await), ["east", "root", "west"]);
    fail(&town, job).await;
    assert_eq!(service.finish_jobs().await.unwrap(), 1);

    let ends = "UPDATE audiences SET expires_at = now() + interval '1 h' WHERE job_id = $1";
    town.execute(ends, &[&publication.0]).await;
    service.retry_failed(&owner(), job, &RetryFilter::default()).await.unwrap();
    let lasts = "SELECT (EXTRACT(EPOCH FROM expires_at - now()) / 60)::bigint FROM jobs WHERE id = $1";
    assert!(town.id(lasts, &[&job.0]).await <= 60, "no longer than it is published");
    assert_eq!(uuids(&town.run().await), ["east", "root", "west"]);
    fail(&town, job).await;
    assert_eq!(service.finish_jobs().await.unwrap(), 1);

    service.cancel_job(&owner(), publication).await.unwrap();
    assert!(conflict(service.retry_failed(&owner(), job, &RetryFilter::default()).await).contains("not published"));
    town.world.assert_clean().await;
}

/// Lets the devices of a job fall silent until no try is left.
async fn fail(town: &Town, job: drover_domain::JobId) {
    for _ in 0..5 {
        town.world.let_deadlines_pass().await;
        town.world.serve_timers().await;
        town.run().await;
    }
    assert_eq!(town.states(job).await.iter().map(|(state, _)| state.as_str()).collect::<Vec<_>>(), ["timed_out"]);
}

#[tokio::test]
async fn the_first_push_of_an_assignment_takes_it_along_and_a_later_one_does_not() {
    let town = Town::new().await;
    let application = town.application("app", 1).await;
    let [ada, bob] = town.users(["ada", "bob"]).await;
    let group = town.group("all", &[ada, bob]).await;
    let live = "SELECT count(*) FROM assignments WHERE ended_at IS NULL";
    let service = &town.world.service;

    while service.review_devices(100).await.unwrap() > 0 {}
    let first = town.push(application, groups(&[group]), wish()).await;
    let sent = town.run().await;
    assert_eq!(uuids(&sent), ["ada", "bob"]);
    town.say(&sent[0], ReportStatus::Downloading).await;
    service.cancel_job(&owner(), first).await.unwrap();
    assert_eq!(town.id(live, &[]).await, 0);
    assert_eq!(town.run().await, [], "nobody is told anything");
    assert_eq!(town.states(first).await, counted(&[("downloading", 1), ("sent", 1)]), "what devices have goes on");
    let carol = town.user("carol", EAST).await;
    town.execute("INSERT INTO user_group_members VALUES ($1, $2)", &[&group, &carol]).await;
    while service.review_devices(100).await.unwrap() > 0 {}
    assert_eq!(town.run().await, [], "nor is it given to who joins");
    assert_eq!(town.offered("carol").await, []);
    town.obey(&sent).await;
    assert_eq!(town.counts(application).await, (2, 2));

    // What an update brings is another push of the same assignment.
    let other = town.application("other", 1).await;
    let push = town.push(other, groups(&[group]), wish()).await;
    town.run().await;
    let update = "INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
            started_at, expires_at, push_action, application_id, package_id, release_id, assignment_id, operator_id, organisation_id)
        SELECT tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context, started_at, expires_at,
            push_action, application_id, package_id, release_id, assignment_id, operator_id, organisation_id
        FROM jobs WHERE id = $1 RETURNING id";
    let update = drover_domain::JobId(town.id(update, &[&push.0]).await);
    service.cancel_job(&owner(), update).await.unwrap();
    assert_eq!((town.id(live, &[]).await, town.job_state(push).await), (1, "running".to_owned()));
    service.cancel_job(&owner(), push).await.unwrap();
    assert_eq!(town.id(live, &[]).await, 0);
    town.run().await;
    town.world.assert_clean().await;
}

#[tokio::test]
async fn a_push_is_tried_again_while_it_is_wanted_and_what_removes_for_good_is_not_stopped() {
    let town = Town::new().await;
    let application = town.application("app", 1).await;
    let [ada, bob] = town.users(["ada", "bob"]).await;
    let service = &town.world.service;
    let push = town.push(application, users(&[ada, bob]), wish()).await;
    town.run().await;
    fail(&town, push).await;
    assert_eq!(service.finish_jobs().await.unwrap(), 1);
    service.retry_failed(&owner(), push, &RetryFilter::default()).await.unwrap();
    let sent = town.run().await;
    assert_eq!(told(&sent), [("ada", "install"), ("bob", "install")]);
    town.say(&sent[0], ReportStatus::Succeeded).await;
    for sent in &sent[1..] {
        town.say(sent, ReportStatus::Refused).await;
    }
    assert_eq!(service.finish_jobs().await.unwrap(), 1);
    town.world.assert_clean().await;

    let again = town.push(application, users(&[bob]), wish()).await;
    town.run().await;
    fail(&town, again).await;
    service.finish_jobs().await.unwrap();
    town.take_back(application, users(&[bob])).await;
    assert!(conflict(service.retry_failed(&owner(), again, &RetryFilter::default()).await).contains("taken back"));
    town.remove(application).await.unwrap();
    let removal = drover_domain::JobId(town.id("SELECT max(id) FROM jobs WHERE push_action = 'uninstall'", &[]).await);
    assert!(conflict(service.cancel_job(&owner(), removal).await).contains("being deleted"));
    service.pause_job(&owner(), removal).await.unwrap();
    town.run().await;
    town.world.assert_clean().await;
}

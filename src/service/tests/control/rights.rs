//! Who may, and what is written down of it.

use drover_domain::JobId;
use drover_service::{Actor, Control, ListFrom, RetryFilter, ServiceError, Via};

use crate::{
    fleet::{Fleet, owner},
    scene::{EAST, ROOT, users, wish},
    town::Town,
};

fn first_page() -> ListFrom {
    ListFrom { after: None, limit: 100 }
}

async fn as_operator(town: &Town, organisation: i64) -> Actor {
    let address = Some("192.0.2.7".parse().unwrap());
    Actor::operator(&town.operator(organisation).await, Via::Api, address)
}

async fn each(town: &Town, actor: &Actor, job: JobId) -> Vec<Result<(), ServiceError>> {
    let service = &town.world.service;
    let nothing = |_| ();
    let affected = service.affected(actor, job, &Control::Pause).await.map(|_| ());
    vec![
        affected,
        service.pause_job(actor, job).await.map(nothing),
        service.resume_job(actor, job).await.map(nothing),
        service.retry_failed(actor, job, &RetryFilter::default()).await.map(nothing),
        service.cancel_job(actor, job).await.map(nothing),
    ]
}

#[tokio::test]
async fn who_only_looks_changes_nothing_and_who_cannot_see_it_finds_nothing() {
    let town = Town::new().await;
    let application = town.application("app", 1).await;
    let [ada] = town.users(["ada"]).await;
    let job = town.push(application, users(&[ada]), wish()).await;
    let reader = Actor { may_write: false, ..as_operator(&town, ROOT).await };
    for refused in each(&town, &reader, job).await {
        assert!(matches!(refused, Err(ServiceError::Forbidden { .. })), "{refused:?}");
    }
    let below = as_operator(&town, EAST).await;
    for refused in each(&town, &below, job).await {
        assert!(matches!(refused, Err(ServiceError::NotFound { .. })), "{refused:?}");
    }
    for refused in each(&town, &owner(), JobId(99_999)).await {
        assert!(matches!(refused, Err(ServiceError::NotFound { .. })), "{refused:?}");
    }
    assert_eq!(town.job_state(job).await, "running");
    assert_eq!(town.world.service.audit(&owner(), &first_page()).await.unwrap().items, []);
}

#[tokio::test]
async fn what_belongs_to_no_organisation_is_the_roots() {
    let fleet = Fleet::started(3, 0).await;
    let town = Town(crate::scene::Scene::of(fleet.world).await);
    let below = town.world.service.pause_job(&as_operator(&town, EAST).await, fleet.job).await;
    assert!(matches!(below, Err(ServiceError::NotFound { .. })), "{below:?}");
    town.world.service.pause_job(&as_operator(&town, ROOT).await, fleet.job).await.unwrap();
}

#[tokio::test]
async fn each_step_is_written_down_with_who_and_from_where_and_a_refused_one_is_not() {
    let fleet = Fleet::failed(3, |_| Some("7")).await;
    let service = &fleet.world.service;
    let actor = Actor { via: Via::Dashboard, address: Some("2001:db8::1".parse().unwrap()), ..owner() };
    service.pause_job(&actor, fleet.job).await.unwrap_err();
    service.retry_failed(&actor, fleet.job, &RetryFilter::default()).await.unwrap();
    fleet.run().await;
    service.pause_job(&owner(), fleet.job).await.unwrap();
    service.resume_job(&owner(), fleet.job).await.unwrap();
    service.cancel_job(&owner(), fleet.job).await.unwrap();
    let found = service.audit(&owner(), &first_page()).await.unwrap().items;
    let words: Vec<_> =
        found.iter().map(|entry| (entry.action.as_str(), entry.devices, entry.detail.as_str())).collect();
    assert_eq!(
        words,
        [
            ("job_cancelled", Some(3), ""),
            ("job_resumed", Some(0), ""),
            ("job_paused", Some(0), ""),
            ("job_retried", Some(3), "failed, timed_out"),
        ]
    );
    let first = &found[3];
    assert_eq!(
        (first.actor.as_str(), first.via.as_str(), first.address.as_str()),
        ("tester", "dashboard", "2001:db8::1")
    );
    assert_eq!((first.subject_kind.as_str(), first.subject.as_str()), ("job", fleet.job.to_string().as_str()));
    assert_eq!(first.tenant, Some(fleet.world.caller.tenant));
}

//! What is refused, and what does not exist for whom.

use drover_domain::{ClientVersionId, JobId, Os, Role};
use drover_service::ServiceError;

use crate::scene::{Scene, request, target, trace};

fn reason(error: ServiceError) -> (&'static str, String) {
    match error {
        ServiceError::Invalid { field, reason } => (field, reason),
        ServiceError::Conflict { reason } => ("conflict", reason),
        ServiceError::NotFound { what, .. } => ("not found", what.to_owned()),
        ServiceError::Forbidden { reason } => ("forbidden", reason),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn targets_must_be_there_within_reach_and_apart() {
    let scene = Scene::new().await;
    let service = &scene.world.service;
    let root = scene.operator("root").await;
    let east = scene.operator("east").await;
    let publish = async |operator, targets| {
        let mut wish = request(&[]);
        wish.targets = targets;
        wish.distribute = true;
        reason(service.publish_version(operator, scene.version, wish, trace()).await.unwrap_err())
    };
    assert_eq!(publish(&root, vec![]).await.0, "applyTo");
    let unknown = publish(&root, vec![target("east"), target("moon")]).await;
    assert_eq!(unknown, ("targetId", "there is no organisation moon".into()));
    let outside = publish(&east, vec![target("west")]).await;
    assert_eq!(outside, ("targetId", "there is no organisation west".into()), "as if it did not exist");
    assert_eq!(publish(&east, vec![target("root")]).await.0, "targetId");
    assert_eq!(publish(&root, vec![target("east"), target("east")]).await, ("targetId", "east is named twice".into()));
    assert_eq!(publish(&root, vec![target("harbour"), target("west"), target("east")]).await.0, "targetId");
    let mut other_os = target("east");
    other_os.os = Some(Os::Ios);
    assert_eq!(publish(&root, vec![other_os]).await.0, "os");
    let mut over = target("east");
    over.expires_at = chrono::DateTime::from_timestamp(1_800_000_000, 0);
    assert_eq!(publish(&root, vec![over]).await, ("expirationTime", "is over".into()));
    let mut late = target("east");
    late.start_at = chrono::DateTime::from_timestamp(1_800_000_010, 0);
    late.expires_at = late.start_at;
    assert_eq!(publish(&root, vec![late]).await.0, "startTime");
    let mut many = target("east");
    many.retry_limit = Some(4);
    assert_eq!(publish(&root, vec![many]).await.0, "retryTimes");
    let jobs: i64 = scene.world.client().await.query_one("SELECT count(*) FROM jobs", &[]).await.unwrap().get(0);
    assert_eq!(jobs, 0, "nothing is half written");
}

#[tokio::test]
async fn a_distribution_rests_on_a_publication_that_covers_its_target() {
    let scene = Scene::new().await;
    let service = &scene.world.service;
    let root = scene.operator("root").await;
    let distribute = async |to| service.distribute_version(&root, scene.version, request(&[to]), trace()).await;
    assert_eq!(reason(distribute("east").await.unwrap_err()).0, "conflict");
    scene.publish("root", &["harbour"]).await;
    assert_eq!(reason(distribute("east").await.unwrap_err()).0, "conflict", "a part is not the whole");
    assert!(distribute("harbour").await.is_ok());
    scene.publish("root", &["east"]).await;
    assert!(distribute("east").await.is_ok() && distribute("hills").await.is_ok());
    let client = scene.world.client().await;
    client.batch_execute("UPDATE audiences SET expires_at = now() WHERE expires_at IS NULL").await.unwrap();
    assert_eq!(reason(distribute("hills").await.unwrap_err()).0, "conflict", "that offer has ended");
}

#[tokio::test]
async fn what_lies_beside_an_operator_does_not_exist() {
    let scene = Scene::new().await;
    let service = &scene.world.service;
    scene.enrol("west", 1).await;
    let publication = scene.publish("root", &["west"]).await;
    let distribution = scene.distribute("root", "west").await;
    let east = scene.operator("east").await;
    for error in [
        service.cancel_distribution(&east, distribution).await.unwrap_err(),
        service.cancel_publication(&east, publication).await.unwrap_err(),
        service.distribute_publication(&east, publication, false, trace()).await.unwrap_err(),
        service.cancel_distribution(&east, publication).await.unwrap_err(),
        service.cancel_publication(&east, JobId(1)).await.unwrap_err(),
        service.obsolete_version(&east, ClientVersionId(1)).await.unwrap_err(),
    ] {
        assert_eq!(reason(error).0, "not found");
    }
    // The tenant's version is in everybody's catalogue, but not theirs to withdraw; nor is a publication that reaches further.
    assert_eq!(reason(service.obsolete_version(&east, scene.version).await.unwrap_err()).0, "forbidden");
    let everywhere = scene.publish("root", &["root"]).await;
    assert_eq!(reason(service.cancel_publication(&east, everywhere).await.unwrap_err()).0, "forbidden");
    let made = service.distribute_publication(&east, everywhere, false, trace()).await.unwrap();
    let client = scene.world.client().await;
    let row = client.query_one("SELECT organisation_id FROM audiences WHERE job_id = $1", &[&made[0].0]).await.unwrap();
    assert_eq!((made.len(), row.get::<_, i64>(0)), (1, east.organisation.id.0), "as far as the operator reaches");
    // A version of a sibling's group.
    client.batch_execute("UPDATE client_groups SET organisation_id = 903").await.unwrap();
    let unseen = service.publish_version(&east, scene.version, request(&["east"]), trace()).await.unwrap_err();
    assert_eq!(reason(unseen), ("not found", "version".into()));
    // Another tenant.
    let mut stranger = scene.operator("root").await;
    stranger.tenant = service.add_tenant("other").await.unwrap();
    assert_eq!(reason(service.cancel_publication(&stranger, everywhere).await.unwrap_err()).0, "not found");
    assert_eq!(reason(service.obsolete_version(&stranger, scene.version).await.unwrap_err()).0, "not found");
    let mut reader = scene.operator("root").await;
    reader.role = Role::ReadOnly;
    assert_eq!(reason(service.cancel_publication(&reader, everywhere).await.unwrap_err()).0, "forbidden");
    assert_eq!(reason(service.obsolete_version(&reader, scene.version).await.unwrap_err()).0, "forbidden");
    let refused = service.publish_version(&reader, scene.version, request(&["east"]), trace()).await.unwrap_err();
    assert_eq!(reason(refused).0, "forbidden");
}

#[tokio::test]
async fn a_void_version_is_offered_to_nobody() {
    let scene = Scene::new().await;
    let service = &scene.world.service;
    let root = scene.operator("root").await;
    let publication = scene.publish("root", &["root"]).await;
    service.obsolete_version(&root, scene.version).await.unwrap();
    service.obsolete_version(&root, scene.version).await.unwrap();
    assert_eq!(scene.job_state(publication).await, "cancelled");
    let wish = || request(&["east"]);
    let published = service.publish_version(&root, scene.version, wish(), trace()).await.unwrap_err();
    let distributed = service.distribute_version(&root, scene.version, wish(), trace()).await.unwrap_err();
    let again = service.distribute_publication(&root, publication, true, trace()).await.unwrap_err();
    for error in [published, distributed, again] {
        assert_eq!(reason(error).0, "conflict");
    }
}

//! Jobs are listed newest first, within reach, page by page.

use drover_domain::{JobKind, JobState};
use drover_service::{JobSearch, ServiceError};

use crate::{
    scene::{operator, owner, page, under_way},
    support::World,
};

async fn root(world: &World) -> String {
    let sql = "SELECT path FROM organisations WHERE tenant_id = $1 AND parent_id IS NULL";
    world.client().await.query_one(sql, &[&world.caller.tenant.0]).await.unwrap().get(0)
}

#[tokio::test]
async fn pages_go_on_where_the_one_before_ended() {
    let world = World::new().await;
    let mut drafts = Vec::new();
    for _ in 0..5 {
        drafts.push(world.draft(0).await.id);
    }
    drafts.reverse();
    let (mut seen, mut after) = (Vec::new(), None);
    loop {
        let list = world.service.list_jobs(&owner(), &JobSearch::default(), &page(2, after.as_deref())).await.unwrap();
        seen.extend(list.items.iter().map(|job| job.id));
        after = list.next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(seen, drafts);
    let one = world.service.list_jobs(&owner(), &JobSearch::default(), &page(1, None)).await.unwrap().items.remove(0);
    assert_eq!((one.tenant_name.as_str(), one.brings.as_str(), one.created_by.as_str()), ("acme", "f 2.0", "me"));
    let wrong = world.service.list_jobs(&owner(), &JobSearch::default(), &page(1, Some("x"))).await;
    assert!(matches!(wrong, Err(ServiceError::Invalid { field: "after", .. })));
}

#[tokio::test]
async fn a_search_is_by_kind_state_tenant_and_text() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let draft = world.draft(0).await.id;
    let (running, _) = under_way(&world, &uuids, 0).await;
    world
        .client()
        .await
        .execute("UPDATE jobs SET name = 'Night_Run 100%' WHERE id = $1", &[&running.id.0])
        .await
        .unwrap();
    let found = async |search: JobSearch| {
        let list = world.service.list_jobs(&owner(), &search, &page(10, None)).await.unwrap();
        assert_eq!(list.next, None);
        list.items.iter().map(|job| job.id).collect::<Vec<_>>()
    };
    let text = |text: &str| JobSearch { text: Some(text.into()), ..JobSearch::default() };
    assert_eq!(found(text("night_run 100%")).await, [running.id]);
    assert_eq!(found(text(" ")).await, [running.id, draft]);
    assert_eq!(found(text("n_ght")).await, []);
    assert_eq!(found(text(&draft.to_string())).await, [draft], "a job's number finds it");
    let state = |state| JobSearch { state: Some(state), ..JobSearch::default() };
    assert_eq!(found(state(JobState::Running)).await, [running.id]);
    assert_eq!(found(state(JobState::Draft)).await, [draft]);
    assert_eq!(found(state(JobState::Completed)).await, []);
    let of_kind = |kind| JobSearch { kind: Some(kind), ..JobSearch::default() };
    assert_eq!(found(of_kind(JobKind::Push)).await, []);
    assert_eq!(found(JobSearch { kind: Some(JobKind::Push), ..text(&draft.to_string()) }).await, []);
    let other = world.service.add_tenant("other").await.unwrap();
    let of_tenant = |tenant| JobSearch { tenant: Some(tenant), ..JobSearch::default() };
    assert_eq!(found(of_tenant(other)).await, []);
    assert_eq!(
        found(of_tenant(world.service.tenant_named(&owner(), "acme").await.unwrap())).await,
        [running.id, draft]
    );
    let unknown = world.service.tenant_named(&owner(), "nobody").await;
    assert!(matches!(unknown, Err(ServiceError::Invalid { field: "tenant", .. })));
    assert!(world.service.list_jobs(&owner(), &text(&"x".repeat(129)), &page(1, None)).await.is_err());
}

#[tokio::test]
async fn what_is_out_of_reach_does_not_exist() {
    let world = World::new().await;
    let draft = world.draft(0).await.id;
    let root = root(&world).await;
    let (whole, part) = (operator(&world, &root), operator(&world, &format!("{root}9999/")));
    let mut foreign = operator(&world, &root);
    if let drover_service::Reach::Part(scope) = &mut foreign.reach {
        scope.tenant = drover_domain::TenantId(1);
    }
    let seen = async |actor| {
        let list = world.service.list_jobs(actor, &JobSearch::default(), &page(10, None)).await.unwrap();
        let by_number = JobSearch { text: Some(draft.to_string()), ..JobSearch::default() };
        let named = world.service.list_jobs(actor, &by_number, &page(10, None)).await.unwrap();
        let detail = world.service.job_detail(actor, draft).await;
        let commands =
            world.service.list_commands(actor, draft, &drover_service::CommandSearch::default(), &page(1, None)).await;
        let is_hidden = |error| matches!(error, ServiceError::NotFound { what: "job", .. });
        (list.items.len(), named.items.len(), detail.map_err(is_hidden).err(), commands.map_err(is_hidden).err())
    };
    assert_eq!(seen(&whole).await, (1, 1, None, None));
    assert_eq!(seen(&part).await, (0, 0, Some(true), Some(true)));
    assert_eq!(seen(&foreign).await, (0, 0, Some(true), Some(true)));
    assert!(world.service.tenant_named(&whole, "acme").await.is_err(), "tenants are for who runs the installation");
}

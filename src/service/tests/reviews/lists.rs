//! Black and white lists go where their assignments reach, and no further.

use drover_domain::{OperatorId, OrganisationId, RestrictionId};
use drover_service::Targets;
use drover_store::pushing::assignments::{self, NewAssignment, Subject};

use crate::{
    scene::{ROOT, Scene, groups, wish},
    staged::{join, leave, reviewed},
};

async fn list(scene: &Scene, targets: &Targets) -> RestrictionId {
    let sql = "WITH r AS (INSERT INTO restrictions (tenant_id, organisation_id, type, platform, name) VALUES ($1, 901, 2, 1, 'games')
            RETURNING id)
        INSERT INTO restriction_apps (restriction_id, position, package_name) SELECT id, 0, 'com.game' FROM r RETURNING restriction_id";
    let id = RestrictionId(scene.id(sql, &[&scene.tenant.0]).await);
    let wish = wish();
    let new = NewAssignment {
        tenant: scene.tenant,
        subject: Subject::Restriction(id),
        organisation: OrganisationId(ROOT),
        operator: OperatorId(ROOT),
        created_by: "Root",
        wish: &wish,
        targets,
    };
    let mut client = scene.world.client().await;
    let tx = client.transaction().await.unwrap();
    assignments::insert(&tx, &new).await.unwrap();
    tx.commit().await.unwrap();
    id
}

/// What devices got: whose, and the type of the command.
async fn got(scene: &Scene) -> Vec<(String, String)> {
    let sent = reviewed(scene).await;
    if !sent.is_empty() {
        scene.obey(&sent).await;
    }
    let kind = |command: &drover_messages::DeviceCommand| {
        serde_json::to_value(command).unwrap()["type"].as_str().unwrap().to_owned()
    };
    sent.iter().map(|sent| (sent.uuid.clone(), kind(&sent.command))).collect()
}

fn is(uuid: &str, kind: &str) -> Vec<(String, String)> {
    vec![(uuid.into(), kind.into())]
}

#[tokio::test]
async fn a_list_comes_with_the_group_and_goes_with_it() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let id = scene.group("sales", &[]).await;
    let list = list(&scene, &groups(&[id])).await;
    assert_eq!(got(&scene).await, []);
    join(&scene, "group", id, ada).await;
    assert_eq!(got(&scene).await, is("ada", "apply_restriction"));
    let kept = "SELECT count(*) FROM restriction_installs WHERE restriction_id = $1 AND revision = 1";
    assert_eq!(scene.id(kept, &[&list.0]).await, 1);
    leave(&scene, "group", id, ada).await;
    assert_eq!(got(&scene).await, is("ada", "remove_restriction"));
    assert_eq!(scene.id(kept, &[&list.0]).await, 0);
    join(&scene, "group", id, ada).await;
    assert_eq!(got(&scene).await, is("ada", "apply_restriction"));
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_disabled_list_is_not_given_and_not_taken() {
    let scene = Scene::new().await;
    let [ada, bob] = scene.users(["ada", "bob"]).await;
    let id = scene.group("sales", &[]).await;
    let list = list(&scene, &groups(&[id])).await;
    join(&scene, "group", id, ada).await;
    assert_eq!(got(&scene).await, is("ada", "apply_restriction"));
    scene.execute("UPDATE restrictions SET is_enabled = false WHERE id = $1", &[&list.0]).await;
    join(&scene, "group", id, bob).await;
    scene.execute("INSERT INTO device_reviews (device_id) SELECT id FROM devices WHERE uuid = 'ada'", &[]).await;
    assert_eq!(got(&scene).await, []);
}

#[tokio::test]
async fn who_is_back_before_a_list_was_removed_keeps_to_it() {
    let scene = Scene::new().await;
    let [ada] = scene.users(["ada"]).await;
    let id = scene.group("sales", &[]).await;
    let list = list(&scene, &groups(&[id])).await;
    join(&scene, "group", id, ada).await;
    assert_eq!(got(&scene).await, is("ada", "apply_restriction"));
    leave(&scene, "group", id, ada).await;
    let removal = reviewed(&scene).await;
    join(&scene, "group", id, ada).await;
    assert_eq!(got(&scene).await, is("ada", "apply_restriction"));
    assert_eq!(scene.states(removal[0].id.job).await, [("superseded".to_owned(), 1)]);
    let kept = "SELECT count(*) FROM restriction_installs WHERE restriction_id = $1 AND revision = 1";
    assert_eq!(scene.id(kept, &[&list.0]).await, 1);
    scene.world.assert_clean().await;
}

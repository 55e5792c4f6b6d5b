//! What a command says of its application, and which policies may travel in it.

use drover_domain::PolicyId;
use drover_messages::{DeviceCommand, InstallOptions};
use drover_service::{ApplicationRefusal as R, ServiceError, Wish};
use serde_json::json;

use crate::scene::{ROOT, Scene, users, wish};

async fn policy(scene: &Scene, domain_type: i16, is_enabled: bool) -> PolicyId {
    let sql = "INSERT INTO app_policies (tenant_id, organisation_id, name, domain_type, is_enabled, settings)
        VALUES ($1, 901, gen_random_uuid()::text, $2, $3, '{\"homepage\": \"https://intranet.example/\"}') RETURNING id";
    PolicyId(scene.id(sql, &[&scene.tenant.0, &domain_type, &is_enabled]).await)
}

#[tokio::test]
async fn the_command_brings_the_release_and_what_its_push_said() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    let all = Wish {
        is_notified: true,
        is_essential: true,
        removes_on_exit: true,
        into_knox: true,
        wifi_only: true,
        prevents_backup: true,
        policy: Some(policy(&scene, 0, true).await),
        ..wish()
    };
    let job = scene.push(app, users(&ids), all).await;
    let sent = scene.run().await;
    let [DeviceCommand::InstallApplication { application, options, .. }] =
        &sent.iter().map(|sent| sent.command.clone()).collect::<Vec<_>>()[..]
    else {
        panic!("{sent:?}")
    };
    assert_eq!((application.application_id, application.name.as_str()), (app.0, "App com.a"));
    assert_eq!((application.package_name.as_str(), application.version_code.as_str()), ("com.a", "10"));
    assert_eq!((application.version_name.as_str(), application.min_os_version.as_str()), ("10.0", "4.4"));
    let file = application.file.as_ref().unwrap();
    assert_eq!((file.file_name.as_str(), file.size_bytes, application.store.is_none()), ("app.apk", 5, true));
    assert!(file.url.starts_with("http://127.0.0.1:8080/files/") && file.url.contains("app.apk"), "{}", file.url);
    let policy = json!({ "homepage": "https://intranet.example/" });
    let expected = InstallOptions {
        required: true,
        notify: true,
        essential: true,
        remove_on_exit: true,
        wifi_only: true,
        into_knox: true,
        prevent_backup: false,
        policy: policy.as_object().cloned(),
    };
    assert_eq!(*options, expected, "keeping data out of backups is for iOS");
    let day = scene.id("SELECT attempt_timeout_s::bigint FROM jobs WHERE id = $1", &[&job.0]).await;
    assert_eq!(day, 24 * 3600, "who is to download over Wi-Fi alone may come home first");
}

#[tokio::test]
async fn an_offer_stands_for_as_long_as_its_push() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    let job = scene.push(app, users(&ids), Wish { is_required: false, ..wish() }).await;
    let sql = "SELECT (attempt_timeout_s = job_timeout_s AND job_timeout_s = 30 * 86400)::int::bigint FROM jobs WHERE id = $1";
    assert_eq!(scene.id(sql, &[&job.0]).await, 1);
}

#[tokio::test]
async fn an_application_of_the_store_brings_its_address() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann"]).await;
    scene.change_device("ann", "os = 51202, device_type = NULL").await;
    let app = scene.application("id840919914", 2).await;
    let sql = "WITH r AS (INSERT INTO app_releases (application_id, source_url) VALUES ($1, 'https://itunes.apple.com/2048/id840919914')
            RETURNING id)
        UPDATE applications SET itunes_store_id = 840919914, model_types = '{20}', release_id = r.id FROM r
        WHERE applications.id = $1";
    scene.execute(sql, &[&app.0]).await;
    scene.push(app, users(&ids), wish()).await;
    let sent = scene.run().await;
    let DeviceCommand::InstallApplication { application, .. } = &sent[0].command else { panic!("{sent:?}") };
    let store = application.store.as_ref().unwrap();
    assert_eq!((store.itunes_store_id, application.file.is_none()), (840_919_914, true));
    scene.obey(&sent).await;
    scene.push(app, users(&ids), wish()).await;
    assert_eq!(scene.run().await, [], "it is there, though it has no version");
    scene.world.assert_clean().await;
}

#[tokio::test]
async fn a_policy_is_there_enabled_and_of_the_applications_kind() {
    let scene = Scene::new().await;
    let ids = scene.users(["ann"]).await;
    let app = scene.application("com.a", 1).await;
    let (normal, disabled) = (policy(&scene, 0, true).await, policy(&scene, 3, false).await);
    let built_in = policy(&scene, 3, true).await;
    let push = async |policy| match scene.try_push(ROOT, app, users(&ids), Wish { policy, ..wish() }).await {
        Ok(()) => None,
        Err(ServiceError::Application(refusal)) => Some(refusal),
        Err(other) => panic!("{other}"),
    };
    let (what, unknown) = ("policy", PolicyId(built_in.0 + 1));
    assert_eq!(push(None).await, None, "a normal application needs none");
    assert_eq!(push(Some(built_in)).await, Some(R::PolicyOfOtherKind(built_in.to_string())));
    scene.execute("UPDATE applications SET domain_type = 3 WHERE id = $1", &[&app.0]).await;
    assert_eq!(push(None).await, Some(R::PolicyMissing));
    assert_eq!(push(Some(unknown)).await, Some(R::NoSuchPolicy { what, id: unknown.to_string() }));
    assert_eq!(push(Some(disabled)).await, Some(R::PolicyDisabled { what, id: disabled.to_string() }));
    assert_eq!(push(Some(normal)).await, Some(R::PolicyOfOtherKind(normal.to_string())));
    assert_eq!(push(Some(built_in)).await, None);
}

//! What a group and a version must be.

use drover_service::{NewClientVersion, Page, ServiceError, Sort, VersionKey};
use uuid::Uuid;

use super::world::{FOREIGN_FILE, World, group, refused, version};

type Change = fn(&mut NewClientVersion);

#[tokio::test]
async fn a_version_is_refused_for_what_is_wrong_with_it() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    world.version(&world.root, id, 3).await;
    let cases: [(&str, Change); 11] = [
        ("appFileUuid: there is no file 00000000-0000-0000-0000-000000000007", |new| new.file = Uuid::from_u128(7)),
        ("appFileUuid: there is no file 00000000-0000-0000-0000-000000000002", |new| new.file = FOREIGN_FILE),
        ("appIconUuid: there is no file 00000000-0000-0000-0000-000000000002", |new| new.icon = Some(FOREIGN_FILE)),
        ("appSize: the file has 5 bytes", |new| new.size_bytes = Some(6)),
        ("packageName: the versions of this group are of p", |new| new.package_name = "q".into()),
        ("packageName: must not be empty", |new| new.package_name = String::new()),
        ("appVersionCode: must be above 0", |new| new.version_code = 0),
        ("appVersionName: must not be empty", |new| new.version_name = String::new()),
        ("appName: holds a NUL character", |new| new.app_name = Some("a\0".into())),
        ("updateInfo: is longer than 4000 characters", |new| new.update_info = "新".repeat(4001)),
        ("remark: holds a NUL character", |new| new.remark = "\0".into()),
    ];
    for (reason, change) in cases {
        let mut new = version(4);
        change(&mut new);
        assert_eq!(refused(world.service().add_client_version(&world.root, id, &new).await), reason);
    }
    let taken = world.service().add_client_version(&world.root, id, &version(3)).await;
    assert!(
        matches!(&taken, Err(ServiceError::Conflict { reason }) if reason == "appVersionCode: the group has a version 3")
    );
    let sort = Sort { key: VersionKey::Id, descending: false };
    let kept = world.service().client_versions(&world.root, id, sort, Page::new(1, 10).unwrap()).await.unwrap();
    assert_eq!(kept.items.iter().map(|version| version.version_code).collect::<Vec<_>>(), [3]);
    assert_eq!(kept.items[0].app_name, "client.apk", "the name of the file, as none was given");
}

#[tokio::test]
async fn a_void_versions_number_is_free_again() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    world.version(&world.root, id, 3).await;
    world.client().await.batch_execute("UPDATE client_versions SET void_at = now()").await.unwrap();
    world.version(&world.root, id, 3).await;
}

#[tokio::test]
async fn a_group_comes_with_all_its_versions_or_not_at_all() {
    let world = World::new().await;
    let create = |versions: Vec<NewClientVersion>| {
        let world = &world;
        async move { world.service().create_client_group(&world.root, &group("a"), &versions).await }
    };
    let other_package = NewClientVersion { package_name: "q".into(), ..version(2) };
    refused(create(vec![version(1), other_package]).await);
    let taken = create(vec![version(1), version(1)]).await;
    assert!(matches!(&taken, Err(ServiceError::Conflict { reason }) if reason.starts_with("appVersionCode: ")));
    assert_eq!(world.codes(&world.root).await, [""; 0]);
    create(vec![version(1), version(2)]).await.unwrap();
    let again = create(vec![]).await;
    assert!(
        matches!(&again, Err(ServiceError::Conflict { reason }) if reason == "groupCode: there is a group a already")
    );
    assert_eq!(world.codes(&world.root).await, ["a"]);
    world.service().create_client_group(&world.stranger, &group("a"), &[]).await.unwrap();
}

#[tokio::test]
async fn versions_that_race_agree_on_a_package() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    let other = NewClientVersion { package_name: "q".into(), ..version(2) };
    let (one, two) = (version(1), other);
    let (one, two) = tokio::join!(
        world.service().add_client_version(&world.root, id, &one),
        world.service().add_client_version(&world.root, id, &two),
    );
    assert!(one.is_ok() ^ two.is_ok(), "{one:?} {two:?}");
}

#[tokio::test]
async fn a_group_whose_versions_are_void_may_begin_anew_with_another_package() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    let first = world.version(&world.root, id, 1).await;
    let other = NewClientVersion { package_name: "q".into(), ..version(2) };
    let add = async || world.service().add_client_version(&world.root, id, &other).await;
    assert_eq!(refused(add().await), "packageName: the versions of this group are of p");
    world.service().obsolete_version(&world.root, first).await.unwrap();
    add().await.unwrap();
    let back = world.service().add_client_version(&world.root, id, &version(3)).await;
    assert_eq!(refused(back), "packageName: the versions of this group are of q");
}

#[tokio::test]
async fn a_qr_code_downloads_a_version_of_its_group_while_that_is_not_void() {
    let world = World::new().await;
    let (id, other) = (world.group(&world.root, "a").await, world.group(&world.root, "b").await);
    let chosen = world.version(&world.root, id, 1).await;
    let elsewhere = world.version(&world.root, other, 1).await;
    let service = world.service();
    let before = service.client_group(&world.root, id).await.unwrap();
    assert_eq!((before.qr_version, service.client_qr_url(&before)), (None, None));
    let strange = service.set_client_qr(&world.root, id, elsewhere).await;
    assert_eq!(refused(strange), "appId: is no version of this group");
    service.set_client_qr(&world.root, id, chosen).await.unwrap();
    let after = service.client_group(&world.root, id).await.unwrap();
    assert_eq!(after.qr_version, Some(chosen));
    let url = service.client_qr_url(&after).unwrap();
    assert_eq!(url, format!("http://127.0.0.1:8080/get/{}/qr.png", after.download_key));
    assert_eq!(after.download_key.len(), 22, "128 bits");
    assert!(after.updated_at > before.updated_at);
    let listed = service.client_groups_with_qr(&world.root, None).await.unwrap();
    assert_eq!(listed.iter().map(|group| group.id).collect::<Vec<_>>(), [id]);
    assert_eq!(service.client_groups_with_qr(&world.root, Some("nothing".into())).await.unwrap(), []);

    world.client().await.batch_execute("UPDATE client_versions SET void_at = now()").await.unwrap();
    let now = service.client_group(&world.root, id).await.unwrap();
    assert_eq!((now.qr_version, service.client_qr_url(&now)), (None, None));
    assert_eq!(service.client_groups_with_qr(&world.root, None).await.unwrap(), []);
    assert_eq!(refused(service.set_client_qr(&world.root, id, chosen).await), "appId: is void");
}

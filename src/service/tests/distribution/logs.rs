//! What the logs of a version show, and to whom.

use drover_messages::ReportStatus;
use drover_service::{DistributeKey, LogPage, Page, PublishKey, UpgradeKey};

use crate::scene::Scene;

fn all<K>(key: K) -> LogPage<'static, K> {
    LogPage { key, descending: false, page: None, search: "" }
}

#[tokio::test]
async fn each_sees_what_concerns_the_own_subtree() {
    let scene = Scene::new().await;
    let service = &scene.world.service;
    for organisation in ["east", "harbour", "west"] {
        scene.enrol(organisation, 2).await;
    }
    let everywhere = scene.publish("root", &["root"]).await;
    let west = scene.publish("root", &["west"]).await;
    let to_east = scene.distribute("root", "east").await;
    let to_west = scene.distribute("root", "west").await;
    let sent = scene.run().await;
    let done = sent.iter().find(|sent| sent.uuid == "harbour-1").unwrap();
    scene.say(done, ReportStatus::Succeeded).await;

    let seen = async |code: &str| {
        let operator = scene.operator(code).await;
        let published = service.publish_logs(&operator, scene.version, &all(PublishKey::Id)).await.unwrap();
        let distributed = service.distribute_logs(&operator, scene.version, &all(DistributeKey::Id)).await.unwrap();
        let upgraded = service.upgrade_logs(&operator, scene.version, &all(UpgradeKey::Id)).await.unwrap();
        assert_eq!(published.total, i64::try_from(published.items.len()).unwrap());
        assert_eq!(distributed.total, i64::try_from(distributed.items.len()).unwrap());
        assert_eq!(upgraded.total, i64::try_from(upgraded.items.len()).unwrap());
        let published: Vec<_> = published.items.iter().map(|log| log.id).collect();
        let distributed: Vec<_> = distributed.items.iter().map(|log| (log.id, log.targeted, log.upgraded)).collect();
        (published, distributed, upgraded.items.len())
    };
    assert_eq!(seen("root").await, (vec![everywhere, west], vec![(to_east, 4, 1), (to_west, 2, 0)], 6));
    assert_eq!(seen("east").await, (vec![everywhere], vec![(to_east, 4, 1)], 4));
    assert_eq!(seen("harbour").await, (vec![everywhere], vec![], 2));
    assert_eq!(seen("west").await, (vec![everywhere, west], vec![(to_west, 2, 0)], 2));

    scene.world.client().await.batch_execute("UPDATE client_groups SET organisation_id = 903").await.unwrap();
    let east = scene.operator("east").await;
    assert!(service.publish_logs(&east, scene.version, &all(PublishKey::Id)).await.is_err());
    assert!(service.upgrade_logs(&east, scene.version, &all(UpgradeKey::Id)).await.is_err());
}

#[tokio::test]
async fn upgrades_are_searched_sorted_and_cut_into_pages() {
    let scene = Scene::new().await;
    let service = &scene.world.service;
    scene.enrol("east", 3).await;
    let client = scene.world.client().await;
    client
        .batch_execute(
            "INSERT INTO users (id, tenant_id, organisation_id, account, name) OVERRIDING SYSTEM VALUE
                SELECT 5, tenant_id, id, 'li', '李雷 Li' FROM organisations WHERE code = 'east';
             UPDATE devices SET user_id = 5, name = 'Till' WHERE uuid = 'east-2';",
        )
        .await
        .unwrap();
    scene.publish("root", &["root"]).await;
    scene.distribute("root", "east").await;
    let sent = scene.run().await;
    scene.say(&sent[2], ReportStatus::Failed).await;
    let root = scene.operator("root").await;
    let names = async |log: LogPage<'_, UpgradeKey>| {
        let found = service.upgrade_logs(&root, scene.version, &log).await.unwrap();
        (found.total, found.items.into_iter().map(|log| log.device_name).collect::<Vec<_>>())
    };
    for search in ["李雷", "lI", "tILL"] {
        assert_eq!(names(LogPage { search, ..all(UpgradeKey::Id) }).await, (1, vec!["Till".into()]), "{search}");
    }
    assert_eq!(names(LogPage { search: "nobody", ..all(UpgradeKey::Id) }).await, (0, vec![]));
    let page = Some(Page::new(2, 2).unwrap());
    let second = names(LogPage { page, ..all(UpgradeKey::DeviceName) }).await;
    assert_eq!(second, (3, vec!["device 3".into()]), "upper case comes first");
    let descending = names(LogPage { descending: true, ..all(UpgradeKey::DeviceName) }).await;
    assert_eq!(descending.1, ["device 3", "device 1", "Till"]);
    for key in [
        UpgradeKey::Id,
        UpgradeKey::Device,
        UpgradeKey::TargetCode,
        UpgradeKey::TargetName,
        UpgradeKey::State,
        UpgradeKey::Description,
        UpgradeKey::Created,
        UpgradeKey::Updated,
        UpgradeKey::Account,
        UpgradeKey::UserName,
        UpgradeKey::DeviceName,
        UpgradeKey::VersionBefore,
        UpgradeKey::OrganisationCode,
    ] {
        assert_eq!(names(all(key)).await.1.len(), 3, "{key:?}");
    }
    let log = service.upgrade_logs(&root, scene.version, &all(UpgradeKey::DeviceName)).await.unwrap().items.remove(0);
    assert_eq!((log.account.as_str(), log.user_name.as_str()), ("li", "李雷 Li"));
    assert_eq!((log.target_code.as_str(), log.organisation_code.as_str()), ("east", "east"));
}

#[tokio::test]
async fn equal_rows_come_in_the_direction_that_was_asked_for() {
    let scene = Scene::new().await;
    for organisation in ["east", "west"] {
        scene.enrol(organisation, 2).await;
    }
    scene.publish("root", &["root"]).await;
    scene.distribute("root", "east").await;
    scene.distribute("root", "west").await;
    scene.run().await;
    let root = scene.operator("root").await;
    let ids = async |descending| {
        let log = LogPage { descending, ..all(UpgradeKey::VersionBefore) };
        let found = scene.world.service.upgrade_logs(&root, scene.version, &log).await.unwrap().items;
        found.into_iter().map(|log| log.id).collect::<Vec<_>>()
    };
    let ascending = ids(false).await;
    assert_eq!(ascending.len(), 4);
    assert!(ascending.is_sorted());
    assert_eq!(ids(true).await, ascending.into_iter().rev().collect::<Vec<_>>());
}

//! What devices are offered, and what is learnt when they ask.

use drover_domain::{ClientVersionId, Os, offer::PackageQuery};
use drover_service::{DeviceIdentity, GroupUpdates, Offer, ServiceError};

use super::world::{World, group, version};

fn ids(offers: &[Offer]) -> Vec<ClientVersionId> {
    offers.iter().map(|offer| offer.version.id).collect()
}

async fn check(world: &World, device: &DeviceIdentity, code: i32) -> GroupUpdates {
    world.service().check_group_update(device, "a", code).await.unwrap()
}

async fn installed(world: &World) -> Vec<(String, i64)> {
    let sql = "SELECT package_name, version_code FROM device_apps ORDER BY package_name";
    let rows = world.client().await.query(sql, &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test]
async fn a_device_is_offered_what_is_published_where_it_is() {
    let world = World::new().await;
    let id = world.group(&world.branch, "a").await;
    let (one, two) = (world.version(&world.branch, id, 1).await, world.version(&world.branch, id, 2).await);
    world.job("publish", one, 2, false).await;
    let upper = world.job("publish", two, 1, false).await;
    let twig = world.device("twig", Some(4), None).await;
    let sibling = world.device("sibling", Some(23), None).await;
    let nowhere = world.device("nowhere", None, None).await;

    let updates = check(&world, &twig, 0).await;
    assert_eq!((ids(&updates.offers), updates.utc_offset_minutes), (vec![two, one], 60));
    assert_eq!(updates.group.map(|group| group.id), Some(id));
    assert_eq!(ids(&check(&world, &twig, 1).await.offers), [two]);
    assert_eq!(ids(&check(&world, &twig, 2).await.offers), []);
    assert_eq!(ids(&check(&world, &sibling, 0).await.offers), [two], "the branch is not its own");
    let nothing = check(&world, &nowhere, 0).await;
    assert_eq!((nothing.group, nothing.offers), (None, vec![]));

    let sql = "UPDATE jobs SET state = 'cancelled', finished_at = now() WHERE id = $1";
    world.client().await.execute(sql, &[&upper]).await.unwrap();
    assert_eq!(ids(&check(&world, &twig, 0).await.offers), [one]);
    let unseen = check(&world, &sibling, 0).await;
    assert_eq!((unseen.group, unseen.offers), (None, vec![]), "nothing of another branch's group is shown");
    let known = check(&world, &twig, 1).await;
    assert_eq!((known.group.map(|group| group.id), known.offers), (Some(id), vec![]), "a group above shows itself");

    let unknown = world.service().check_group_update(&twig, "b", 0).await.unwrap();
    assert_eq!((unknown.group, unknown.offers), (None, vec![]));
}

#[tokio::test]
async fn the_force_is_that_of_a_distribution_that_reaches_the_device() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    let one = world.version(&world.root, id, 1).await;
    world.job("publish", one, 1, true).await;
    let twig = world.device("twig", Some(4), None).await;
    let is_forced = async || check(&world, &twig, 0).await.offers[0].forced;
    assert!(!is_forced().await, "a publication forces nothing");
    world.job("distribute", one, 1, false).await;
    world.job("distribute", one, 23, true).await;
    assert!(!is_forced().await, "nor do gentle distributions and those of others");
    world.job("distribute", one, 2, true).await;
    assert!(is_forced().await);
}

#[tokio::test]
async fn the_old_check_asks_by_package() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    let (one, two) = (world.version(&world.root, id, 1).await, world.version(&world.root, id, 2).await);
    for published in [one, two] {
        world.job("publish", published, 1, false).await;
    }
    let device = world.device("d", Some(4), None).await;
    let ask = async |query: PackageQuery<'_>| {
        let update = world.service().check_package_update(&device, &query).await.unwrap();
        assert_eq!(update.utc_offset_minutes, 60);
        update.offer.map(|offer| offer.version.id)
    };
    let query = PackageQuery { os: Os::Android, package: "p", label: None, installed_code: 0 };
    assert_eq!(ask(query).await, Some(two));
    assert_eq!(ask(PackageQuery { label: Some("BYOD"), ..query }).await, Some(two));
    assert_eq!(ask(PackageQuery { label: Some("BYO"), ..query }).await, None);
    assert_eq!(ask(PackageQuery { os: Os::Ios, ..query }).await, None);
    assert_eq!(ask(PackageQuery { package: "q", ..query }).await, None);
    assert_eq!(ask(PackageQuery { installed_code: 2, ..query }).await, None);
}

#[tokio::test]
async fn extended_terminals_get_the_program_of_their_system_that_was_uploaded_last() {
    let world = World::new().await;
    let mut made = Vec::new();
    for (code, os) in [("a", Os::Android), ("b", Os::Android), ("c", Os::Ios)] {
        let mut new = group(code);
        (new.terminal_class, new.os) = (drover_domain::TerminalClass::Extended, os);
        let id = world.service().create_client_group(&world.root, &new, &[version(1)]).await.unwrap();
        let of = world.version(&world.root, id, 2).await;
        world.job("publish", of, 1, false).await;
        made.push((id, of));
    }
    let direct = world.group(&world.root, "d").await;
    let direct_version = world.version(&world.root, direct, 9).await;
    world.job("publish", direct_version, 1, false).await;
    let device = world.device("d", Some(4), Some(Os::Android)).await;
    let unspoken = world.device("e", Some(4), None).await;

    let list = world.service().extended_clients(&device).await.unwrap();
    assert_eq!((list.group.map(|group| group.id), ids(&list.offers)), (Some(made[1].0), vec![made[1].1]));
    let none = world.service().extended_clients(&unspoken).await.unwrap();
    assert_eq!((none.group, none.offers), (None, vec![]), "of a device whose system nobody knows, nothing fits");

    let one = world.service().extended_client(&device, made[0].1).await.unwrap();
    assert_eq!((one.group.map(|group| group.id), ids(&one.offers)), (Some(made[0].0), vec![made[0].1]));
    for hidden in [made[2].1, direct_version, ClientVersionId(404)] {
        let unknown = world.service().extended_client(&device, hidden).await;
        assert!(matches!(unknown, Err(ServiceError::NotFound { .. })), "{hidden}");
    }
}

#[tokio::test]
async fn who_asks_says_what_it_runs() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    let device = world.device("d", Some(4), None).await;
    check(&world, &device, 1).await;
    assert_eq!(installed(&world).await, [], "a group without versions has no package");
    world.version(&world.root, id, 1).await;
    for nothing in [0, -1] {
        check(&world, &device, nothing).await;
    }
    assert_eq!(installed(&world).await, [], "it has none yet");
    check(&world, &device, 1).await;
    assert_eq!(installed(&world).await, [("p".to_owned(), 1)]);
    let query = PackageQuery { os: Os::Android, package: "p", label: None, installed_code: 2 };
    world.service().check_package_update(&device, &query).await.unwrap();
    assert_eq!(installed(&world).await, [("p".to_owned(), 2)]);
    world.service().check_package_update(&device, &PackageQuery { package: "invented", ..query }).await.unwrap();
    assert_eq!(installed(&world).await, [("p".to_owned(), 2)], "what we never bring is not ours to keep");
}

#[tokio::test]
async fn who_runs_what_a_command_was_to_bring_has_carried_it_out() {
    let world = World::new().await;
    let id = world.group(&world.root, "a").await;
    let one = world.version(&world.root, id, 1).await;
    let (group, package) = (world.device("d", Some(4), None).await, world.device("e", Some(4), None).await);
    let job = world.job("distribute", one, 1, false).await;
    let client = world.client().await;
    let insert = "INSERT INTO commands (job_id, device_id, state, prior_state, deadline_at)
        SELECT $1, id, 'sent', 'queued', now() + interval '1 h' FROM devices WHERE uuid IN ('d', 'e')";
    client.execute(insert, &[&job]).await.unwrap();
    check(&world, &group, 0).await;
    assert_eq!(world.inner.states(drover_domain::JobId(job)).await, [("sent".to_owned(), 2)]);
    check(&world, &group, 1).await;
    assert_eq!(
        world.inner.states(drover_domain::JobId(job)).await,
        [("sent".to_owned(), 1), ("succeeded".to_owned(), 1)]
    );
    let query = PackageQuery { os: Os::Android, package: "p", label: None, installed_code: 1 };
    world.service().check_package_update(&package, &query).await.unwrap();
    assert_eq!(world.inner.states(drover_domain::JobId(job)).await, [("succeeded".to_owned(), 2)]);
}

#[tokio::test]
async fn of_two_programs_with_one_package_and_number_the_later_upload_is_offered() {
    let world = World::new().await;
    let mut made = Vec::new();
    for code in ["a", "b"] {
        let id = world.group(&world.root, code).await;
        made.push(world.version(&world.root, id, 1).await);
        world.job("publish", made[made.len() - 1], 1, false).await;
    }
    let device = world.device("d", Some(4), None).await;
    let query = PackageQuery { os: Os::Android, package: "p", label: None, installed_code: 0 };
    for later in [made[0], made[1], made[0]] {
        let touch = "UPDATE client_versions SET updated_at = updated_at + interval '1 day' WHERE id = $1";
        world.client().await.execute(touch, &[&later.0]).await.unwrap();
        let update = world.service().check_package_update(&device, &query).await.unwrap();
        assert_eq!(update.offer.map(|offer| offer.version.id), Some(later));
        let reset = "UPDATE client_versions SET updated_at = '2020-01-01'";
        world.client().await.batch_execute(reset).await.unwrap();
    }
}

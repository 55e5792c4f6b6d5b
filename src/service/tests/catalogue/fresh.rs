//! What is remembered is right: processes see at once what others change, and the revision is raised by changes alone.

use std::sync::Arc;

use drover_service::{FileStore, SecretKey, Service, ServiceOptions};

use crate::{
    scene::ROOT,
    support::{Counter, FixedClock},
    town::{Town, agent, asking, named},
};

/// Another process on the same database.
fn other(town: &Town) -> Service {
    let entropy = Arc::new(Counter::default());
    let key = SecretKey::parse(&SecretKey::generate(entropy.as_ref())).unwrap();
    let files = FileStore::folder(town.world.files.path()).unwrap();
    Service::new(town.world.store.clone(), files, key, Arc::new(FixedClock), entropy, ServiceOptions::default())
}

#[tokio::test]
async fn what_one_process_withdraws_no_other_offers_any_more() {
    let town = Town::new().await;
    let other = other(&town);
    let program = town.program("agent", "").await;
    let (one, two) = (town.version(program, 1).await, town.version(program, 2).await);
    let there = async || named(&other.check_software(&town.caller(), &asking("east", &[])).await.unwrap());
    assert_eq!(there().await, []);
    town.publish(one, &["root"]).await;
    assert_eq!(there().await, agent(1));
    let publication = town.publish(two, &["root"]).await;
    assert_eq!(there().await, agent(2));
    let operator = town.operator(ROOT).await;
    town.world.service.cancel_publication(&operator, publication).await.unwrap();
    assert_eq!(there().await, agent(1));
    town.world.service.obsolete_version(&operator, one).await.unwrap();
    assert_eq!(there().await, []);
}

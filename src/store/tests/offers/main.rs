//! The statements that choose versions agree with the rule of `drover_domain::offer`, in random worlds on a real Postgres.
#![allow(clippy::unwrap_used)]

mod plans;
mod world;

use drover_domain::{ClientGroupId, ClientVersionId, Os, TerminalClass, offer, offer::PackageQuery};
use drover_store::{
    Tx,
    clients::offers::{self, Offer},
};
use drover_testkit::TestPostgres;
use proptest::test_runner::{Config, TestRunner};

use world::{Case, store};

#[test]
fn the_statements_choose_as_the_rule_does() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (store, _database) = runtime.block_on(async {
        let database = TestPostgres::database().await;
        (store(&database.url).await, database)
    });
    let mut runner = TestRunner::new(Config { cases: 200, failure_persistence: None, ..Config::default() });
    runner
        .run(&world::case(), |case| {
            runtime.block_on(async {
                let mut client = store.client().await.unwrap();
                let tx = client.transaction().await.unwrap();
                agree(&tx, &case).await;
            });
            Ok(())
        })
        .unwrap();
}

fn ids(offers: &[Offer]) -> Vec<ClientVersionId> {
    offers.iter().map(|offer| offer.version.id).collect()
}

/// Compares every answer with the rule's. The transaction is never committed.
async fn agree(tx: &Tx<'_>, case: &Case) {
    let device = case.fill(tx).await;
    let (candidates, asker) = (case.candidates(), case.asker());
    let asking = offers::asking_device(tx, device).await.unwrap().unwrap();
    assert_eq!(asking.organisation, asker.organisation);
    for group in [1, 2, 3].map(ClientGroupId) {
        let expected: Vec<_> = offer::of_group(&candidates, &asker, group, case.installed_code)
            .iter()
            .map(|candidate| candidate.version)
            .collect();
        let offered = offers::of_group(tx, &asking, group, case.installed_code).await.unwrap();
        assert_eq!(ids(&offered), expected, "group {group}");
        for offer in offered {
            assert_eq!(offer.forced, case.is_forced(offer.version.id), "version {}", offer.version.id);
        }
    }
    for (os, package, label) in [
        (Os::Android, "a", None),
        (Os::Android, "a", Some("COPE")),
        (Os::Android, "b", Some("BYOD")),
        (Os::Ios, "b", None),
        (Os::Windows, "a", None),
    ] {
        let query = PackageQuery { os, package, label, installed_code: case.installed_code };
        let expected = offer::of_package(&candidates, &asker, &query).map(|candidate| candidate.version);
        let offered = offers::of_package(tx, &asking, &query).await.unwrap();
        assert_eq!(offered.map(|offer| offer.version.id), expected, "{query:?}");
    }
    let expected = case.device_os.and_then(|os| offer::extended_group(&candidates, &asker, os));
    assert_eq!(offers::extended_group(tx, &asking).await.unwrap(), expected);
    for candidate in &candidates {
        let listed = offer::of_group(&candidates, &asker, candidate.group, 0).contains(&candidate);
        let fits = candidate.terminal_class == TerminalClass::Extended && Some(candidate.os) == case.device_os;
        let offered = offers::extended_version(tx, &asking, candidate.version).await.unwrap();
        assert_eq!(offered.map(|offer| offer.version.id), (listed && fits).then_some(candidate.version));
    }
}

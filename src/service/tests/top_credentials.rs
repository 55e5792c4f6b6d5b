//! Applications of the TOP gateway: what they may do, for how long that is believed, and what strangers can and cannot do.
#![allow(clippy::unwrap_used)]

mod support;

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use drover_service::{CredentialKind, IssuedCredential, ServiceError, ServiceOptions, TopCredential, TopTerms};
use drover_testkit::wait_until;
use futures_util::future::join_all;
use support::World;

/// Longer than any test, and no time at all.
const FOR_EVER: Duration = Duration::from_hours(1);
const NEVER: Duration = Duration::ZERO;

async fn world(top_credential_cache: Duration) -> (World, IssuedCredential) {
    let top_calls_per_s = NonZeroU32::new(50).unwrap();
    let world =
        World::with(ServiceOptions { top_credential_cache, top_calls_per_s, ..ServiceOptions::default() }).await;
    let issued = world.service.add_top_credential("acme", TopTerms::default()).await.unwrap();
    (world, issued)
}

async fn known(world: &World, key: &str) -> Option<Arc<TopCredential>> {
    world.service.top_credential(key).await.unwrap()
}

async fn set(world: &World, what: &str) {
    let sql = format!("UPDATE credentials SET {what} WHERE kind = 'top'");
    world.client().await.batch_execute(&sql).await.unwrap();
}

/// Reads the look-up's result as one word.
fn word(result: &Result<Option<Arc<TopCredential>>, ServiceError>) -> &'static str {
    match result {
        Ok(Some(_)) => "known",
        Ok(None) => "unknown",
        Err(error) if error.is_unavailable() => "unavailable",
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn a_key_has_what_it_was_made_with_and_else_what_is_configured() {
    let (world, plain) = world(NEVER).await;
    let found = known(&world, &plain.key_id).await.unwrap();
    assert_eq!((found.allows_md5, found.calls_per_s.get()), (false, 50));
    assert_eq!((found.caller.tenant, found.caller.app_key.as_str()), (world.caller.tenant, plain.key_id.as_str()));
    assert_eq!(found.secret.expose(), plain.secret.expose());

    let terms = TopTerms { allows_md5: true, calls_per_s: NonZeroU32::new(7) };
    let special = world.service.add_top_credential("acme", terms).await.unwrap();
    let found = known(&world, &special.key_id).await.unwrap();
    assert_eq!((found.allows_md5, found.calls_per_s.get()), (true, 7));

    let terms = TopTerms { calls_per_s: NonZeroU32::new(1_000_001), ..terms };
    let refused = world.service.add_top_credential("acme", terms).await;
    assert!(matches!(refused, Err(ServiceError::Invalid { field: "calls_per_s", .. })));
}

#[tokio::test]
async fn a_key_of_another_kind_is_no_key_here() {
    let (world, top) = world(NEVER).await;
    let aep = world.service.add_credential("acme", CredentialKind::Aep, None).await.unwrap();
    for key in [&aep.key_id, "", "nobody", "0 OR 1=1", "键", &"a".repeat(65), &top.key_id[1..]] {
        assert!(known(&world, key).await.is_none(), "{key:?}");
    }
    assert!(world.service.app_credential(&top.key_id).await.unwrap().is_none());
}

#[tokio::test]
async fn what_the_database_said_is_believed_for_a_while_and_no_longer() {
    let (world, top) = world(Duration::from_secs(1)).await;
    assert!(!known(&world, &top.key_id).await.unwrap().allows_md5);
    set(&world, "allows_md5 = true, calls_per_s = 3").await;
    wait_until(Duration::from_secs(10), "the change to be seen", async || {
        let found = known(&world, &top.key_id).await.unwrap();
        (found.allows_md5, found.calls_per_s.get()) == (true, 3)
    })
    .await;
    // As another process does it, which this one is not told of.
    set(&world, "revoked_at = now()").await;
    wait_until(Duration::from_secs(10), "the revocation to be seen", async || {
        known(&world, &top.key_id).await.is_none()
    })
    .await;
}

#[tokio::test]
async fn memory_answers_without_a_database() {
    let (world, top) = world(FOR_EVER).await;
    assert!(known(&world, &top.key_id).await.is_some() && known(&world, "nobody").await.is_none());
    set(&world, "revoked_at = now()").await;
    world.store.close();
    assert!(known(&world, &top.key_id).await.is_some() && known(&world, "nobody").await.is_none());
    assert_eq!(
        word(&world.service.top_credential("somebody").await),
        "unavailable",
        "what is not known is not invented"
    );
}

#[tokio::test]
async fn who_revokes_is_believed_at_once() {
    let (world, top) = world(FOR_EVER).await;
    let aep = world.service.add_credential("acme", CredentialKind::Aep, None).await.unwrap();
    assert!(known(&world, &top.key_id).await.is_some());
    for _ in 0..2 {
        world.service.revoke_credential(CredentialKind::Top, &top.key_id).await.unwrap();
        assert!(known(&world, &top.key_id).await.is_none());
    }
    world.service.revoke_credential(CredentialKind::Aep, &aep.key_id).await.unwrap();
    assert!(world.service.app_credential(&aep.key_id).await.unwrap().is_none());
    for (kind, key) in [(CredentialKind::Aep, top.key_id.as_str()), (CredentialKind::Top, "nobody")] {
        let unknown = world.service.revoke_credential(kind, key).await;
        assert!(matches!(unknown, Err(ServiceError::NotFound { .. })), "{key}");
    }
}

#[tokio::test]
async fn invented_keys_cost_a_bounded_number_of_look_ups_and_hinder_nobody_who_was_here() {
    let (world, top) = world(NEVER).await;
    let late = world.service.add_top_credential("acme", TopTerms::default()).await.unwrap();
    assert!(known(&world, &top.key_id).await.is_some());
    let keys: Vec<String> = (0..5000).map(|n| format!("stranger{n}")).collect();
    let answers = join_all(keys.iter().map(|key| world.service.top_credential(key))).await;
    let words: Vec<&str> = answers.iter().map(word).collect();
    assert!(words.contains(&"unavailable") && words.contains(&"unknown") && !words.contains(&"known"));
    assert!(known(&world, &top.key_id).await.is_some(), "it was here before");
    // Whom this process has never seen is told to come again, never that its key is wrong.
    wait_until(Duration::from_secs(10), "the other application to be let in", async || {
        let found = world.service.top_credential(&late.key_id).await;
        assert_ne!(word(&found), "unknown");
        word(&found) == "known"
    })
    .await;
}

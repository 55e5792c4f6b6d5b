//! A signed call is answered once, unless it was not answered at all.

use std::{num::NonZeroU32, time::Duration};

use drover_ingress::Limits;
use drover_testkit::wait_until;

use crate::world::{World, encoded, form, get, parameters};

fn replayed() -> (i64, String) {
    (25, "isv.invalid-signature".into())
}

#[tokio::test]
async fn the_same_call_is_refused_however_it_is_written() {
    let world = World::new().await;
    let mut call = world.check(&[]);
    world.post(&call).await.response();
    assert_eq!(world.post(&call).await.error(), replayed());
    assert_eq!(world.send(get(&call)).await.error(), replayed());
    let sign = call["sign"].to_lowercase();
    call.insert("sign".into(), sign);
    call.insert("partner_id".into(), String::new());
    let answer = world.send(form(&encoded(&parameters(&[("v", "1.0")])), &call)).await;
    assert_eq!(answer.error(), replayed());
    assert!(answer.json()["error_response"]["sub_msg"].as_str().unwrap().contains("was made before"));
    world.post(&world.check(&[])).await.response();
}

#[tokio::test]
async fn a_call_that_was_refused_is_answered_too() {
    let world = World::new().await;
    let call = world.check(&[("device_id", "")]);
    assert_eq!(world.post(&call).await.error().0, 40);
    assert_eq!(world.post(&call).await.error(), replayed());
    let mut forged = world.check(&[]);
    let sign = forged.insert("sign".into(), "00".repeat(32)).unwrap();
    assert_eq!(world.post(&forged).await.error(), replayed(), "wrong");
    forged.insert("sign".into(), sign);
    world.post(&forged).await.response();
}

#[tokio::test]
async fn a_call_that_failed_for_our_reasons_may_come_again() {
    let world = World::new().await;
    let call = world.check(&[]);
    let client = world.client().await;
    client.batch_execute("ALTER TABLE catalogue_revisions RENAME TO gone").await.unwrap();
    for _ in 0..2 {
        let answer = world.post(&call).await;
        assert_eq!(answer.error(), (15, "isp.top-remote-unknown-error".into()));
        assert_eq!(answer.json()["error_response"]["sub_msg"], "the server failed", "no more than that");
    }
    client.batch_execute("ALTER TABLE gone RENAME TO catalogue_revisions").await.unwrap();
    world.post(&call).await.response();
    assert_eq!(world.post(&call).await.error(), replayed());
}

#[tokio::test]
async fn a_call_that_took_too_long_is_told_so_in_its_own_format_and_may_come_again() {
    let limits = Limits { request_timeout: Duration::from_secs(2), ..Limits::default() };
    let world = World::with(limits).await;
    world.post(&world.check(&[])).await.response();
    let call = world.check(&[]);
    let client = world.client().await;
    client.batch_execute("BEGIN; LOCK TABLE catalogue_revisions").await.unwrap();
    let answer = world.post(&call).await;
    assert_eq!(answer.json()["error_response"]["sub_code"], "isp.top-remote-connection-timeout");
    assert_eq!(answer.error().0, 15);
    client.batch_execute("ROLLBACK").await.unwrap();
    world.post(&call).await.response();
    assert_eq!(world.post(&call).await.error(), replayed());
}

#[tokio::test]
async fn a_call_that_was_limited_may_come_again() {
    let world = World::new().await;
    let app = world.another(false, Some(NonZeroU32::MIN)).await;
    let limited = (7, "accesscontrol.limited-by-api-access-count".to_owned());
    // Calls until one is too many; they may be slow.
    let mut call = app.signed(world.good(&app));
    let mut last = world.post(&call).await;
    for _ in 0..100 {
        if last.json()["error_response"].is_object() {
            break;
        }
        call = app.signed(world.good(&app));
        last = world.post(&call).await;
    }
    assert_eq!(last.error(), limited);
    let patience = Duration::from_secs(30);
    wait_until(patience, "the limit to recover", async || world.post(&call).await.json()["error_response"].is_null())
        .await;
    wait_until(patience, "the call to be known", async || world.post(&call).await.error() == replayed()).await;
}

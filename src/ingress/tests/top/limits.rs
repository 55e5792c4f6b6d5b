//! How often an application may call, and how much may be sent at once.

use std::{num::NonZeroU32, time::Duration};

use drover_ingress::Limits;

use crate::world::World;

#[tokio::test]
async fn only_signed_calls_use_up_the_limit_of_their_own_application() {
    let world = World::new().await;
    let app = world.another(false, NonZeroU32::new(3)).await;
    // Strangers who know the key.
    for _ in 0..50 {
        let mut forged = app.signed(world.good(&app));
        forged.insert("sign".into(), "00".repeat(32));
        assert_eq!(world.post(&forged).await.error().0, 25);
    }
    // Who saw a call.
    let seen = app.signed(world.good(&app));
    world.post(&seen).await.response();
    for _ in 0..50 {
        assert_eq!(world.post(&seen).await.error().0, 25);
    }
    // Itself, with many more at once than it may in the time that this takes.
    let calls = (0..200).map(|_| async { world.post(&app.signed(world.good(&app))).await });
    let answers = futures_util::future::join_all(calls).await;
    let limited = answers.iter().filter(|answer| answer.json()["error_response"]["code"] == 7).count();
    let answered = answers.iter().filter(|answer| answer.json()["error_response"].is_null()).count();
    assert_eq!(limited + answered, 200);
    assert!(limited > 0 && answered > 0, "{limited} limited, {answered} answered");
    world.post(&world.check(&[])).await.response();
}

#[tokio::test]
async fn what_was_sent_has_its_room_until_it_is_answered() {
    let request_timeout = Duration::from_secs(4);
    let world = World::with(Limits { body_budget_bytes: 100 << 10, request_timeout, ..Limits::default() }).await;
    let attributes = format!(r#"{{"aaa": "{}"}}"#, "x".repeat(80 << 10));
    let calls = [(); 2].map(|()| world.check(&[("attributes", &attributes)]));
    let client = world.client().await;
    client.batch_execute("BEGIN; LOCK TABLE catalogue_revisions").await.unwrap();
    let (one, other) = tokio::join!(world.post(&calls[0]), world.post(&calls[1]));
    let mut sub_codes = [one.error().1, other.error().1];
    sub_codes.sort();
    // The one found no room, and the other had it for as long as it took.
    assert_eq!(sub_codes, ["isp.top-remote-connection-timeout", "isp.top-remote-service-unavailable"]);
    client.batch_execute("COMMIT").await.unwrap();
    for call in &calls {
        world.post(call).await.response();
    }
}

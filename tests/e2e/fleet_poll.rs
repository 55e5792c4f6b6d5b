//! The simulated fleet over HTTP: every device asks for its commands, and some are cut off while they ask or answer.

use std::fs;

use drover_domain::ChannelKind;
use drover_testkit::{TestPostgres, wait_until};

use crate::{
    fleet::{ATTEMPT_TIMEOUT_S, CUT_OFF, ISSUE, assert_cut_off, cut_off_outcomes, end, listening, states},
    support::{Campaign, PATIENCE, Plan, Setup},
};

#[tokio::test]
async fn devices_that_are_cut_off_again_and_again_come_to_the_same_outcomes() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    let mut drover = setup.start(&["up"]).await;
    let (channel, attempt_timeout_s) = (ChannelKind::Poll, Some(ATTEMPT_TIMEOUT_S));
    let plan = Plan { devices: 100, channel, attempt_timeout_s, ..Plan::default() };
    let campaign = Campaign::prepare_with(&setup, &database.url, plan).await;
    let tokens = setup.ok(&ISSUE);
    let file = setup.data.path().join("tokens.csv");
    fs::write(&file, &tokens).unwrap();

    let mut args =
        vec!["simulate", "--over", "poll", "--http-url", &drover.base_url, "--tokens", file.to_str().unwrap()];
    args.extend(CUT_OFF.split_whitespace());
    let mut fleet = setup.spawn_plain(&args);
    listening(&mut fleet).await;
    campaign.start().await;
    let client = database.client().await;
    wait_until(PATIENCE, "every command to end as it should", async || states(&client).await == cut_off_outcomes())
        .await;
    assert_cut_off(&end(fleet).await, &tokens);
    assert!(drover.terminate().await, "{}", drover.log());
    assert!(setup.ok(&["check"]).starts_with("clean: 1 jobs, 100 devices = 100 terminal + 0 open"));
}

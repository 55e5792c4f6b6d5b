//! What the tests of the simulated fleet's own connections share.

use std::collections::BTreeMap;

use drover_testkit::wait_until;
use nix::sys::signal::Signal;
use tokio_postgres::Client;

use crate::support::{Drover, PATIENCE};

/// More than the slowest device takes, with all of its breaks, on a busy machine.
pub(crate) const ATTEMPT_TIMEOUT_S: i32 = 30;
/// The command that makes tokens.
pub(crate) const ISSUE: [&str; 6] = ["credential", "devices", "--tenant", "acme", "--product", "meter"];
/// A hundred devices, half of which are cut off again and again.
pub(crate) const CUT_OFF: &str = "--devices 100 --failure-rate 0.1 --silence-rate 0.05 --drop-rate 0.5 \
    --download-sample 0 --latency-min-ms 3000 --latency-max-ms 9000";

/// What comes of their commands, all the same.
pub(crate) fn cut_off_outcomes() -> BTreeMap<String, i64> {
    [("failed", 10), ("succeeded", 85), ("timed_out", 5)].map(|(state, count)| (state.to_owned(), count)).into()
}

/// Checks what they said of themselves.
pub(crate) fn assert_cut_off(log: &str, tokens: &str) {
    assert!(said(log, "broken") > 20, "devices were cut off:\n{log}");
    assert!(said(log, "opened") > 120, "and came back:\n{log}");
    assert_eq!((said(log, "refused"), said(log, "failures"), said(log, "received")), (0, 0, 100), "{log}");
    for (_, token) in tokens.lines().filter_map(|line| line.split_once(',')) {
        assert!(!log.contains(token), "a token is in the log");
    }
}

/// What the fleet says of itself at its end: the last number of that name.
pub(crate) fn said(log: &str, name: &str) -> u64 {
    let digits = log.rsplit_once(&format!(" {name}: ")).and_then(|(_, rest)| rest.split(',').next());
    digits.and_then(|digits| digits.parse().ok()).unwrap_or_else(|| panic!("{name} in\n{log}"))
}

/// Commands by their state.
pub(crate) async fn states(client: &Client) -> BTreeMap<String, i64> {
    let rows = client.query("SELECT state, count(*) FROM commands GROUP BY state", &[]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Waits until all devices have logged in.
pub(crate) async fn listening(fleet: &mut Drover) {
    wait_until(PATIENCE, "the fleet to listen", async || {
        assert!(fleet.child.try_wait().unwrap().is_none(), "the fleet ended early:\n{}", fleet.log());
        fleet.log().contains("simulated devices listen")
    })
    .await;
}

/// Ends a fleet, and returns what it said.
pub(crate) async fn end(mut fleet: Drover) -> String {
    fleet.child.signal(Signal::SIGTERM).unwrap();
    wait_until(PATIENCE, "the fleet to end", async || fleet.child.try_wait().unwrap().is_some()).await;
    fleet.log()
}

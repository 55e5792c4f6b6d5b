//! Runs the rows of a world, round after round.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use rand::{SeedableRng, rngs::StdRng};
use tokio::time::{Instant, timeout};

use crate::{
    campaign::devices,
    driver::Driver,
    matrix::{Group, Row},
    plan::Plan,
    scene::Scene,
    table::Table,
    world::{MAIN, World},
};

/// How long a device may take in a short run.
const ATTEMPT_TIMEOUT_S: u32 = 20;
/// A world sees so many rounds.
const ROUNDS_OF_A_WORLD: u32 = 30;
/// A round that takes longer hangs.
const ROUND_LIMIT: Duration = Duration::from_mins(4);
/// The same where faults last for minutes.
const LONG_ROUND_LIMIT: Duration = Duration::from_mins(12);

/// Runs every row of one world. The error says what failed, and how to see it again.
pub(crate) fn run(plan: &Plan, group: &Group, table: &Table) -> Result<(), String> {
    let wanted: Vec<&Row> = group.rows.iter().filter(|row| row.name().contains(&plan.fault)).collect();
    if wanted.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    runtime.map_err(|error| error.to_string())?.block_on(async {
        let (mut world, mut played, mut failures) = (None, 0, Vec::new());
        let attempt_timeout_s = if plan.is_long { group.long_attempt_timeout_s } else { ATTEMPT_TIMEOUT_S };
        for row in wanted {
            for round in 1..=plan.rounds {
                // The oracle looks at every job there is: an old world costs more than a new one.
                let mut present = match world.take().filter(|_| played % ROUNDS_OF_A_WORLD != 0) {
                    Some(world) => world,
                    None => World::new(attempt_timeout_s).await,
                };
                played += 1;
                match play(plan, row, round, &mut present).await {
                    Ok(recovery) => {
                        eprintln!("{} round {round}: well again after {:.1} s", row.name(), recovery.as_secs_f64());
                        table.note(row, Some(recovery));
                        world = Some(present);
                    }
                    // What failed may have left anything behind: the next row gets a new world.
                    Err(failure) => {
                        table.note(row, None);
                        failures.push(format!("{failure}\n{}", present.last_words()));
                        break;
                    }
                }
            }
        }
        if failures.is_empty() { Ok(()) } else { Err(failures.join("\n\n")) }
    })
}

/// Plays one round. A panic in it is its failure.
async fn play(plan: &Plan, row: &Row, round: u32, world: &mut World) -> Result<Duration, String> {
    let limit = if plan.is_long { LONG_ROUND_LIMIT } else { ROUND_LIMIT };
    let seed = plan.seed_of(&row.name(), round);
    let played = AssertUnwindSafe(timeout(limit, one_round(row, seed, plan.is_long, world))).catch_unwind().await;
    let problem = match played {
        Ok(Ok(recovery)) => return Ok(recovery),
        Ok(Err(_)) => format!("the round took longer than {limit:?}"),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("a panic without words").to_owned()
        }
    };
    let (name, seed, rounds) = (row.name(), plan.seed, plan.rounds);
    Err(format!(
        "SEED={seed} ROUND={round} FAULT=\"{name}\": {problem}\nagain: make faults ROUNDS={rounds} SEED={seed} FAULT=\"{name}\""
    ))
}

async fn one_round(row: &Row, seed: u64, is_long: bool, world: &mut World) -> Duration {
    let first = world.next_job().await;
    let driver = Driver::start(world, is_long);
    let job = world.job(&devices("sim-", 1, MAIN)).await;
    world.start_job(job).await;
    let random = StdRng::seed_from_u64(seed);
    let mut scene = Scene { world, random, role: row.role, job, driver: &driver, is_long };
    (row.inject)(&mut scene).await;
    let ended = Instant::now();
    let ledger = driver.finish().await;
    let recovery = world.recover(ended).await;
    world.hold(row, &ledger, first).await;
    recovery
}

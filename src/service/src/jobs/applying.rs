//! What devices say moves their commands.

use drover_domain::{Change, CommandState};
use drover_store::{
    StoreError, Tx,
    commands::{self, Devices, Happening, Moved},
    tallies::Tally,
    timers,
};

/// Applies what devices of one job said, and sets the timers of deadlines that come nearer by it.
pub(crate) async fn apply(tx: &Tx<'_>, what: &Happening<'_>, tally: &mut Tally) -> Result<Vec<Moved>, StoreError> {
    let moved = commands::apply(tx, what, tally).await?;
    // From the deadline of the attempt to the end of the pause, or from that of the cancel, or of a pause, to that of the
    // attempt that goes on.
    let devices_that = |is: fn(&&Moved) -> bool| moved.iter().filter(is).map(|m| m.command.device.0).collect();
    let paused = Devices::List(devices_that(|m| m.change == Change::NextAttempt));
    timers::insert(tx, what.job, &paused, what.retry_after).await?;
    let resumed = Devices::List(devices_that(|m| {
        matches!(m.from, CommandState::Cancelling | CommandState::Queued)
            && m.change != Change::NextAttempt
            && !m.to.is_terminal()
    }));
    timers::insert(tx, what.job, &resumed, what.attempt_timeout).await?;
    Ok(moved)
}

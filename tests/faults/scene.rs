//! What a fault is given: the world in the middle of its work, and chance.

use std::time::Duration;

use drover_testkit::wait_until;
use drover_workers::Role;
use rand::{RngExt, rngs::StdRng};
use tokio::time::sleep;

use crate::{driver::Driver, support::PATIENCE, world::World};

/// A round of a row, under way.
pub(crate) struct Scene<'a> {
    pub(crate) world: &'a mut World,
    pub(crate) random: StdRng,
    /// The row's role, when it hits one.
    pub(crate) role: Option<Role>,
    /// The campaign that is under way.
    pub(crate) job: i64,
    pub(crate) driver: &'a Driver,
    /// Whether faults last as long as real ones.
    pub(crate) is_long: bool,
}

impl Scene<'_> {
    /// The role that the row hits.
    pub(crate) fn role(&self) -> Role {
        self.role.unwrap()
    }

    /// Waits for a moment in the middle of the campaign that chance decides, for the role that is hit: some part of the
    /// commands has come to it, and some has not.
    pub(crate) async fn middle(&mut self) {
        let wanted = self.random.random_range(20..=150_i64);
        let done = match self.role {
            Some(Role::Plan) => "state <> 'planned'",
            Some(Role::Ingest) => "finished_at IS NOT NULL",
            _ => "state NOT IN ('planned', 'queued')",
        };
        let sql = format!("SELECT count(*) FROM commands WHERE job_id = $1 AND {done}");
        let reached = async || self.world.rows.count(&sql, &[&self.job]).await >= wanted;
        wait_until(PATIENCE, "the middle of the campaign", reached).await;
        let open = "SELECT count(*) FROM commands WHERE job_id = $1 AND finished_at IS NULL";
        assert!(self.world.rows.count(open, &[&self.job]).await > 0, "the fault came too late to prove anything");
    }

    /// Lets the fault last: about this long in a short run; in a long one anything from that to this long, seconds as
    /// likely as minutes.
    pub(crate) async fn last(&mut self, short: Duration, long: Duration) {
        let chance = self.random.random_range(0.0..=1.0_f64);
        let lasts = if self.is_long {
            short.mul_f64((long.as_secs_f64() / short.as_secs_f64()).powf(chance))
        } else {
            short.mul_f64(0.5 + chance)
        };
        // What is waited for is the fault itself.
        sleep(lasts).await;
    }
}

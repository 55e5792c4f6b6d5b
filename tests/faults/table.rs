//! The matrix as a table, in Markdown.

use std::{collections::HashMap, fmt, sync::Mutex, time::Duration};

use crate::matrix::{self, Row};

/// What came of a row's rounds.
#[derive(Debug, Clone, Default)]
struct Score {
    rounds: u32,
    failed: u32,
    slowest: Duration,
}

/// What came of each row.
#[derive(Debug, Default)]
pub(crate) struct Table(Mutex<HashMap<String, Score>>);

impl Table {
    /// Notes a round: how long it took to be well again, or that it failed.
    pub(crate) fn note(&self, row: &Row, recovery: Option<Duration>) {
        let mut scores = self.0.lock().unwrap();
        let score = scores.entry(row.name()).or_default();
        score.rounds += 1;
        match recovery {
            Some(recovery) => score.slowest = score.slowest.max(recovery),
            None => score.failed += 1,
        }
    }

    fn score_of(&self, row: &Row) -> String {
        let Score { rounds, failed, slowest } = self.0.lock().unwrap().get(&row.name()).cloned().unwrap_or_default();
        match (rounds, failed) {
            (0, _) => "0 | not run | ".to_owned(),
            (_, 0) => format!("{rounds} | held | {:.1} s", slowest.as_secs_f64()),
            _ => format!("{rounds} | {failed} FAILED | {:.1} s", slowest.as_secs_f64()),
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| Fault | Role | Promised | Not promised | Rounds | Result | Slowest recovery |")?;
        writeln!(f, "|---|---|---|---|---|---|---|")?;
        for row in matrix::groups().iter().flat_map(|group| &group.rows) {
            let Row { fault, promises, promises_not, .. } = row;
            writeln!(f, "| {fault} | {} | {promises} | {promises_not} | {} |", row.target(), self.score_of(row))?;
        }
        Ok(())
    }
}

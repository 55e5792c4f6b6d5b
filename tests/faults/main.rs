//! The fault harness: every role a process of its own, a private broker and database, and something that breaks in the
//! middle of the work. After each fault the same must hold as without it; see `invariants`. `docs/reliability.md` says
//! what each row promises.
//!
//! `make test` runs one round of each row, `make faults ROUNDS=n SEED=s` long ones and prints the matrix as a table.
//! `make faults FAULT=words` picks the rows whose names contain them.
// The matrix is printed, that is what it is for.
#![allow(clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod campaign;
mod crowd;
mod driver;
mod invariants;
mod ledger;
mod matrix;
mod member;
mod plan;
mod rows;
mod runner;
mod scene;
mod table;
mod world;

mod faults;

// The end-to-end tests use the rest of these.
#[allow(dead_code, unused_imports)]
#[path = "../e2e/support/mod.rs"]
mod support;
#[allow(dead_code)]
#[path = "../e2e/vendor.rs"]
mod vendor;

use std::{process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Trial};

use crate::{plan::Plan, table::Table};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // A world takes the whole machine.
    arguments.test_threads = Some(1);
    let plan = Arc::new(Plan::from_environment());
    let table = Arc::new(Table::default());
    let is_wanted = |row: &matrix::Row| row.name().contains(&plan.fault);
    assert!(matrix::groups().iter().flat_map(|group| &group.rows).any(is_wanted), "no row is called {}", plan.fault);
    let trials = matrix::groups().into_iter().map(|group| {
        let (plan, table) = (Arc::clone(&plan), Arc::clone(&table));
        // The name begins with the word by which nextest tells what needs the machine for itself.
        let name = format!("faults::{}", group.name);
        Trial::test(name, move || runner::run(&plan, &group, &table).map_err(Into::into))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    if plan.is_long {
        println!("Seed {}, rounds of each row: {}.\n\n{table}", plan.seed, plan.rounds);
    }
    conclusion.exit_code()
}

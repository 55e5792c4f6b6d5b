//! What people see: lines on standard output, and a bar on a terminal.

use std::{io::Write, time::Duration};

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use super::course::Glance;

/// How often a bar without a terminal prints a line.
const LINE_EVERY: Duration = Duration::from_secs(1);
const TEMPLATE: &str = "{bar:24.green/black.bright} {pos:>6}/{len} {percent:>3} %  {wide_msg}";

/// Where people look.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Console {
    interactive: bool,
}

impl Console {
    pub(crate) const fn new(interactive: bool) -> Self {
        Self { interactive }
    }

    /// A line on standard output. Nobody has to be there to read it.
    #[allow(clippy::unused_self)] // the console is what speaks
    pub(crate) fn say(self, text: &str) {
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }

    /// A line on standard error, beside the result.
    #[allow(clippy::unused_self)] // the console is what speaks
    pub(crate) fn note(self, text: &str) {
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }

    /// A bar for so many devices: drawn on a terminal, else a line now and then.
    pub(super) fn bar(self, devices: usize) -> Bar {
        if !self.interactive {
            return Bar::Lines { console: self, devices, next: Instant::now() };
        }
        let bar = ProgressBar::new(devices as u64);
        // The template is constant; if it were wrong, the plain bar does.
        bar.set_style(ProgressStyle::with_template(TEMPLATE).unwrap_or_else(|_| ProgressStyle::default_bar()));
        Bar::Live(bar)
    }
}

/// A bar that grows.
pub(super) enum Bar {
    /// On a terminal.
    Live(ProgressBar),
    /// In a log.
    Lines { console: Console, devices: usize, next: Instant },
}

impl Bar {
    pub(super) fn show(&mut self, glance: &Glance) {
        match self {
            Self::Live(bar) => {
                bar.set_position(glance.ended);
                bar.set_message(message(glance));
            }
            Self::Lines { console, devices, next } => {
                let is_last = glance.ended >= *devices as u64;
                if is_last || Instant::now() >= *next {
                    console.say(&format!("{:>6}/{devices}  {}", glance.ended, message(glance)));
                    *next = Instant::now() + LINE_EVERY;
                }
            }
        }
    }

    /// Leaves the bar where it is.
    pub(super) fn finish(&self) {
        if let Self::Live(bar) = self {
            bar.abandon();
        }
    }
}

fn message(glance: &Glance) -> String {
    let Glance { under_way, succeeded, unsuccessful, per_s, elapsed, .. } = glance;
    format!(
        "under way {under_way}, succeeded {succeeded}, not {unsuccessful}, {per_s:.0} devices/s, {:.1} s",
        elapsed.as_secs_f64()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_glance_fits_a_line() {
        let elapsed = Duration::from_millis(2500);
        let glance = Glance { under_way: 40, ended: 60, succeeded: 55, unsuccessful: 5, per_s: 24.0, elapsed };
        assert_eq!(message(&glance), "under way 40, succeeded 55, not 5, 24 devices/s, 2.5 s");
    }
}

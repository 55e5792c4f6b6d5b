//! How many commands stand where.

use crate::CommandState;

/// Commands by state: of a job, of a tenant. What an operator looks at.
///
/// Everything that is shown of a job's course is made of these: [`waiting`](Self::waiting), [`under_way`](Self::under_way),
/// [`succeeded`](Self::succeeded) and [`failed`](Self::failed) leave nothing out and count nothing twice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StateCounts([i64; CommandState::ALL.len()]);

impl StateCounts {
    /// Commands in this state.
    pub const fn of(&self, state: CommandState) -> i64 {
        self.0[state as usize]
    }

    /// Adds `count` commands in `state`; a negative number takes them away.
    pub const fn add(&mut self, state: CommandState, count: i64) {
        self.0[state as usize] += count;
    }

    /// Adds the commands of others.
    pub fn add_all(&mut self, others: &Self) {
        for (state, count) in others.iter() {
            self.add(state, count);
        }
    }

    /// Every state, in the order in which commands go through them, with its commands.
    pub fn iter(&self) -> impl Iterator<Item = (CommandState, i64)> + '_ {
        CommandState::ALL.into_iter().map(|state| (state, self.of(state)))
    }

    /// All commands.
    pub fn total(&self) -> i64 {
        self.0.iter().sum()
    }

    /// Commands that have not ended.
    pub fn open(&self) -> i64 {
        self.matching(|state| !state.is_terminal())
    }

    /// Commands that no channel has taken yet: written down, released, or in the pause before another attempt.
    pub const fn waiting(&self) -> i64 {
        self.of(CommandState::Planned) + self.of(CommandState::Queued)
    }

    /// Commands whose present attempt is with their device.
    pub fn under_way(&self) -> i64 {
        self.matching(CommandState::is_handed_over)
    }

    /// Commands that did what they were for.
    pub const fn succeeded(&self) -> i64 {
        self.of(CommandState::Succeeded)
    }

    /// Commands that ended otherwise: failed, timed out, rejected, cancelled, superseded.
    pub fn failed(&self) -> i64 {
        self.ended() - self.succeeded()
    }

    /// Commands that have ended.
    pub fn ended(&self) -> i64 {
        self.matching(CommandState::is_terminal)
    }

    fn matching(&self, matches: impl Fn(CommandState) -> bool) -> i64 {
        self.iter().filter(|(state, _)| matches(*state)).map(|(_, count)| count).sum()
    }
}

impl FromIterator<(CommandState, i64)> for StateCounts {
    fn from_iter<I: IntoIterator<Item = (CommandState, i64)>>(counted: I) -> Self {
        let mut counts = Self::default();
        for (state, count) in counted {
            counts.add(state, count);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_state_is_its_own_place_in_the_list() {
        for (at, state) in CommandState::ALL.into_iter().enumerate() {
            assert_eq!(state as usize, at, "{state:?}");
        }
    }

    proptest! {
        #[test]
        fn every_command_is_in_one_share(numbers in prop::array::uniform14(0_i64..1 << 40)) {
            let counts: StateCounts = CommandState::ALL.into_iter().zip(numbers).collect();
            prop_assert_eq!(counts.iter().map(|(_, count)| count).collect::<Vec<_>>(), numbers);
            prop_assert_eq!(counts.total(), numbers.iter().sum::<i64>());
            prop_assert_eq!(counts.open(), counts.waiting() + counts.under_way());
            prop_assert_eq!(counts.total(), counts.waiting() + counts.under_way() + counts.succeeded() + counts.failed());
            let mut twice = counts;
            twice.add_all(&counts);
            prop_assert_eq!(twice.failed(), 2 * counts.failed());
        }
    }
}

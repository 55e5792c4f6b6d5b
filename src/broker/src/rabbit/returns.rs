//! Tells which confirmed messages were returned.
//!
//! The broker sends a return before the confirm of the returned message. The client hands out returns in their order,
//! one with each confirm that comes next: with many in flight, the confirm of another message. So a return counts for
//! the message whose id it carries, and a confirm that came with another's return is in doubt: its own may still be
//! waiting. Two facts settle a doubt. A confirm without a return shows that none was waiting at that moment. And when
//! nothing is in flight, every return has been handed out, since each came before its own confirm.

use std::collections::HashMap;

/// A publish on its way, by number.
pub(super) type Flight = u64;

/// A confirm as the client hands it out.
#[derive(Debug)]
pub(super) struct Confirm {
    pub(super) flight: Flight,
    pub(super) message_id: String,
    /// Message id and the broker's words, of the return that came with it.
    pub(super) returned: Option<(String, String)>,
}

/// What a confirm meant.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Confirmed,
    Returned(String),
}

/// The returns and doubts of one session.
#[derive(Debug, Default)]
pub(super) struct Returns {
    /// By message id. The same message may be in flight twice.
    returned: HashMap<String, Vec<String>>,
    doubted: Vec<(Flight, String)>,
}

impl Returns {
    /// Judges confirms. `confirms` must be everything that has come in since the last time: then whatever was handed
    /// out before any of them is known. `idle`: nothing else is in flight.
    pub(super) fn judge(&mut self, confirms: Vec<Confirm>, idle: bool) -> Vec<(Flight, Verdict)> {
        let none_waiting = confirms.iter().any(|confirm| confirm.returned.is_none());
        let mut doubted = std::mem::take(&mut self.doubted);
        let mut fresh = Vec::with_capacity(confirms.len());
        for Confirm { flight, message_id, returned } in confirms {
            let in_doubt = returned.is_some();
            if let Some((message_id, reply)) = returned {
                self.returned.entry(message_id).or_default().push(reply);
            }
            fresh.push((flight, message_id, in_doubt));
        }
        let mut verdicts = Vec::with_capacity(fresh.len());
        // Doubts from before these confirms are settled by any of them that came without a return.
        for (flight, message_id) in doubted.drain(..) {
            self.decide(&mut verdicts, flight, message_id, !(idle || none_waiting));
        }
        for (flight, message_id, in_doubt) in fresh {
            self.decide(&mut verdicts, flight, message_id, in_doubt && !idle);
        }
        if idle {
            self.returned.clear();
        }
        verdicts
    }

    /// Messages whose confirm came and is in doubt.
    pub(super) fn doubts(&self) -> usize {
        self.doubted.len()
    }

    fn take_return(&mut self, message_id: &str) -> Option<String> {
        let replies = self.returned.get_mut(message_id)?;
        let reply = replies.pop();
        if replies.is_empty() {
            self.returned.remove(message_id);
        }
        reply
    }

    fn decide(&mut self, verdicts: &mut Vec<(Flight, Verdict)>, flight: Flight, message_id: String, in_doubt: bool) {
        if let Some(reply) = self.take_return(&message_id) {
            verdicts.push((flight, Verdict::Returned(reply)));
        } else if in_doubt {
            self.doubted.push((flight, message_id));
        } else {
            verdicts.push((flight, Verdict::Confirmed));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn confirm(flight: Flight, returned: Option<Flight>) -> Confirm {
        let returned = returned.map(|flight| (flight.to_string(), "NO_ROUTE".to_owned()));
        Confirm { flight, message_id: flight.to_string(), returned }
    }

    fn sorted(mut verdicts: Vec<(Flight, Verdict)>) -> Vec<(Flight, bool)> {
        verdicts.sort_by_key(|(flight, _)| *flight);
        verdicts.into_iter().map(|(flight, verdict)| (flight, verdict == Verdict::Confirmed)).collect()
    }

    #[test]
    fn a_return_counts_for_the_message_it_names() {
        let mut returns = Returns::default();
        // 2 was returned; its return came with the confirm of 1.
        let verdicts = returns.judge(vec![confirm(1, Some(2)), confirm(2, None), confirm(3, None)], true);
        assert_eq!(sorted(verdicts), [(1, true), (2, false), (3, true)]);
    }

    #[test]
    fn a_swapped_pair_is_held_until_both_are_known() {
        let mut returns = Returns::default();
        // 1 and 2 were both returned, and swapped: 2's confirm brings 1's return while 1 is still in flight.
        assert_eq!(returns.judge(vec![confirm(2, Some(1))], false), []);
        assert_eq!(returns.doubts(), 1);
        assert_eq!(sorted(returns.judge(vec![confirm(1, Some(2))], false)), [(1, false), (2, false)]);
        assert_eq!(returns.doubts(), 0);
    }

    #[test]
    fn the_same_message_may_be_returned_twice() {
        let mut returns = Returns::default();
        let twice = [1, 2].map(|flight| Confirm { message_id: "7".into(), ..confirm(flight, Some(7)) });
        assert_eq!(sorted(returns.judge(twice.into(), true)), [(1, false), (2, false)]);
    }

    #[test]
    fn a_doubt_ends_with_a_confirm_without_return_or_when_idle() {
        for idle in [false, true] {
            let mut returns = Returns::default();
            assert_eq!(returns.judge(vec![confirm(1, Some(2))], false), []);
            assert_eq!(sorted(returns.judge(vec![confirm(2, None)], idle)), [(1, true), (2, false)]);
        }
    }
}

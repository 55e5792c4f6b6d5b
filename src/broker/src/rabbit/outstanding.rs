//! The deliveries of one session that are not acknowledged yet, in the order of their tags.

use std::collections::VecDeque;

use bytes::Bytes;
use lapin::Acker;

use super::properties::Letter;
use crate::feed::Receipt;

/// A delivery that the broker waits for.
#[derive(Debug)]
struct Entry {
    acker: Acker,
    state: State,
    /// What it takes to move the message to another queue; dropped as soon as nothing can move it any more.
    parcel: Option<(Letter, Bytes)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Being handled, or on its way to another queue.
    Open,
    /// May be acknowledged.
    Done,
    /// Was acknowledged alone, while an earlier one is still open.
    Acked,
}

/// See the module. The tags of a channel count up from 1 without gaps.
#[derive(Debug)]
pub(super) struct Outstanding {
    session: u64,
    first_tag: u64,
    entries: VecDeque<Entry>,
    /// Entries that are done and not acknowledged.
    done: usize,
}

impl Outstanding {
    pub(super) fn new(session: u64) -> Self {
        Self { session, first_tag: 1, entries: VecDeque::new(), done: 0 }
    }

    /// Adds a delivery. `None` when its tag is not the next one.
    pub(super) fn add(&mut self, tag: u64, acker: Acker, letter: Letter, body: Bytes) -> Option<Receipt> {
        if tag != self.first_tag + self.entries.len() as u64 {
            return None;
        }
        let receipt = Receipt { session: self.session, tag, attempt: letter.attempt, waits: letter.waits };
        self.entries.push_back(Entry { acker, state: State::Open, parcel: Some((letter, body)) });
        Some(receipt)
    }

    /// Takes what it needs to move the message elsewhere. `None` for a stale receipt or a second time.
    pub(super) fn take_parcel(&mut self, receipt: Receipt) -> Option<(Letter, Bytes)> {
        self.entry(receipt)?.parcel.take()
    }

    /// The delivery may be acknowledged. A stale receipt is ignored.
    pub(super) fn done(&mut self, receipt: Receipt) {
        if let Some(entry) = self.entry(receipt)
            && entry.state == State::Open
        {
            entry.state = State::Done;
            entry.parcel = None;
            self.done += 1;
        }
    }

    /// Removes the settled deliveries at the front. The acker acknowledges all of them at once.
    pub(super) fn take_settled_front(&mut self) -> Option<Acker> {
        let mut last_done = None;
        while let Some(entry) = self.entries.pop_front_if(|entry| entry.state != State::Open) {
            self.first_tag += 1;
            if entry.state == State::Done {
                self.done -= 1;
                last_done = Some(entry.acker);
            }
        }
        last_done
    }

    /// The deliveries that are done behind one that is still open, to be acknowledged one by one.
    pub(super) fn take_settled_behind(&mut self) -> Vec<Acker> {
        if self.done == 0 {
            return Vec::new();
        }
        self.done = 0;
        let done = self.entries.iter_mut().filter(|entry| entry.state == State::Done);
        done.map(|entry| {
            entry.state = State::Acked;
            entry.acker.clone()
        })
        .collect()
    }

    /// The acker that returns everything that is left to the queue.
    pub(super) fn into_last_open(self) -> Option<Acker> {
        self.entries.into_iter().rev().find(|entry| entry.state == State::Open).map(|entry| entry.acker)
    }

    fn entry(&mut self, receipt: Receipt) -> Option<&mut Entry> {
        if receipt.session != self.session {
            return None;
        }
        let index = receipt.tag.checked_sub(self.first_tag)?;
        self.entries.get_mut(usize::try_from(index).ok()?)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use lapin::{BasicProperties, message::Delivery};

    use super::*;

    fn with_deliveries(session: u64, count: u64) -> (Outstanding, Vec<Receipt>) {
        let mut outstanding = Outstanding::new(session);
        let receipts = (1..=count).map(|tag| {
            let acker = Delivery::mock(tag, "".into(), "".into(), false, vec![]).acker;
            outstanding.add(tag, acker, Letter::read("", "", &BasicProperties::default()), Bytes::new()).unwrap()
        });
        let receipts = receipts.collect();
        (outstanding, receipts)
    }

    fn acker(tag: u64) -> Acker {
        Delivery::mock(tag, "".into(), "".into(), false, vec![]).acker
    }

    #[test]
    fn contiguous_deliveries_are_acknowledged_together() {
        let (mut outstanding, receipts) = with_deliveries(1, 5);
        for index in [1, 0, 3] {
            outstanding.done(receipts[index]);
        }
        assert_eq!(outstanding.take_settled_front(), Some(acker(2)));
        assert_eq!(outstanding.take_settled_front(), None);
        assert_eq!(outstanding.take_settled_behind(), [acker(4)]);
        assert_eq!(outstanding.take_settled_behind(), []);
        outstanding.done(receipts[2]);
        assert_eq!(outstanding.take_settled_front(), Some(acker(3)));
        outstanding.done(receipts[4]);
        assert_eq!(outstanding.take_settled_front(), Some(acker(5)));
        assert_eq!(outstanding.into_last_open(), None);
    }

    #[test]
    fn a_stale_or_second_receipt_settles_nothing() {
        let (_, stale) = with_deliveries(1, 2);
        let (mut outstanding, receipts) = with_deliveries(2, 2);
        outstanding.done(stale[0]);
        assert!(outstanding.take_parcel(stale[0]).is_none());
        assert_eq!(outstanding.take_settled_front(), None);
        outstanding.done(receipts[0]);
        assert_eq!(outstanding.take_settled_front(), Some(acker(1)));
        outstanding.done(receipts[0]);
        assert_eq!(outstanding.take_settled_front(), None);
        assert_eq!(outstanding.into_last_open(), Some(acker(2)));
    }

    #[test]
    fn a_gap_in_the_tags_is_noticed() {
        let (mut outstanding, _) = with_deliveries(1, 1);
        let letter = Letter::read("", "", &BasicProperties::default());
        assert!(outstanding.add(3, acker(3), letter, Bytes::new()).is_none());
    }
}

//! What the devices remember: their last commands, one of each line, and what they last said of them.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use drover_messages::{DeviceReport, ReportStatus};

/// One attempt of one device.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Attempt {
    pub(super) device: Arc<str>,
    pub(super) command_id: i64,
    pub(super) number: i16,
}

/// What a device says of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: ReportStatus,
    pub(super) code: Option<&'static str>,
    pub(super) version: Option<Arc<str>>,
}

impl Answer {
    pub(super) const fn plain(status: ReportStatus) -> Self {
        Self { status, code: None, version: None }
    }

    pub(super) const fn failed(code: &'static str) -> Self {
        Self { status: ReportStatus::Failed, code: Some(code), version: None }
    }

    pub(super) const fn succeeded(version: Arc<str>) -> Self {
        Self { status: ReportStatus::Succeeded, code: None, version: Some(version) }
    }

    /// The report as it travels.
    pub(super) fn report(&self, attempt: &Attempt) -> DeviceReport {
        DeviceReport {
            v: 1,
            command_id: attempt.command_id,
            attempt: attempt.number,
            status: self.status,
            code: self.code.map(str::to_owned),
            message: None,
            firmware_version: self.version.as_deref().map(str::to_owned),
            device_uuid: attempt.device.to_string(),
        }
    }

    /// Whether the device is through with the attempt once it said this.
    const fn is_last(&self) -> bool {
        matches!(
            self.status,
            ReportStatus::Succeeded | ReportStatus::Failed | ReportStatus::Refused | ReportStatus::Cancelled
        )
    }
}

/// What a command is about. A newer command of a line takes the place of the older one; those of others go on beside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Line {
    /// The device's own programs.
    Upgrade,
    /// An application, by its number.
    Application(i64),
    /// A black or white list, by its number.
    Restriction(i64),
}

/// Lines that a device remembers; the one that it has heard of least recently is forgotten first.
const LINES_MAX: usize = 64;

/// What a device knows of its last command of a line.
#[derive(Debug)]
struct Standing {
    line: Line,
    command_id: i64,
    attempt: i16,
    last_said: Option<Answer>,
    stopped: bool,
}

impl Standing {
    fn is_of(&self, attempt: &Attempt) -> bool {
        self.command_id == attempt.command_id && self.attempt == attempt.number
    }
}

/// What comes of a command to do something.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is new.
    New(Attempt),
    /// It came before; the device says again what it said last.
    Again(Attempt, Option<Answer>),
}

/// What comes of a wish to cancel.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stopping {
    /// The device is not at this attempt: there is nothing to stop, and nothing to refuse.
    NotThere,
    /// The device can stop.
    Possible,
    /// It is through already, and says so again.
    Through(Answer),
}

/// The memory of the whole fleet, of bounded size.
#[derive(Debug)]
pub(super) struct Memory {
    devices: HashMap<Arc<str>, Vec<Standing>>,
    oldest: VecDeque<Arc<str>>,
    limit: usize,
}

impl Memory {
    pub(super) fn new(limit: usize) -> Self {
        Self { devices: HashMap::new(), oldest: VecDeque::new(), limit: limit.max(1) }
    }

    /// A command arrives: a device that gets the same attempt twice acts once.
    pub(super) fn take(&mut self, uuid: &str, line: Line, command_id: i64, number: i16) -> Taken {
        if let Some((device, standings)) = self.devices.get_key_value(uuid)
            && let Some(known) = standings.iter().find(|known| known.line == line)
            && known.command_id == command_id
            && known.attempt >= number
        {
            let attempt = Attempt { device: Arc::clone(device), command_id, number };
            // Of an older attempt the device knows nothing any more.
            let last_said = known.last_said.clone().filter(|_| known.attempt == number);
            return Taken::Again(attempt, last_said);
        }
        let standing = Standing { line, command_id, attempt: number, last_said: None, stopped: false };
        let device = self.remember(uuid, standing);
        Taken::New(Attempt { device, command_id, number })
    }

    /// A wish to cancel arrives.
    pub(super) fn stop(&self, attempt: &Attempt) -> Stopping {
        match self.of_device(attempt).find(|known| known.is_of(attempt)) {
            None => Stopping::NotThere,
            Some(Standing { last_said: Some(said), .. }) if said.is_last() => Stopping::Through(said.clone()),
            Some(_) => Stopping::Possible,
        }
    }

    /// The device stops: what it was about to say of the command is not said.
    pub(super) fn note_stopped(&mut self, attempt: &Attempt) {
        if let Some(known) = self.standing_mut(attempt) {
            known.stopped = true;
        }
    }

    /// Whether the device is still at this attempt.
    pub(super) fn is_at(&self, attempt: &Attempt) -> bool {
        let is_known = self.devices.contains_key(&attempt.device);
        !is_known || self.of_device(attempt).any(|known| known.is_of(attempt) && !known.stopped)
    }

    /// Whether the device was asked to stop this command, and did.
    pub(super) fn has_stopped(&self, attempt: &Attempt) -> bool {
        self.of_device(attempt).any(|known| known.command_id == attempt.command_id && known.stopped)
    }

    /// The device says something.
    pub(super) fn note_said(&mut self, attempt: &Attempt, answer: &Answer) {
        if let Some(known) = self.standing_mut(attempt) {
            known.last_said = Some(answer.clone());
        }
    }

    fn of_device(&self, attempt: &Attempt) -> impl Iterator<Item = &Standing> {
        self.devices.get(&attempt.device).into_iter().flatten()
    }

    fn standing_mut(&mut self, attempt: &Attempt) -> Option<&mut Standing> {
        self.devices.get_mut(&attempt.device)?.iter_mut().find(|known| known.is_of(attempt))
    }

    fn remember(&mut self, uuid: &str, standing: Standing) -> Arc<str> {
        if let Some((device, _)) = self.devices.get_key_value(uuid) {
            let device = Arc::clone(device);
            if let Some(standings) = self.devices.get_mut(uuid) {
                standings.retain(|known| known.line != standing.line);
                if standings.len() >= LINES_MAX {
                    standings.remove(0);
                }
                standings.push(standing);
            }
            return device;
        }
        if self.devices.len() >= self.limit
            && let Some(oldest) = self.oldest.pop_front()
        {
            self.devices.remove(&oldest);
        }
        let device: Arc<str> = uuid.into();
        self.oldest.push_back(Arc::clone(&device));
        self.devices.insert(Arc::clone(&device), vec![standing]);
        device
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn new(memory: &mut Memory, uuid: &str, command_id: i64, number: i16) -> Attempt {
        match memory.take(uuid, Line::Upgrade, command_id, number) {
            Taken::New(attempt) => attempt,
            again @ Taken::Again(..) => panic!("{again:?}"),
        }
    }

    #[test]
    fn the_same_attempt_is_acted_on_once_and_answered_again() {
        let mut memory = Memory::new(10);
        let first = new(&mut memory, "d", 5, 1);
        assert_eq!(memory.take("d", Line::Upgrade, 5, 1), Taken::Again(first.clone(), None));
        memory.note_said(&first, &Answer::failed("E"));
        assert_eq!(memory.take("d", Line::Upgrade, 5, 1), Taken::Again(first.clone(), Some(Answer::failed("E"))));
        let second = new(&mut memory, "d", 5, 2);
        assert_eq!(memory.take("d", Line::Upgrade, 5, 1), Taken::Again(first.clone(), None), "an older attempt");
        assert!(memory.is_at(&second) && !memory.is_at(&first));
        new(&mut memory, "d", 6, 1);
    }

    #[test]
    fn a_device_stops_unless_it_is_through() {
        let mut memory = Memory::new(10);
        let attempt = new(&mut memory, "d", 5, 1);
        memory.note_said(&attempt, &Answer::plain(ReportStatus::Installing));
        assert_eq!(memory.stop(&attempt), Stopping::Possible);
        memory.note_said(&attempt, &Answer::failed("E"));
        assert_eq!(memory.stop(&attempt), Stopping::Through(Answer::failed("E")));
        let unknown = Attempt { command_id: 6, ..attempt.clone() };
        assert_eq!(memory.stop(&unknown), Stopping::NotThere, "a command it never got");
        memory.note_stopped(&attempt);
        assert!(memory.has_stopped(&attempt) && !memory.is_at(&attempt));
    }

    #[test]
    fn a_cancel_means_the_attempt_it_names() {
        let mut memory = Memory::new(10);
        let first = new(&mut memory, "d", 5, 1);
        memory.note_said(&first, &Answer::failed("E"));
        let second = new(&mut memory, "d", 5, 2);
        assert_eq!(memory.stop(&first), Stopping::NotThere);
        memory.note_stopped(&first);
        assert!(memory.is_at(&second), "it came too late to stop anything");
        assert_eq!(memory.stop(&second), Stopping::Possible);
    }

    #[test]
    fn commands_of_different_lines_go_on_beside_each_other() {
        let mut memory = Memory::new(10);
        let mut begin = |line, command_id| match memory.take("d", line, command_id, 1) {
            Taken::New(attempt) => attempt,
            again @ Taken::Again(..) => panic!("{again:?}"),
        };
        let older = begin(Line::Application(1), 5);
        let other = begin(Line::Application(2), 6);
        let list = begin(Line::Restriction(1), 7);
        let newer = begin(Line::Application(1), 8);
        assert!(!memory.is_at(&older) && [&other, &list, &newer].into_iter().all(|attempt| memory.is_at(attempt)));
        memory.note_stopped(&other);
        assert!(memory.has_stopped(&other) && !memory.has_stopped(&list));
        assert_eq!(memory.stop(&newer), Stopping::Possible);
        for line in 0..1000 {
            memory.take("d", Line::Application(line), 9, 1);
        }
        assert_eq!(memory.devices["d"].len(), LINES_MAX);
    }

    #[test]
    fn the_memory_is_bounded() {
        let mut memory = Memory::new(3);
        for n in 0..100 {
            new(&mut memory, &format!("d{n}"), 5, 1);
        }
        assert_eq!((memory.devices.len(), memory.oldest.len()), (3, 3));
        assert!(matches!(memory.take("d99", Line::Upgrade, 5, 1), Taken::Again(..)));
        assert!(matches!(memory.take("d0", Line::Upgrade, 5, 1), Taken::New(_)), "forgotten, so it acts again");
    }
}

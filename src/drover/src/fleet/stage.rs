//! The devices themselves: what each does with a command, and when.

use std::{sync::Arc, time::Duration};

use drover_messages::{DeviceCommand, FirmwareFile, ReportStatus};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use tokio::{sync::mpsc, time::Instant};

use super::{
    FleetOptions, FleetReport,
    behaviour::{Behaviour, Split},
    delay_queue::DelayQueue,
    download::{Downloaded, Downloads, Wanted},
    link::{Arrival, Given},
    memory::{Answer, Attempt, Memory, Stopping, Taken},
    report::Manner,
    task::Task,
};

/// The result code of a device that fails on purpose.
const FAILS_ON_PURPOSE: &str = "simulated_failure";
/// The result code of a device that refuses on purpose.
const REFUSES_ON_PURPOSE: &str = "simulated_refusal";

/// What a late device takes on top of what its command allows: by then the deadline was noticed.
const LATE_MARGIN: Duration = Duration::from_secs(4);

/// Something that a device does later.
#[derive(Debug)]
enum Act {
    Say { attempt: Attempt, answer: Answer, manner: Manner },
    Download(Wanted),
}

/// All devices.
pub(super) struct Stage {
    split: Split,
    memory: Memory,
    later: DelayQueue<Act>,
    random: StdRng,
    reports: mpsc::Sender<Given>,
    pub(super) downloads: Downloads,
    options: FleetOptions,
    version: Arc<str>,
    counts: FleetReport,
}

impl Stage {
    pub(super) fn new(options: FleetOptions, http: reqwest::Client, reports: mpsc::Sender<Given>) -> Self {
        Self {
            split: Split::new(&options),
            memory: Memory::new(options.remembered),
            later: DelayQueue::new(),
            random: StdRng::seed_from_u64(options.seed.wrapping_add(1)),
            reports,
            downloads: Downloads::new(http, options.downloads),
            options,
            version: "".into(),
            counts: FleetReport::default(),
        }
    }

    /// A message arrives for one of the devices, or for somebody else.
    pub(super) fn take(&mut self, message: &Arrival) {
        let uuid = message.device.as_str();
        if !uuid.starts_with(&self.options.prefix) {
            return;
        }
        match serde_json::from_slice(&message.body) {
            Ok(DeviceCommand::Cancel { v, command_id, attempt }) if v <= DeviceCommand::VERSION => {
                self.counts.cancels += 1;
                self.stop(Attempt { device: uuid.into(), command_id, number: attempt });
            }
            Ok(command) => match Task::of(command) {
                Some(task) => self.take_on(uuid, task),
                None => self.puzzle_over(uuid),
            },
            Err(_) => self.puzzle_over(uuid),
        }
    }

    fn puzzle_over(&mut self, uuid: &str) {
        self.counts.malformed += 1;
        tracing::warn!(device = uuid, "a command that no simulated device understands");
    }

    fn take_on(&mut self, uuid: &str, task: Task) {
        match self.memory.take(uuid, task.line, task.command_id, task.attempt) {
            Taken::New(attempt) => {
                self.counts.received += 1;
                self.begin(attempt, task.file, task.timeout_s);
            }
            Taken::Again(attempt, said) => {
                self.counts.received_again += 1;
                if let Some(answer) = said {
                    self.say_after(Duration::ZERO, attempt, answer, Manner::Repeated);
                }
            }
        }
    }

    /// Without a file there is nothing to download.
    fn begin(&mut self, attempt: Attempt, file: Option<FirmwareFile>, timeout_s: i64) {
        let latency = self.latency();
        let done = self.done(file.as_ref());
        let behaviour = self.split.behaviour(&attempt.device, attempt.number);
        match behaviour {
            Behaviour::Silent => self.counts.unanswered += 1,
            Behaviour::Late => {
                let allowed = Duration::from_secs(timeout_s.unsigned_abs());
                let after = self.options.late_after.unwrap_or(allowed + LATE_MARGIN);
                self.say_after(after, attempt, done, Manner::Late);
            }
            Behaviour::Refusing => {
                let answer = Answer { code: Some(REFUSES_ON_PURPOSE), ..Answer::plain(ReportStatus::Refused) };
                self.say_after(latency, attempt, answer, Manner::Plain);
            }
            Behaviour::Failing => {
                self.tell_progress(&attempt, latency);
                self.say_after(latency, attempt, Answer::failed(FAILS_ON_PURPOSE), Manner::Plain);
            }
            Behaviour::Good | Behaviour::Doubling => {
                let twice = behaviour == Behaviour::Doubling;
                if let Some(file) = file.filter(|_| self.split.downloads(&attempt.device)) {
                    if self.options.progress {
                        let downloading = Answer::plain(ReportStatus::Downloading);
                        self.say_after(Duration::ZERO, attempt.clone(), downloading, Manner::Plain);
                    }
                    self.later.push(Instant::now() + latency / 2, Act::Download(Wanted { attempt, file, twice }));
                } else {
                    self.tell_progress(&attempt, latency);
                    self.succeed(latency, attempt, done, twice);
                }
            }
        }
    }

    /// Downloading at once, installing half-way.
    fn tell_progress(&mut self, attempt: &Attempt, latency: Duration) {
        if self.options.progress {
            for (after, status) in
                [(Duration::ZERO, ReportStatus::Downloading), (latency / 2, ReportStatus::Installing)]
            {
                self.say_after(after, attempt.clone(), Answer::plain(status), Manner::Plain);
            }
        }
    }

    fn succeed(&mut self, after: Duration, attempt: Attempt, answer: Answer, twice: bool) {
        if twice {
            self.say_after(after, attempt.clone(), answer.clone(), Manner::Plain);
            self.say_after(after, attempt, answer, Manner::Repeated);
        } else {
            self.say_after(after, attempt, answer, Manner::Plain);
        }
    }

    /// A download ended; `None` when its task panicked, so that nobody knows whose it was.
    pub(super) fn downloaded(&mut self, ended: Option<Downloaded>) {
        let Some(Downloaded { wanted: Wanted { attempt, file, twice }, result }) = ended else {
            self.counts.downloads_failed += 1;
            return;
        };
        match result {
            Ok(()) => {
                self.counts.downloads_ok += 1;
                if self.options.progress {
                    let installing = Answer::plain(ReportStatus::Installing);
                    self.say_after(Duration::ZERO, attempt.clone(), installing, Manner::Plain);
                }
                let (latency, done) = (self.latency() / 2, self.done(Some(&file)));
                self.succeed(latency, attempt, done, twice);
            }
            Err(problem) => {
                self.counts.downloads_failed += 1;
                tracing::warn!(device = %attempt.device, command = attempt.command_id, %problem, "a simulated device could not download its file");
                self.say_after(Duration::ZERO, attempt, Answer::failed(problem.code()), Manner::Plain);
            }
        }
    }

    fn stop(&mut self, attempt: Attempt) {
        if self.split.behaviour(&attempt.device, attempt.number) == Behaviour::Silent {
            self.counts.unanswered += 1;
            return;
        }
        match self.memory.stop(&attempt) {
            Stopping::Through(said) => self.say_after(Duration::ZERO, attempt, said, Manner::Repeated),
            Stopping::Possible if self.split.refuses_to_stop(&attempt.device) => {
                let refused = Answer::plain(ReportStatus::CancelRefused);
                self.say_after(Duration::ZERO, attempt, refused, Manner::Plain);
            }
            Stopping::Possible | Stopping::NotThere => {
                self.memory.note_stopped(&attempt);
                let cancelled = Answer::plain(ReportStatus::Cancelled);
                self.say_after(Duration::ZERO, attempt, cancelled, Manner::Plain);
            }
        }
    }

    /// Does everything that is due.
    pub(super) async fn act(&mut self) {
        let now = Instant::now();
        while let Some(act) = self.later.pop_due(now) {
            match act {
                Act::Download(wanted) => {
                    if self.memory.is_at(&wanted.attempt) {
                        self.downloads.add(wanted);
                    }
                }
                Act::Say { attempt, answer, manner } => {
                    if self.still_says(&attempt, &answer, manner) {
                        if answer.status != ReportStatus::CancelRefused {
                            self.memory.note_said(&attempt, &answer);
                        }
                        // The link outlives this loop, so there is always somebody who takes it.
                        let _ = self.reports.send(Given { report: answer.report(&attempt), manner }).await;
                    }
                }
            }
        }
    }

    /// A device does not go on with what it stopped, or with an attempt that another one took the place of.
    fn still_says(&self, attempt: &Attempt, answer: &Answer, manner: Manner) -> bool {
        match (answer.status, manner) {
            (ReportStatus::Cancelled | ReportStatus::CancelRefused, _) => true,
            (_, Manner::Late) => !self.memory.has_stopped(attempt),
            _ => self.memory.is_at(attempt),
        }
    }

    /// When there is something to do next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.later.next_due()
    }

    /// Whether nothing is left to do.
    pub(super) fn is_through(&self) -> bool {
        self.later.len() + self.downloads.len() == 0
    }

    /// Everybody goes home.
    pub(super) fn end(mut self) -> FleetReport {
        self.counts.abandoned = (self.later.len() + self.downloads.len()) as u64;
        self.counts
    }

    fn say_after(&mut self, after: Duration, attempt: Attempt, answer: Answer, manner: Manner) {
        self.later.push(Instant::now() + after, Act::Say { attempt, answer, manner });
    }

    fn latency(&mut self) -> Duration {
        let (min, max) = (self.options.latency_min, self.options.latency_max);
        if min < max { self.random.random_range(min..=max) } else { min }
    }

    /// What a device says that has done what it was told: with the version that a file brought, if it has one.
    fn done(&mut self, file: Option<&FirmwareFile>) -> Answer {
        match file {
            Some(file) if !file.version.is_empty() => Answer::succeeded(self.version_of(file)),
            _ => Answer::plain(ReportStatus::Succeeded),
        }
    }

    /// The version as a text that thousands share.
    fn version_of(&mut self, file: &FirmwareFile) -> Arc<str> {
        if *self.version != *file.version {
            self.version = file.version.as_str().into();
        }
        Arc::clone(&self.version)
    }
}

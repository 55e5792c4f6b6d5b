//! The matrix: which fault hits whom, and what it may cost.

use drover_workers::Role;
use futures_util::future::LocalBoxFuture;

use crate::{
    faults::{clock, disk, kill, lines, messages, pressure, reports, rollout},
    scene::Scene,
};

/// How often a device may be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Attempts {
    /// Every command succeeds in its first attempt.
    One,
    /// What was on its way to or from a device may be lost with this fault: after its deadline the command is tried again.
    More,
}

/// Breaks something in the middle of the work, and mends it.
pub(crate) type Inject = for<'a> fn(&'a mut Scene<'_>) -> LocalBoxFuture<'a, ()>;

/// A row of the matrix.
pub(crate) struct Row {
    pub(crate) fault: &'static str,
    /// The role that is hit; without one it is `whom`.
    pub(crate) role: Option<Role>,
    pub(crate) whom: &'static str,
    pub(crate) attempts: Attempts,
    /// What holds beside the invariants of every row.
    pub(crate) promises: &'static str,
    /// What somebody might expect that does not.
    pub(crate) promises_not: &'static str,
    pub(crate) inject: Inject,
}

impl Row {
    /// Whom it hits.
    pub(crate) fn target(&self) -> String {
        self.role.map_or_else(|| self.whom.to_owned(), |role| role.to_string())
    }

    /// Fault and target: what `FAULT=` is compared with.
    pub(crate) fn name(&self) -> String {
        format!("{} ({})", self.fault, self.target())
    }

    const fn promises(self, promises: &'static str, promises_not: &'static str) -> Self {
        Self { promises, promises_not, ..self }
    }
}

const fn on(whom: &'static str, fault: &'static str, attempts: Attempts, inject: Inject) -> Row {
    Row { fault, role: None, whom, attempts, promises: "", promises_not: "", inject }
}

const fn on_role(role: Role, fault: &'static str, attempts: Attempts, inject: Inject) -> Row {
    Row { role: Some(role), ..on("", fault, attempts, inject) }
}

/// Rows that share servers and processes.
pub(crate) struct Group {
    pub(crate) name: &'static str,
    pub(crate) rows: Vec<Row>,
    /// How long a device may take where faults last for minutes, in seconds: longer than those, unless the fault loses what
    /// only a deadline brings back.
    pub(crate) long_attempt_timeout_s: u32,
}

/// The groups, each a world of its own.
pub(crate) fn groups() -> Vec<Group> {
    let group = |name, rows: [Vec<Row>; 3], long_attempt_timeout_s| {
        let rows = rows.into_iter().flatten().collect();
        Group { name, rows, long_attempt_timeout_s }
    };
    vec![
        group("processes", [processes(), pressure(), surroundings()], 300),
        group("servers_and_messages", [servers(), messages(), vec![]], 20),
        group("lines", [cut_lines(), vec![], vec![]], 300),
    ]
}

fn processes() -> Vec<Row> {
    Role::ALL
        .map(|role| {
            // The timekeeper's work is what nobody answered.
            let attempts = if role == Role::Timekeep { Attempts::More } else { Attempts::One };
            let (promises, promises_not) = match role {
                Role::Ingress => (
                    "a call that was answered is done, and may be made again when it was not",
                    "an answer to the calls in hand; a file half uploaded leaves its parts in the folder",
                ),
                Role::Plan => ("planning goes on where the rows say it came to", ""),
                Role::Dispatch => (
                    "the chunk in hand is handed out again, in the same attempt",
                    "a command comes once: a device may get it twice and acts once",
                ),
                Role::Ingest => ("reports that were not acknowledged come again", ""),
                Role::Timekeep => (
                    "deadlines that passed meanwhile are served, each once and none early",
                    "deadlines are kept to the second: they wait until it is back",
                ),
                Role::Relay => (
                    "what it had claimed is claimed again after three publish deadlines",
                    "a message goes out once: it may go out twice, and the second moves nothing",
                ),
            };
            let row = on_role(role, "kill -9", attempts, |scene| Box::pin(kill::role(scene)));
            row.promises(promises, promises_not)
        })
        .into()
}

fn pressure() -> Vec<Row> {
    use Attempts::One;
    vec![
        on("all", "slow database", One, |scene| Box::pin(pressure::slow_database(scene)))
            .promises("work slows down and nothing is given up", "a pace"),
        on_role(Role::Ingress, "full pool", One, |scene| Box::pin(pressure::full_pool(scene)))
            .promises("callers are served, or told with 503 and Retry-After to come back", "that everybody is served"),
        on("all", "no database connection left", One, |scene| Box::pin(pressure::no_connection_left(scene)))
            .promises("503 with Retry-After; work waits, and no message is blamed for it", "that calls are accepted"),
    ]
}

fn surroundings() -> Vec<Row> {
    let mut rows = Vec::from([Role::Ingress, Role::Dispatch, Role::Ingest, Role::Timekeep].map(|role| {
        let row = on_role(role, "clock ten minutes off", Attempts::More, |scene| Box::pin(clock::off(scene)));
        let promises_not = match role {
            Role::Ingress => {
                "calls are taken from a clock that is ten minutes or more from its own: it is nine off here"
            }
            _ => "times in its log are right",
        };
        row.promises("deadlines are the database's, links that devices are given work", promises_not)
    }));
    let full = on_role(Role::Ingress, "disk full", Attempts::One, |scene| Box::pin(disk::full(scene)));
    rows.push(full.promises(
        "an upload is a 503, leaves no row and no half file, and works when there is room",
        "log lines that cannot be written: they are lost",
    ));
    // Here, where a long attempt outlasts the longest time that the server is away.
    let killed = on("PostgreSQL", "kill -9", Attempts::One, |scene| Box::pin(kill::postgres(scene)));
    rows.push(killed.promises(
        "what was committed is there; work waits, and no message is blamed for it",
        "that calls are accepted",
    ));
    rows
}

fn servers() -> Vec<Row> {
    use Attempts::More;
    vec![
        on("RabbitMQ", "kill -9 with work queued", More, |scene| Box::pin(kill::broker(scene))).promises(
            "confirmed messages are there again; calls are accepted meanwhile",
            "one attempt: what was on its way to a device with no durable queue is sent again after the attempt's deadline",
        ),
        on("RabbitMQ", "memory alarm", More, |scene| Box::pin(pressure::memory_alarm(scene))).promises(
            "calls are accepted, the outbox keeps the messages, /readyz of those who publish says why",
            "one attempt: a device that cannot report either may be too late",
        ),
    ]
}

fn messages() -> Vec<Row> {
    use Attempts::{More, One};
    let deleted =
        |role, attempts| on_role(role, "queue deleted", attempts, |scene| Box::pin(messages::queue_deleted(scene)));
    vec![
        deleted(Role::Plan, One)
            .promises("the worker declares it again; the planner is called again after a lease", ""),
        deleted(Role::Dispatch, One)
            .promises("the worker declares it again; commands are handed out again after a lease", ""),
        deleted(Role::Ingest, More).promises(
            "the worker declares it again",
            "one attempt: a report that was in the queue is lost, and the command is sent again after its deadline",
        ),
        on("all", "duplicates, redelivered and reordered", One, |scene| Box::pin(messages::duplicates(scene)))
            .promises(
                "the first end of an attempt counts; its doubles are evidence",
                "progress that comes late is kept",
            ),
        on_role(Role::Ingest, "late reports", More, |scene| Box::pin(reports::late(scene)))
            .promises("a report moves its own attempt or nothing, and is evidence then", ""),
        on("every queue", "poison", One, |scene| Box::pin(messages::poison(scene)))
            .promises("it is among the queue's dead letters, its neighbours go through", "that somebody looks at them"),
        on("all", "SIGTERM and a new message version", One, |scene| Box::pin(rollout::new_version(scene)))
            .promises("every role ends with 0 in its drain time; what it does not know is left for a newer worker", ""),
    ]
}

fn cut_lines() -> Vec<Row> {
    use Attempts::One;
    let cut = Role::ALL.map(|role| {
        let promises_not = if role == Role::Ingress { "that calls are accepted" } else { "" };
        on_role(role, "database and broker cut", One, |scene| Box::pin(lines::both_cut(scene)))
            .promises("it connects again by itself and goes on", promises_not)
    });
    let silent = [Role::Ingress, Role::Dispatch, Role::Ingest].map(|role| {
        on_role(role, "database and broker silent", One, |scene| Box::pin(lines::both_frozen(scene)))
            .promises("no call and no handler waits for ever", "that it is noticed before its time limit")
    });
    let mut rows: Vec<Row> = cut.into_iter().chain(silent).collect();
    rows.push(
        on("all", "database cut", One, |scene| Box::pin(lines::database_cut(scene)))
            .promises("503 with Retry-After; work waits, and no message is blamed for it", "that calls are accepted"),
    );
    rows.push(
        on("all", "broker cut", One, |scene| Box::pin(lines::broker_cut(scene)))
            .promises("calls are accepted, the outbox keeps the messages", ""),
    );
    rows
}

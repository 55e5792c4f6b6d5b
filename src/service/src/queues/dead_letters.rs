//! Messages that no worker could handle: read, sent again, or discarded.

use std::fmt::Write as _;

use drover_messages::Queue;
use drover_store::{
    StoreError,
    queues::dead_letters::{self, DeadLetter},
};

use super::{named, subject};
use crate::{Action, Actor, List, ListFrom, Service, ServiceError, random_uuid};

/// Letters dealt with in one statement.
const BATCH: i64 = 500;
/// Letters dealt with in one call: as many as a queue keeps.
const CALL_MAX: i64 = 10_000;
/// The longest reason to look for.
const REASON_MAX_CHARS: usize = 200;
/// Letters forgotten in one statement.
const FORGET_BATCH: i64 = 500;
/// Bytes of a body that are shown as hexadecimal numbers.
const HEX_MAX_BYTES: usize = 4_096;

/// Which dead letters of a queue.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeadLetterFilter {
    /// What their reason has somewhere in it, whatever its case; empty: any.
    pub reason: String,
    /// None that came after this one: what somebody confirmed is what was there then.
    pub up_to: Option<i64>,
}

impl DeadLetterFilter {
    fn up_to(&self) -> i64 {
        self.up_to.unwrap_or(i64::MAX)
    }
}

/// How many dead letters match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Matching {
    /// How many.
    pub count: i64,
    /// The newest of them; `None` when there is none.
    pub up_to: Option<i64>,
}

/// What a call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dealt {
    /// How many letters were sent again or discarded.
    pub letters: u64,
}

/// A body for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyText {
    /// JSON, set out in lines.
    Json(String),
    /// Other text.
    Text(String),
    /// Its beginning as hexadecimal numbers.
    Hex(String),
}

impl BodyText {
    /// Reads a body.
    pub fn of(body: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(body) else {
            let mut hex = String::with_capacity(2 * body.len().min(HEX_MAX_BYTES));
            for byte in body.iter().take(HEX_MAX_BYTES) {
                let _ = write!(hex, "{byte:02x}");
            }
            return Self::Hex(hex);
        };
        let json = serde_json::from_str::<serde_json::Value>(text).ok();
        let pretty = json.and_then(|json| serde_json::to_string_pretty(&json).ok());
        pretty.map_or_else(|| Self::Text(text.to_owned()), Self::Json)
    }

    /// The format's name on the wire.
    pub const fn format(&self) -> &'static str {
        match self {
            Self::Json(_) => "json",
            Self::Text(_) => "text",
            Self::Hex(_) => "hex",
        }
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        let (Self::Json(text) | Self::Text(text) | Self::Hex(text)) = self;
        text
    }
}

/// What is done with dead letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Deed {
    Replay,
    Discard,
}

impl Deed {
    const fn action(self) -> Action {
        match self {
            Self::Replay => Action::DeadLettersReplayed,
            Self::Discard => Action::DeadLettersDiscarded,
        }
    }
}

fn check_reason(reason: &str) -> Result<(), ServiceError> {
    if reason.contains('\0') {
        return Err(ServiceError::invalid("reason", "holds a NUL character"));
    }
    if reason.chars().count() > REASON_MAX_CHARS {
        return Err(ServiceError::invalid("reason", format!("is longer than {REASON_MAX_CHARS} characters")));
    }
    Ok(())
}

impl Service {
    /// Dead letters of a queue, or of all, newest first, each with the beginning of its body. Reasons have no index: a page
    /// may come out short, or empty, and still have a next one.
    pub async fn dead_letters(
        &self,
        actor: &Actor,
        queue: Option<&str>,
        reason: &str,
        from: &ListFrom,
    ) -> Result<List<DeadLetter>, ServiceError> {
        actor.require_installation()?;
        check_reason(reason)?;
        let name = queue.map(named).transpose()?.map(|queue| queue.to_string());
        let limit = from.limit()?;
        let before = match from.after_id()? {
            0 => i64::MAX,
            id => id,
        };
        let client = self.store().client().await?;
        let walked = dead_letters::list(&client, name.as_deref(), reason, before, limit).await?;
        Ok(List { items: walked.letters, next: walked.next.map(|id| id.to_string()) })
    }

    /// One dead letter with all of its body.
    pub async fn dead_letter(&self, actor: &Actor, id: i64) -> Result<DeadLetter, ServiceError> {
        actor.require_installation()?;
        let found = dead_letters::get(&self.store().client().await?, id).await?;
        found.ok_or_else(|| ServiceError::not_found("dead letter", id))
    }

    /// How many dead letters of a queue match.
    pub async fn matching_dead_letters(
        &self,
        actor: &Actor,
        queue: &str,
        filter: &DeadLetterFilter,
    ) -> Result<Matching, ServiceError> {
        actor.require_installation()?;
        check_reason(&filter.reason)?;
        let queue = named(queue)?.to_string();
        let client = self.store().client().await?;
        let (count, up_to) = dead_letters::matching(&client, &queue, &filter.reason, filter.up_to()).await?;
        Ok(Matching { count, up_to })
    }

    /// Sends one dead letter again, as if it came for the first time.
    pub async fn replay_dead_letter(&self, actor: &Actor, id: i64) -> Result<Dealt, ServiceError> {
        self.deal_with_one(actor, id, Deed::Replay).await
    }

    /// Throws one dead letter away.
    pub async fn discard_dead_letter(&self, actor: &Actor, id: i64) -> Result<Dealt, ServiceError> {
        self.deal_with_one(actor, id, Deed::Discard).await
    }

    /// Sends every dead letter of a queue again that matches.
    pub async fn replay_dead_letters(
        &self,
        actor: &Actor,
        queue: &str,
        filter: &DeadLetterFilter,
    ) -> Result<Dealt, ServiceError> {
        self.deal_with_matching(actor, queue, filter, Deed::Replay).await
    }

    /// Throws every dead letter of a queue away that matches.
    pub async fn discard_dead_letters(
        &self,
        actor: &Actor,
        queue: &str,
        filter: &DeadLetterFilter,
    ) -> Result<Dealt, ServiceError> {
        self.deal_with_matching(actor, queue, filter, Deed::Discard).await
    }

    async fn deal_with_one(&self, actor: &Actor, id: i64, deed: Deed) -> Result<Dealt, ServiceError> {
        actor.require_write()?;
        let letter = self.dead_letter(actor, id).await?;
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let letters = self.do_to_letters(&tx, &[id], deed).await?;
        if letters == 0 {
            // Somebody else was faster.
            return Err(ServiceError::not_found("dead letter", id));
        }
        let detail = format!("1 message: {}", letter.reason);
        self.note(&tx, actor, deed.action(), &subject(named(&letter.queue)?), (None, &detail)).await?;
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Dealt { letters })
    }

    async fn deal_with_matching(
        &self,
        actor: &Actor,
        queue: &str,
        filter: &DeadLetterFilter,
        deed: Deed,
    ) -> Result<Dealt, ServiceError> {
        actor.require_installation()?;
        actor.require_write()?;
        check_reason(&filter.reason)?;
        let queue: Queue = named(queue)?;
        let name = queue.to_string();
        let mut client = self.store().client().await?;
        let tx = client.transaction().await.map_err(StoreError::from)?;
        let (mut letters, mut after) = (0, 0);
        for _ in 0..CALL_MAX / BATCH {
            let range = (after, filter.up_to());
            let ids = dead_letters::lock_matching(&tx, &name, &filter.reason, range, BATCH).await?;
            let Some(last) = ids.last() else { break };
            after = *last;
            letters += self.do_to_letters(&tx, &ids, deed).await?;
        }
        if letters > 0 {
            let which = if filter.reason.is_empty() { "any reason" } else { filter.reason.as_str() };
            let detail = format!("{letters} messages: {which}");
            self.note(&tx, actor, deed.action(), &subject(queue), (None, &detail)).await?;
        }
        tx.commit().await.map_err(StoreError::from)?;
        Ok(Dealt { letters })
    }

    async fn do_to_letters(&self, tx: &drover_store::Tx<'_>, ids: &[i64], deed: Deed) -> Result<u64, StoreError> {
        match deed {
            Deed::Discard => dead_letters::discard(tx, ids).await,
            Deed::Replay => {
                let fresh: Vec<_> = ids.iter().map(|_| random_uuid(self.inner.entropy.as_ref())).collect();
                dead_letters::replay(tx, ids, &fresh).await
            }
        }
    }

    /// Forgets a batch of dead letters that are too old. Returns whether there may be more.
    pub async fn forget_old_dead_letters(&self) -> Result<bool, ServiceError> {
        let Some(age) = self.options().dead_letter_retention else { return Ok(false) };
        let gone = dead_letters::forget_old(&self.store().client().await?, age, FORGET_BATCH).await?;
        Ok(gone >= FORGET_BATCH.unsigned_abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_shown_as_what_it_is() {
        assert_eq!(BodyText::of(br#"{"job_id":7}"#), BodyText::Json("{\n  \"job_id\": 7\n}".into()));
        assert_eq!(BodyText::of(b"hello <b>"), BodyText::Text("hello <b>".into()));
        assert_eq!(BodyText::of(b"\xff\x00a"), BodyText::Hex("ff0061".into()));
        assert_eq!(BodyText::of(&[0xff; 9_000]).text().len(), 2 * HEX_MAX_BYTES);
    }
}

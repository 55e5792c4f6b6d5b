//! Operators log in with a password and call with a token.
//!
//! A token is 256 random bits; only its hash is kept. What the database says of it is believed for
//! [`access_token_cache`](crate::ServiceOptions::access_token_cache), 5 seconds: within that time a revocation acts in every
//! process, and at once in the process that made it, where a single token is given back.
//!
//! Guessing passwords is limited for each name, whether it is somebody's or not, and for all names that nobody logged in under
//! lately together. Who is over the limit is not even looked at, so a right guess does not show: the price is that a stranger
//! can keep somebody from logging in for a minute at a time, though not from working with a token.

use std::time::Duration;

use drover_store::people::{operators, tokens};
use moka::{future::Cache, policy::EvictionPolicy};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::{
    Operator,
    passwords::{Hashing, is_possible},
};
use crate::{
    Secret, Service, ServiceError,
    enrolment::check_text,
    logins::{Budget, Failures, Memory, TooManyStrangers},
};

/// Logins a second under names that nobody logged in under lately. Each costs a core some twenty milliseconds.
const STRANGERS_PER_SECOND: u32 = 10;
/// How soon whoever was turned away for the strangers' sake may come again.
const STRANGERS_PAUSE: Duration = Duration::from_secs(1);
/// How long a name is known after a login.
const FAMILIAR_FOR: Duration = Duration::from_hours(24);
/// Names that are known.
const FAMILIAR_MAX: u64 = 8_192;

/// A hash by which something is recognised.
type Fingerprint = [u8; 32];

/// What is remembered of operators.
pub(crate) struct OperatorAuth {
    tokens: Memory<Fingerprint, Bearer>,
    failures: Failures<Fingerprint>,
    strangers: Budget,
    familiar: Cache<Fingerprint, ()>,
    pub(super) hashing: Hashing,
}

impl OperatorAuth {
    pub(crate) fn new(life: Duration) -> Self {
        let familiar = Cache::builder().max_capacity(FAMILIAR_MAX).eviction_policy(EvictionPolicy::lru());
        Self {
            tokens: Memory::new(life),
            failures: Failures::new(),
            strangers: Budget::new(STRANGERS_PER_SECOND),
            familiar: familiar.time_to_live(FAMILIAR_FOR).build(),
            hashing: Hashing::new(),
        }
    }
}

/// Whose token it is.
struct Bearer {
    operator: Operator,
    good_until: Instant,
}

/// A new token, shown this once.
#[derive(Debug, Clone)]
pub struct IssuedToken {
    /// What the caller shows.
    pub token: Secret,
    /// How long it lives.
    pub lives_for: Duration,
    /// Whose it is.
    pub operator: Operator,
}

/// What becomes of an operator's login.
#[derive(Debug, Clone)]
pub enum OperatorLogin {
    /// The password is right.
    Accepted(Box<IssuedToken>),
    /// Unknown, disabled or a wrong password: which of them is nobody's business.
    Refused,
    /// Not looked into: there were too many.
    TooMany {
        /// How long to wait before the next try.
        retry_after: Duration,
    },
}

/// What becomes of a call with a token.
#[derive(Debug, Clone)]
pub enum TokenCheck {
    /// It is this operator's.
    Accepted(Box<Operator>),
    /// Unknown, revoked, over, or its operator was disabled.
    Refused,
    /// Not looked into: there were too many that are nobody's.
    TooMany {
        /// How long to wait before the next try.
        retry_after: Duration,
    },
}

impl OperatorLogin {
    /// The result as a metric's label.
    const fn label(&self) -> &'static str {
        match self {
            Self::Accepted(_) => "accepted",
            Self::Refused => "refused",
            Self::TooMany { .. } => "too_many",
        }
    }
}

impl Service {
    /// Lets an operator in, by tenant, name and password. An unknown name takes as long as a wrong password.
    pub async fn log_in(&self, tenant: &str, login_id: &str, password: &Secret) -> Result<OperatorLogin, ServiceError> {
        let login = self.try_log_in(tenant, login_id, password).await;
        let result = login.as_ref().map_or("unavailable", OperatorLogin::label);
        metrics::counter!("drover_operator_logins_total", "result" => result).increment(1);
        login
    }

    async fn try_log_in(&self, tenant: &str, login_id: &str, password: &Secret) -> Result<OperatorLogin, ServiceError> {
        // What cannot be anybody's is refused without a look, and nothing is kept of it.
        let is_name = |text: &str| check_text("name", text).is_ok();
        if !is_name(tenant) || !is_name(login_id) || !is_possible(password) {
            return Ok(OperatorLogin::Refused);
        }
        let auth = &self.inner.operator_auth;
        let name = fingerprint(&format!("{tenant}\0{login_id}"));
        let is_familiar = auth.familiar.contains_key(&name);
        if !is_familiar && !auth.strangers.take() {
            return Ok(OperatorLogin::TooMany { retry_after: STRANGERS_PAUSE });
        }
        // Counted before it is known to have failed, so that those who come at once are counted too.
        if let Some(retry_after) = auth.failures.count(&name).await {
            if !is_familiar {
                auth.strangers.give_back();
            }
            return Ok(OperatorLogin::TooMany { retry_after });
        }
        let found = operators::by_login(&self.store().client().await?, tenant, login_id).await?;
        let hash = found.as_ref().map(|(_, hash)| hash.clone());
        let is_right = auth.hashing.verify(password, hash).await?;
        let Some((record, hash)) = found.filter(|(record, _)| is_right && record.disabled_at.is_none()) else {
            return Ok(OperatorLogin::Refused);
        };
        let Some(issued) = self.issue_token(record.into(), &hash).await? else { return Ok(OperatorLogin::Refused) };
        if !is_familiar {
            auth.strangers.give_back();
            auth.familiar.insert(name, ()).await;
        }
        auth.failures.forgive(&name).await;
        tracing::info!(operator = %issued.operator.id, "operator logged in");
        Ok(OperatorLogin::Accepted(Box::new(issued)))
    }

    /// A token for an operator whose password was just found right; `None` when it has changed since.
    async fn issue_token(&self, operator: Operator, hash: &str) -> Result<Option<IssuedToken>, ServiceError> {
        let token = self.random_token();
        let lives_for = self.options().access_token_ttl;
        let client = self.store().client().await?;
        let is_added = tokens::insert(&client, operator.id, hash, &fingerprint(token.expose()), lives_for).await?;
        Ok(is_added.then_some(IssuedToken { token, lives_for, operator }))
    }

    /// Checks who calls with a token.
    pub async fn authenticate_operator(&self, token: &str) -> Result<TokenCheck, ServiceError> {
        let token = fingerprint(token);
        let look_up = self.inner.operator_auth.tokens.look_up(&token, self.read_bearer(token)).await?;
        Ok(match look_up {
            Err(TooManyStrangers) => TokenCheck::TooMany { retry_after: STRANGERS_PAUSE },
            Ok(found) => match found.filter(|bearer| Instant::now() < bearer.good_until) {
                Some(bearer) => TokenCheck::Accepted(Box::new(bearer.operator.clone())),
                None => TokenCheck::Refused,
            },
        })
    }

    async fn read_bearer(&self, token: Fingerprint) -> Result<Option<Bearer>, ServiceError> {
        let asked_at = Instant::now();
        let found = tokens::operator(&self.store().client().await?, &token).await?;
        Ok(found.map(|(record, left)| Bearer { operator: record.into(), good_until: asked_at + left }))
    }

    /// Takes a token back: its holder logs out.
    pub async fn revoke_token(&self, token: &str) -> Result<(), ServiceError> {
        let token = fingerprint(token);
        tokens::revoke(&self.store().client().await?, &token).await?;
        self.inner.operator_auth.tokens.doubt(&token).await;
        Ok(())
    }

    /// Removes a batch of tokens that are over. Whether there may be more.
    pub async fn forget_old_tokens(&self) -> Result<bool, ServiceError> {
        const BATCH: i64 = 1000;
        let swept = tokens::sweep(&self.store().client().await?, BATCH).await?;
        Ok(i64::try_from(swept) == Ok(BATCH))
    }
}

fn fingerprint(text: &str) -> Fingerprint {
    Sha256::digest(text.as_bytes()).into()
}

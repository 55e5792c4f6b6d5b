//! Passwords: hashed with Argon2id in the parameters that OWASP recommends (19 MiB, two passes, one lane).

use std::{sync::Arc, time::Duration};

use argon2::{Argon2, PasswordHasher as _, PasswordVerifier as _};
use tokio::{sync::Semaphore, time::timeout};

use crate::{Secret, ServiceError};

/// The fewest and the most characters of a password.
const LENGTHS: std::ops::RangeInclusive<usize> = 12..=128;
/// Hashes that are computed at once, of 19 MiB each: whoever floods the login costs no more memory than this.
const HASHES_AT_ONCE: usize = 2;
/// How long a hash waits for its turn.
const TURN_LIMIT: Duration = Duration::from_secs(5);
/// Nobody's hash: checking against it takes the time that checking against somebody's takes.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Checks that a password may be chosen.
pub(super) fn check_new(password: &Secret) -> Result<(), ServiceError> {
    let text = password.expose();
    if !LENGTHS.contains(&text.chars().count()) {
        let (least, most) = LENGTHS.into_inner();
        return Err(ServiceError::invalid("password", format!("must have {least} to {most} characters")));
    }
    if text.contains('\0') {
        return Err(ServiceError::invalid("password", "holds a NUL character"));
    }
    Ok(())
}

/// Whether a text can be anybody's password.
pub(super) fn is_possible(password: &Secret) -> bool {
    check_new(password).is_ok()
}

/// The turns in which hashes are computed.
pub(super) struct Hashing {
    turns: Arc<Semaphore>,
}

impl Hashing {
    pub(super) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(HASHES_AT_ONCE)) }
    }

    /// The hash of a password, in the PHC string format.
    pub(super) async fn hash(&self, password: &Secret, salt: [u8; 16]) -> Result<String, ServiceError> {
        let password = password.clone();
        let hash = self
            .in_turn(move || Argon2::default().hash_password_with_salt(password.expose().as_bytes(), &salt))
            .await?;
        hash.map(|hash| hash.to_string()).map_err(|error| ServiceError::Internal(error.to_string().into()))
    }

    /// Whether a password is the one of that hash; without a hash it is not, and that takes as long.
    pub(super) async fn verify(&self, password: &Secret, hash: Option<String>) -> Result<bool, ServiceError> {
        let (password, is_somebody) = (password.clone(), hash.is_some());
        let hash = hash.unwrap_or_else(|| NOBODYS.to_owned());
        let fits = self
            .in_turn(move || Argon2::default().verify_password(password.expose().as_bytes(), hash.as_str()))
            .await?;
        Ok(fits.is_ok() && is_somebody)
    }

    /// Works on a thread that may be busy. The turn lasts until the work is done, also when nobody waits for it any more.
    async fn in_turn<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, ServiceError> {
        let unavailable = |error| ServiceError::Unavailable(error);
        let turn = timeout(TURN_LIMIT, Arc::clone(&self.turns).acquire_owned()).await;
        let turn = turn.map_err(|error| unavailable(error.into()))?.map_err(|error| unavailable(error.into()))?;
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        done.await.map_err(|error| ServiceError::Internal(error.into()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_knows_its_password_and_no_other() {
        let hashing = Hashing::new();
        let right = Secret::new("correct horse battery");
        let hash = hashing.hash(&right, [7; 16]).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hashing.hash(&right, [8; 16]).await.unwrap(), "each has a salt");
        assert!(hashing.verify(&right, Some(hash.clone())).await.unwrap());
        assert!(!hashing.verify(&Secret::new("correct horse batterz"), Some(hash)).await.unwrap());
        assert!(!hashing.verify(&right, None).await.unwrap());
    }

    #[test]
    fn nobodys_hash_costs_what_a_real_one_costs() {
        let nobodys = argon2::PasswordHash::new(NOBODYS).unwrap();
        let costs = |params: &argon2::Params| (params.m_cost(), params.t_cost(), params.p_cost());
        let hasher = Argon2::default();
        assert_eq!(costs(&argon2::Params::try_from(&nobodys).unwrap()), costs(hasher.params()));
    }

    #[test]
    fn a_password_is_long_and_not_endless() {
        for (password, is_good) in [
            ("short passw".to_owned(), false),
            ("long enough!".to_owned(), true),
            ("密".repeat(12), true),
            ("x".repeat(128), true),
            ("x".repeat(129), false),
            ("long enough\0!".to_owned(), false),
        ] {
            assert_eq!(check_new(&Secret::new(&password)).is_ok(), is_good, "{password:?}");
        }
    }
}

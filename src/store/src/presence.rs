//! Who works on a database: many processes that share a broker, or a single one with a broker of its own.

use crate::{Store, StoreError};

/// Any number that nobody else locks: "drover" in ASCII, and one.
const LOCK: i64 = 0x64_72_6f_76_65_73;

/// A process's place, held by a connection of its own until it is dropped or the process ends.
pub struct Presence {
    _connection: deadpool_postgres::ClientWrapper,
}

/// Takes a place, `alone` or beside others that are not alone; `None` when somebody is in the way.
pub async fn take(store: &Store, alone: bool) -> Result<Option<Presence>, StoreError> {
    const ALONE: &str = "/* presence::take alone */ SELECT pg_try_advisory_lock($1)";
    const BESIDE: &str = "/* presence::take beside */ SELECT pg_try_advisory_lock_shared($1)";
    let connection = deadpool_postgres::Object::take(store.client().await?);
    let is_taken = connection.query_one(if alone { ALONE } else { BESIDE }, &[&LOCK]).await?.get(0);
    Ok(if is_taken { Some(Presence { _connection: connection }) } else { None })
}

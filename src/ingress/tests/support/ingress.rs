//! An ingress on a database, in a world whose clock stands still and whose chance is the same in each run.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use chrono::{DateTime, Utc};
use drover_ingress::{AppState, Limits, Lobby};
use drover_service::{Clock, Entropy, FileStore, SecretKey, Service, ServiceOptions};
use drover_store::{Store, StoreOptions, TlsMode};

/// It is this time, and stays so.
struct Fixed(DateTime<Utc>);

impl Clock for Fixed {
    fn now(&self) -> DateTime<Utc> {
        self.0
    }
}

/// Different bytes at each call, the same ones in each run.
#[derive(Default)]
struct Counter(AtomicU64);

impl Entropy for Counter {
    fn fill(&self, bytes: &mut [u8]) {
        let n = self.0.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1);
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = n.to_le_bytes()[index % 8] ^ u8::try_from(index / 8).unwrap();
        }
    }
}

/// An ingress on the database at `url`, with its files in `folder`.
pub(crate) fn state(
    url: &str,
    folder: &Path,
    now: DateTime<Utc>,
    options: &ServiceOptions,
    limits: Limits,
) -> (AppState, Store) {
    let store = Store::new(&StoreOptions {
        url: url.into(),
        pool_size: 8,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(30),
        tls: TlsMode::Disable,
    })
    .unwrap();
    let entropy = Arc::new(Counter::default());
    let key = SecretKey::parse(&SecretKey::generate(entropy.as_ref())).unwrap();
    let files = FileStore::folder(folder).unwrap();
    let options = ServiceOptions { public_url: "http://drover.test".into(), ..options.clone() };
    let service = Service::new(store.clone(), files, key, Arc::new(Fixed(now)), entropy, options);
    let (lobby, _) = Lobby::new(10);
    let state = AppState {
        service,
        now: Arc::new(move || now),
        random: Arc::new(|| 7),
        broker: Arc::new(|| None),
        lobby,
        devices_vhost: "/".into(),
        metrics: None,
        limits,
    };
    (state, store)
}

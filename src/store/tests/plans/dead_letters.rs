//! Dead letters are read, kept and dealt with by index, whatever the statistics say.

use std::time::Duration;

use drover_store::{
    Store,
    queues::{
        self,
        dead_letters::{self, NewDeadLetter},
    },
};
use drover_testkit::TestDatabase;
use uuid::Uuid;

use crate::world::{self, ROUNDS, Statistics, sequential_scans};

const QUEUES: i64 = 10;
/// Of each queue.
const LETTERS: i64 = 3_000;

async fn filled(statistics: Statistics) -> (Store, TestDatabase) {
    let fill = format!(
        "INSERT INTO queues (name, sampled_at) SELECT 'q' || n, now() FROM generate_series(1, {QUEUES}) n;
        INSERT INTO dead_letters (queue, message_id, body, reason, broker_attempt, trace_context)
            SELECT 'q' || 1 + n % {QUEUES}, lpad(n::text, 32, '0')::uuid, repeat('x', 300)::bytea, 'reason ' || n % 100, 0, ''
            FROM generate_series(1, {QUEUES} * {LETTERS}) n"
    );
    world::filled(statistics, &["dead_letters", "queues"], &fill).await
}

#[tokio::test]
async fn no_look_at_dead_letters_reads_all_of_them() {
    for statistics in Statistics::ALL {
        let (store, _database) = filled(statistics).await;
        let mut client = store.client().await.unwrap();
        let tx = client.transaction().await.unwrap();
        let table = ["dead_letters"];
        // Those of the filling may not have been accounted for yet.
        let before = sequential_scans(&tx, &table).await;
        for round in 1..=ROUNDS {
            let queue = format!("q{round}");
            let unchanged = async |what: &str| {
                let scans = sequential_scans(&tx, &table).await;
                assert_eq!(scans, before, "{what}, round {round}, statistics {statistics:?}");
            };
            let page = dead_letters::list(&tx, Some(&queue), "", i64::MAX, 50).await.unwrap();
            assert_eq!((page.letters.len(), page.letters[0].body.len()), (50, 240));
            unchanged("a page of a queue").await;
            let found = dead_letters::list(&tx, Some(&queue), "REASON 9", i64::MAX, 1000).await.unwrap();
            assert!(found.letters.len() < 1000 && found.next.is_some(), "the walk ends before the queue does");
            unchanged("a search").await;
            assert_eq!(dead_letters::list(&tx, None, "", i64::MAX, 50).await.unwrap().letters.len(), 50);
            unchanged("a page of all").await;
            assert_eq!(dead_letters::count_up_to(&tx, &queue, 100).await.unwrap(), 100);
            assert!(dead_letters::matching(&tx, &queue, "reason", i64::MAX).await.unwrap().0 > 2_000);
            unchanged("counts").await;
            let ids = dead_letters::lock_matching(&tx, &queue, "reason", (0, i64::MAX), 20).await.unwrap();
            assert_eq!(ids.len(), 20);
            assert_eq!(dead_letters::discard(&tx, &ids[..10]).await.unwrap(), 10);
            let fresh: Vec<Uuid> = ids[10..].iter().map(|_| Uuid::nil()).collect();
            assert_eq!(dead_letters::replay(&tx, &ids[10..], &fresh).await.unwrap(), 10);
            assert!(dead_letters::get(&tx, ids[0]).await.unwrap().is_none());
            unchanged("deeds").await;
            let letter = NewDeadLetter {
                message_id: Some(Uuid::from_u128(u128::from(round.unsigned_abs()))),
                routing_key: None,
                body: b"x".to_vec(),
                reason: "again".into(),
                broker_attempt: 1,
                trace_context: String::new(),
                job: None,
            };
            dead_letters::keep(&tx, "q1", &[letter]).await.unwrap();
            assert_eq!(dead_letters::forget_old(&tx, Duration::from_hours(1), 500).await.unwrap(), 0);
            unchanged("keeping").await;
            let queues = queues::list(&tx).await.unwrap();
            assert_eq!(queues.len(), usize::try_from(QUEUES).unwrap());
            unchanged("queues").await;
        }
    }
}

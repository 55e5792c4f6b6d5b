//! What a device says of several attempts comes to the same whether it is recorded one by one or in one batch, and however
//! much of it is invented.
#![allow(clippy::unwrap_used)]

mod support;

use drover_domain::{CommandId, DeviceId};
use drover_messages::{DeviceReport, ReportStatus};
use drover_service::{Join, Reason, Recorded};
use support::{World, report};

/// Commands of a job with as many retries, one a device, handed out.
async fn commands(world: &World, uuids: &[String], retry_limit: i16) -> Vec<CommandId> {
    let service = &world.service;
    let job = world.draft(retry_limit).await;
    service.join_devices(&world.product, job.id, Join::Devices(uuids.to_vec()), "me").await.unwrap();
    service.start_job(&world.product, job.id, None).await.unwrap();
    service.plan_job(job.id, 1_000).await.unwrap();
    let sql = "SELECT d.id FROM unnest($1::text[]) WITH ORDINALITY AS u (uuid, place) JOIN devices d USING (uuid) ORDER BY place";
    let rows = world.client().await.query(sql, &[&uuids]).await.unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(service.record_sent(&job, 1, &ids).await.unwrap(), [0; 0]);
    ids.into_iter().map(|id| CommandId { job: job.id, device: DeviceId(id) }).collect()
}

/// State, attempt, retries left, version, and the outcomes: of each command.
async fn ends(world: &World, commands: &[CommandId]) -> Vec<(String, i16, i16, Option<String>, Vec<String>)> {
    let ids: Vec<i64> = commands.iter().map(|command| command.device.0).collect();
    let sql = "SELECT c.state, c.attempt, c.retries_left, c.version_after, ARRAY(SELECT outcome FROM outcomes o
            WHERE o.job_id = c.job_id AND o.device_id = c.device_id ORDER BY o.attempt)
        FROM unnest($2::bigint[]) WITH ORDINALITY AS u (device_id, place)
        JOIN commands c ON c.job_id = $1 AND c.device_id = u.device_id ORDER BY u.place";
    let rows = world.client().await.query(sql, &[&commands[0].job.0, &ids]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3), row.get(4))).collect()
}

const WORDS: [ReportStatus; 4] =
    [ReportStatus::Installing, ReportStatus::Failed, ReportStatus::Refused, ReportStatus::Succeeded];

/// Every story that says one of [`WORDS`] of the first, the second, the third and an invented attempt.
fn stories() -> Vec<Vec<(i16, ReportStatus)>> {
    let mut stories = vec![vec![]];
    for attempt in [1, 2, 3, 30_000] {
        let longer = |story: Vec<(i16, ReportStatus)>| {
            WORDS.map(|status| [story.as_slice(), &[(attempt, status), (attempt, ReportStatus::Succeeded)]].concat())
        };
        stories = stories.into_iter().flat_map(longer).collect();
    }
    stories
}

#[tokio::test]
async fn attempts_come_to_the_same_one_by_one_and_together() {
    let world = World::new().await;
    let stories = stories();
    let uuids = world.enrol(4 * stories.len()).await;
    let mut uuids = uuids.chunks(stories.len());
    for retry_limit in [0, 1] {
        let mut all_ends = Vec::new();
        for together in [false, true] {
            let uuids = uuids.next().unwrap();
            let commands = commands(&world, uuids, retry_limit).await;
            let said = |place: usize| -> Vec<DeviceReport> {
                let said = uuids.iter().zip(&commands).zip(&stories);
                said.map(|((uuid, id), story)| DeviceReport {
                    firmware_version: Some(format!("1.{place}")),
                    ..report(uuid, id.to_i64(), story[place].0, story[place].1)
                })
                .collect()
            };
            let by_place: Vec<Vec<DeviceReport>> = (0..stories[0].len()).map(said).collect();
            if together {
                world.service.record_reports(&by_place.concat()).await.unwrap();
            } else {
                for reports in by_place {
                    world.service.record_reports(&reports).await.unwrap();
                }
            }
            all_ends.push(ends(&world, &commands).await);
        }
        world.assert_clean().await;
        for (place, story) in stories.iter().enumerate() {
            assert_eq!(all_ends[1][place], all_ends[0][place], "{story:?}, tries: {retry_limit}");
        }
    }
}

#[tokio::test]
async fn invented_attempts_change_nothing_and_true_ones_beside_them_count() {
    let world = World::new().await;
    let uuids = world.enrol(1).await;
    let command = commands(&world, &uuids, 1).await[0];
    let failed = |attempt| report(&uuids[0], command.to_i64(), attempt, ReportStatus::Failed);
    // The latest first: a batch is applied by attempts, and what cannot come does not stand in the way of what does.
    let batch: Vec<DeviceReport> = (1..=500).rev().map(failed).collect();
    let recorded = world.service.record_reports(&batch).await.unwrap();
    assert_eq!(recorded[498..], [Recorded::Applied, Recorded::Applied]);
    assert!(recorded[..498].iter().all(|recorded| *recorded == Recorded::Kept(Reason::Premature)), "{recorded:?}");
    let ends = ends(&world, &[command]).await.remove(0);
    assert_eq!((ends.0.as_str(), ends.1, ends.2, ends.4.len()), ("failed", 2, 0, 2));
    world.assert_clean().await;
}

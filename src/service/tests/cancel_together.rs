//! What a device says around a cancel comes to the same whether its reports are recorded one by one or in one batch.
#![allow(clippy::unwrap_used)]

mod support;

use std::collections::HashMap;

use drover_domain::{CommandId, DeviceId};
use drover_messages::{DeviceReport, ReportStatus};
use drover_service::{CancelMode, Join};
use support::{World, report};

const STATUSES: [ReportStatus; 8] = [
    ReportStatus::Downloading,
    ReportStatus::Downloaded,
    ReportStatus::Installing,
    ReportStatus::Succeeded,
    ReportStatus::Failed,
    ReportStatus::Refused,
    ReportStatus::Cancelled,
    ReportStatus::CancelRefused,
];

/// Every story of two and of three reports.
fn stories() -> Vec<Vec<ReportStatus>> {
    let two = STATUSES.into_iter().flat_map(|first| STATUSES.map(|second| vec![first, second]));
    let two: Vec<Vec<ReportStatus>> = two.collect();
    let three = two.iter().flat_map(|two| STATUSES.map(|third| [two.as_slice(), &[third]].concat()));
    let three: Vec<Vec<ReportStatus>> = three.collect();
    two.into_iter().chain(three).collect()
}

/// Where each story leaves a command: state, attempt, whether it refused, and the outcomes of its attempts.
type Ends = Vec<(String, i16, bool, Vec<String>)>;

async fn tell(world: &World, uuids: &[String], cancel: bool, retry_limit: i16, together: bool) -> Ends {
    let (service, stories) = (&world.service, stories());
    let job = world.draft(retry_limit).await;
    service.join_devices(&world.product, job.id, Join::Devices(uuids.to_vec()), "me").await.unwrap();
    service.start_job(&world.product, job.id, None).await.unwrap();
    service.plan_job(job.id, 100).await.unwrap();
    let client = world.client().await;
    let devices = client.query("SELECT uuid, id FROM devices", &[]).await.unwrap();
    let devices: HashMap<String, i64> = devices.iter().map(|row| (row.get(0), row.get(1))).collect();
    let ids: Vec<i64> = uuids.iter().map(|uuid| devices[uuid]).collect();
    let commands: Vec<CommandId> = ids.iter().map(|id| CommandId { job: job.id, device: DeviceId(*id) }).collect();
    assert_eq!(service.record_sent(&job, 1, &ids).await.unwrap(), [0; 0]);
    if cancel {
        service.cancel_each(&commands, CancelMode::Soft, "me").await.unwrap();
    }
    let said = |place: usize| -> Vec<DeviceReport> {
        let one = |((uuid, id), story): ((&String, &CommandId), &Vec<ReportStatus>)| {
            story.get(place).map(|status| report(uuid, id.to_i64(), 1, *status))
        };
        uuids.iter().zip(&commands).zip(&stories).filter_map(one).collect()
    };
    let by_place = [said(0), said(1), said(2)];
    if together {
        service.record_reports(&by_place.concat()).await.unwrap();
    } else {
        for reports in by_place {
            service.record_reports(&reports).await.unwrap();
        }
    }
    world.assert_clean().await;
    let sql = "SELECT c.state, c.attempt, c.cancel_refused, ARRAY(SELECT outcome FROM outcomes o
            WHERE o.job_id = c.job_id AND o.device_id = c.device_id ORDER BY o.attempt)
        FROM unnest($2::bigint[]) WITH ORDINALITY AS story (device_id, place)
        JOIN commands c ON c.job_id = $1 AND c.device_id = story.device_id ORDER BY story.place";
    let rows = client.query(sql, &[&job.id.0, &ids]).await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1), row.get(2), row.get(3))).collect()
}

#[tokio::test]
async fn reports_come_to_the_same_one_by_one_and_together() {
    let world = World::new().await;
    let stories = stories();
    let uuids = world.enrol(8 * stories.len()).await;
    let mut uuids = uuids.chunks(stories.len());
    for (cancel, retry_limit) in [(false, 0), (false, 1), (true, 0), (true, 1)] {
        let one_by_one = tell(&world, uuids.next().unwrap(), cancel, retry_limit, false).await;
        let together = tell(&world, uuids.next().unwrap(), cancel, retry_limit, true).await;
        assert_eq!(together.len(), stories.len());
        for ((story, one_by_one), together) in stories.iter().zip(one_by_one).zip(together) {
            assert_eq!(together, one_by_one, "{story:?}, cancelling: {cancel}, tries: {retry_limit}");
        }
    }
}

//! The tables of docs/cancel.md, every case of them against a real Postgres: where the command stands when the cancel comes,
//! soft or by force, what the device reports and when, with tries left or none, with proof asked for or not, of the present
//! attempt or an older one. What is expected is read from the document and never asked of the rules themselves.
#![allow(clippy::unwrap_used)]

mod cases;
mod course;
mod expected;
mod tables;

#[path = "../support/mod.rs"]
mod support;

use cases::Group;
use course::Course;
use support::World;
use tables::Tables;

#[tokio::test]
async fn every_race_ends_as_documented() {
    let world = World::with(drover_service::ServiceOptions {
        backoff: drover_domain::Backoff { base: std::time::Duration::ZERO, max: std::time::Duration::ZERO },
        ..drover_service::ServiceOptions::default()
    })
    .await;
    let tables = Tables::read();
    let groups: Vec<Group> = Group::all().collect();
    let total: usize = groups.iter().map(|group| group.cases().len()).sum();
    assert!(total > 3000, "{total} cases");
    let mut uuids = world.enrol(total).await.into_iter();
    let mut wrong = Vec::new();
    for group in groups {
        let cases = group.cases();
        let uuids = uuids.by_ref().take(cases.len()).collect();
        wrong.extend(Course::start(&world, group, cases, uuids).await.run(&tables).await);
    }
    assert!(wrong.is_empty(), "{} of {total} cases:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert!(tables.unread().is_empty(), "no case reaches {:?}", tables.unread());
    let report = world.service.check().await.unwrap();
    assert_eq!((report.violations, report.open), (Vec::new(), 0));
}

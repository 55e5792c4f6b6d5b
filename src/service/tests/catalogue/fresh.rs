//! What is remembered is right: processes see at once what others change, and the revision is raised by changes alone.

use std::sync::Arc;

use drover_domain::{ClientGroupId, JobId};
use drover_service::{FileStore, SecretKey, Service, ServiceOptions};
use drover_store::{clients::publications, jobs};
use futures_util::future::join_all;

use crate::{
    scene::{ROOT, groups, labels, users, wish},
    support::{Counter, FixedClock},
    town::{Town, agent, asking, named},
};

/// Another process on the same database.
fn other(town: &Town) -> Service {
    let entropy = Arc::new(Counter::default());
    let key = SecretKey::parse(&SecretKey::generate(entropy.as_ref())).unwrap();
    let files = FileStore::folder(town.world.files.path()).unwrap();
    Service::new(town.world.store.clone(), files, key, Arc::new(FixedClock), entropy, ServiceOptions::default())
}

#[tokio::test]
async fn what_one_process_withdraws_no_other_offers_any_more() {
    let town = Town::new().await;
    let other = other(&town);
    let program = town.program("agent", "").await;
    let (one, two) = (town.version(program, 1).await, town.version(program, 2).await);
    let there = async || named(&other.check_software(&town.caller(), &asking("east", &[])).await.unwrap());
    assert_eq!(there().await, []);
    town.publish(one, &["root"]).await;
    assert_eq!(there().await, agent(1));
    let publication = town.publish(two, &["root"]).await;
    assert_eq!(there().await, agent(2));
    let operator = town.operator(ROOT).await;
    town.world.service.cancel_publication(&operator, publication).await.unwrap();
    assert_eq!(there().await, agent(1));
    town.world.service.obsolete_version(&operator, one).await.unwrap();
    assert_eq!(there().await, []);
}

/// How much the revision grows while something happens.
async fn growth<T>(town: &Town, happening: impl Future<Output = T>) -> i64 {
    let before = town.revision().await;
    happening.await;
    town.revision().await - before
}

fn tomorrow() -> Option<chrono::DateTime<chrono::Utc>> {
    chrono::DateTime::from_timestamp(1_800_086_400, 0)
}

#[tokio::test]
async fn each_change_of_programs_raises_the_revision_once() {
    let town = Town::new().await;
    let operator = town.operator(ROOT).await;
    let service = &town.world.service;
    let program = town.program("agent", "").await;
    let (one, two) = (town.version(program, 1).await, town.version(program, 2).await);
    assert_eq!(town.revision().await, 0, "what is not published changes nothing");

    assert_eq!(growth(&town, town.publish(one, &["root", "east", "west"])).await, 1, "publish");
    let publication = town.publish(two, &["root"]).await;
    let scheduled = async { town.distribute(two, "east", tomorrow()).await };
    assert_eq!(growth(&town, scheduled).await, 1, "schedule");
    let distribution = JobId(town.id("SELECT max(id) FROM jobs", &[]).await);
    town.execute("UPDATE jobs SET start_at = now() WHERE id = $1", &[&distribution.0]).await;
    assert_eq!(growth(&town, service.start_due_jobs()).await, 1, "start");
    assert_eq!(growth(&town, service.plan_job(distribution, 1)).await, 1, "the last of it is planned");
    assert_eq!(growth(&town, town.distribute(two, "west", None)).await, 1, "distribute");
    assert_eq!(growth(&town, service.cancel_distribution(&operator, distribution)).await, 1, "cancel");
    assert_eq!(growth(&town, service.cancel_distribution(&operator, distribution)).await, 0, "cancel again");
    assert_eq!(growth(&town, service.cancel_publication(&operator, publication)).await, 1, "cancel publication");
    let later =
        "UPDATE jobs SET expires_at = expires_at - interval '1 day' WHERE state = 'running' AND kind = 'publish'";
    assert_eq!(growth(&town, town.execute(later, &[])).await, 1, "another end");
    let part = "UPDATE audiences SET expires_at = now() WHERE organisation_id = 902";
    assert_eq!(growth(&town, town.execute(part, &[])).await, 1, "the end of parts");
    town.execute("UPDATE jobs SET expires_at = now() WHERE state = 'running' AND kind = 'publish'", &[]).await;
    assert_eq!(growth(&town, service.end_publications()).await, 1, "the end of all");
    town.publish(one, &["root"]).await;
    assert_eq!(growth(&town, service.obsolete_version(&operator, one)).await, 1, "withdraw");
    let named = service.rename_client_group(&operator, ClientGroupId(program), Some("another"));
    assert_eq!(growth(&town, named).await, 1, "rename");
}

#[tokio::test]
async fn each_change_of_assignments_raises_the_revision_once() {
    let town = Town::new().await;
    let [ada, bob] = town.users(["ada", "bob"]).await;
    let (drivers, red) = (town.group("drivers", &[ada]).await, town.label("red", &[bob]).await);
    let application = town.application("com.acme.field", 1).await;
    let policy = "INSERT INTO app_policies (tenant_id, organisation_id, name, domain_type) VALUES ($1, 901, 'p', 0)";
    town.execute(policy, &[&town.tenant.0]).await;
    let before = town.revision().await;
    town.group("others", &[ada, bob]).await;
    town.execute("DELETE FROM user_group_members WHERE group_id <> $1", &[&drivers]).await;
    assert_eq!(town.revision().await, before, "who is in which group is asked with each check");

    assert_eq!(growth(&town, town.push(application, users(&[ada]), wish())).await, 1, "push");
    assert_eq!(growth(&town, town.plan_only()).await, 1, "planned");
    assert_eq!(growth(&town, town.push(application, groups(&[drivers]), wish())).await, 1, "push to a group");
    assert_eq!(growth(&town, town.push(application, labels(&[red]), wish())).await, 1, "push to a label");
    town.plan_only().await;
    assert_eq!(growth(&town, town.take_back(application, groups(&[drivers]))).await, 1, "take back");
    assert_eq!(growth(&town, town.release(application, 11)).await, 1, "replace");
    assert_eq!(growth(&town, town.execute("UPDATE app_policies SET is_enabled = false", &[])).await, 1, "policy");
    assert_eq!(growth(&town, town.remove(application)).await, 1, "remove");
}

#[tokio::test]
async fn what_devices_do_changes_nothing_that_is_published() {
    let town = Town::new().await;
    let [ada, bob] = town.users(["ada", "bob"]).await;
    let drivers = town.group("drivers", &[ada]).await;
    let application = town.application("com.acme.field", 1).await;
    town.push(application, groups(&[drivers]), wish()).await;
    let sent = town.run().await;
    let obeyed = async { town.obey(&sent).await };
    assert_eq!(growth(&town, obeyed).await, 0, "commands move");
    // Somebody joins: Drover itself pushes to them.
    let sql = "INSERT INTO user_group_members (group_id, user_id) VALUES ($1, $2)";
    town.execute(sql, &[&drivers, &bob]).await;
    let jobs = town.id("SELECT count(*) FROM jobs", &[]).await;
    let reviewed = async {
        while town.world.service.review_devices(500).await.unwrap() > 0 {}
        let sent = town.run().await;
        town.obey(&sent).await;
    };
    assert_eq!(growth(&town, reviewed).await, 0, "reviews push");
    assert!(town.id("SELECT count(*) FROM jobs", &[]).await > jobs);
    assert_eq!(growth(&town, town.offered("ada")).await, 0, "devices ask");
}

#[tokio::test]
async fn who_publishes_at_once_waits_for_a_moment_alone() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let mut versions = Vec::new();
    for code in 1..=16 {
        versions.push(town.version(program, code).await);
    }
    town.leave_deadlocks().await;
    join_all(versions.iter().map(|version| town.publish(*version, &["root", "east"]))).await;
    assert_eq!(town.revision().await, 16);
    assert_eq!(town.offered("east").await, agent(16));
}

#[tokio::test]
async fn timekeepers_change_what_tenants_publish_in_one_order() {
    let town = Town::new().await;
    let other = town.world.service.add_tenant("other").await.unwrap();
    let mut client = town.world.client().await;
    let tx = client.transaction().await.unwrap();
    let jobs =
        "INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
            start_at, started_at, expires_at, client_version_id, client_group_id, organisation_id, publication_id)
        SELECT CASE WHEN n % 3 = 0 THEN $1::bigint ELSE $2 END, kind, 'j', state, 0, 1, 1, '', now() - interval '1 h',
            now(), now() - make_interval(secs => 1000 - n), 1, 1, 1, CASE kind WHEN 'distribute' THEN 1 END
        FROM generate_series(1, 20) n, (VALUES ('publish', 'running'), ('distribute', 'scheduled')) of (kind, state)";
    tx.batch_execute("SET LOCAL session_replication_role = replica").await.unwrap();
    tx.execute(jobs, &[&other.0, &town.tenant.0]).await.unwrap();
    let tenants = async |ids: Vec<JobId>| {
        let sql = "SELECT tenant_id FROM jobs JOIN unnest($1::bigint[]) WITH ORDINALITY AS given (id, place) USING (id) ORDER BY place";
        let ids: Vec<i64> = ids.iter().map(|id| id.0).collect();
        tx.query(sql, &[&ids]).await.unwrap().iter().map(|row| row.get(0)).collect::<Vec<i64>>()
    };
    for found in [publications::expired(&tx, 100).await.unwrap(), jobs::due(&tx, 100).await.unwrap()] {
        let tenants = tenants(found).await;
        assert_eq!(tenants.len(), 20);
        assert!(tenants.is_sorted(), "{tenants:?}");
    }
}

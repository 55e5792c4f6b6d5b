//! Client programs: who is offered which version, and when.

use drover_domain::Os;
use drover_service::{Caller, ServiceError, SoftwareCheck};

use crate::{
    scene::ROOT,
    town::{AGENT, Town, agent, asking, named},
};

#[tokio::test]
async fn what_is_published_where_a_device_is_it_is_told_of() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let (one, two) = (town.version(program, 1).await, town.version(program, 2).await);
    assert_eq!(town.offered("east").await, []);
    town.publish(one, &["root"]).await;
    town.publish(two, &["east"]).await;
    assert_eq!(town.offered("east").await, agent(2));
    assert_eq!(town.offered("west").await, agent(1));
    assert_eq!(town.offered("root").await, agent(1));
    assert_eq!(town.check("east", &[(AGENT, 2)]).await, []);
    assert_eq!(town.check("west", &[(AGENT, 1), ("other", 9)]).await, []);

    let found = town.check("east", &[(AGENT, 1)]).await;
    let [update] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!((update.name.as_str(), update.version_name.as_str()), ("Program agent", "1.2"));
    assert_eq!((update.description.as_str(), update.settings.as_str()), ("news of 2", "{}"));
    assert_eq!((update.os, update.size_bytes, update.md5.len()), (Os::Android, 7, 32));
    assert_eq!((update.is_auto_install, update.is_rollback), (false, false), "an update waits for its distribution");
    assert!(update.file_url.contains("/agent.apk?expires="), "{}", update.file_url);
    assert_eq!((&update.icon_url, &update.qr_url), (&None, &None));
    assert!(town.check("east", &[]).await[0].is_auto_install, "what is new is installed at once");
}

#[tokio::test]
async fn what_the_qr_code_downloads_says_where_that_is() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 1).await;
    town.publish(version, &["root"]).await;
    let before = town.revision().await;
    town.execute("UPDATE client_groups SET qr_version_id = $1 WHERE id = $2", &[&version.0, &program]).await;
    assert!(town.revision().await > before);
    let found = town.check("east", &[]).await;
    assert_eq!(found[0].qr_url.as_deref(), Some("http://127.0.0.1:8080/get/agent/qr.png"));
}

#[tokio::test]
async fn a_device_says_where_it_is_and_what_it_is() {
    let town = Town::new().await;
    let (plain, labelled) = (town.program("plain", "").await, town.program("labelled", "COPE,10012").await);
    let (one, two) = (town.version(plain, 1).await, town.version(labelled, 2).await);
    town.publish(one, &["east"]).await;
    town.publish(two, &["east"]).await;

    // Nobody enrolled it: it is where it says, else at the root.
    let stranger = asking("stranger", &[]);
    assert_eq!(town.try_check(&stranger).await.unwrap(), []);
    let in_east = asking("stranger", &[]);
    let in_east = SoftwareCheck { organisation: Some("east".into()), ..in_east };
    assert_eq!(named(&town.try_check(&in_east).await.unwrap()), agent(1));
    let mut of_type = in_east.clone();
    of_type.device_type = Some("10012".into());
    assert_eq!(named(&town.try_check(&of_type).await.unwrap()), agent(2));
    let mut bearing = in_east.clone();
    bearing.labels = vec!["BYOD".into(), "COPE".into()];
    assert_eq!(named(&town.try_check(&bearing).await.unwrap()), agent(2));
    let mut of_windows = in_east.clone();
    of_windows.os = Some(Os::Windows);
    assert_eq!(town.try_check(&of_windows).await.unwrap(), []);

    // Of an enrolled one, what is known counts.
    let mut enrolled = of_windows.clone();
    enrolled.device = "west".into();
    assert_eq!(named(&town.try_check(&enrolled).await.unwrap()), agent(1));
    town.change_device("west", "os = NULL").await;
    assert_eq!(town.try_check(&enrolled).await.unwrap(), []);

    for code in ["nowhere", "", "ea\0st"] {
        let lost = SoftwareCheck { organisation: Some(code.into()), ..in_east.clone() };
        let refused = town.try_check(&lost).await;
        assert!(matches!(refused, Err(ServiceError::Invalid { field: "org_infos", .. })), "{code:?}: {refused:?}");
    }
    for name in ["", "a\0b", "设备", &"x".repeat(500)] {
        let odd = SoftwareCheck { device: name.into(), ..in_east.clone() };
        assert_eq!(named(&town.try_check(&odd).await.unwrap()), agent(1), "{name:?}");
    }
}

#[tokio::test]
async fn who_was_deregistered_is_offered_nothing() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 1).await;
    town.publish(version, &["root"]).await;
    assert_eq!(town.offered("east").await, agent(1));
    town.change_device("east", "status = 'deregistered'").await;
    assert_eq!(town.offered("east").await, []);
}

#[tokio::test]
async fn devices_of_other_tenants_are_strangers() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 1).await;
    town.publish(version, &["root"]).await;
    let other = town.world.service.add_tenant("other").await.unwrap();
    let caller = Caller { tenant: other, app_key: "b".into() };
    assert_eq!(town.world.service.check_software(&caller, &asking("east", &[])).await.unwrap(), []);
}

#[tokio::test]
async fn a_device_whose_turn_has_not_come_waits() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let (one, two) = (town.version(program, 1).await, town.version(program, 2).await);
    town.publish(one, &["root"]).await;
    town.publish(two, &["root"]).await;
    assert_eq!(town.offered("east").await, agent(2), "without a roll-out everybody may have it");
    let later = chrono::DateTime::from_timestamp(1_800_086_400, 0);
    let job = town.distribute(two, "east", later).await;
    assert_eq!(town.offered("east").await, agent(1));
    assert_eq!(town.offered("west").await, agent(2), "it is not for the others");
    assert_eq!(town.check("east", &[(AGENT, 2)]).await, [], "nobody goes back from what the next wave brings");

    // It starts, and its planner has not been there.
    town.execute("UPDATE jobs SET start_at = now() WHERE id = $1", &[&job.0]).await;
    assert_eq!(town.world.service.start_due_jobs().await.unwrap(), 1);
    assert_eq!(town.offered("east").await, agent(1));
    town.plan_only().await;
    let found = town.check("east", &[(AGENT, 1)]).await;
    assert_eq!(named(&found), agent(2));
    assert!(found[0].is_auto_install, "the distribution forces it");

    // Who joins when all was planned has no command, and nothing to wait for.
    town.user("newcomer", 902).await;
    assert_eq!(town.offered("newcomer").await, agent(2));
}

#[tokio::test]
async fn a_roll_out_that_was_cancelled_holds_nobody_back() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 2).await;
    town.publish(version, &["root"]).await;
    let job = town.distribute(version, "root", chrono::DateTime::from_timestamp(1_800_086_400, 0)).await;
    assert_eq!(town.offered("east").await, []);
    let operator = town.operator(ROOT).await;
    town.world.service.cancel_distribution(&operator, job).await.unwrap();
    assert_eq!(town.offered("east").await, agent(2));
}

#[tokio::test]
async fn what_is_published_no_more_is_to_go_back() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let (one, two) = (town.version(program, 1).await, town.version(program, 2).await);
    town.publish(one, &["root"]).await;
    town.publish(two, &["root"]).await;
    assert_eq!(town.check("east", &[(AGENT, 2)]).await, []);
    let operator = town.operator(ROOT).await;
    town.world.service.obsolete_version(&operator, two).await.unwrap();
    let found = town.check("east", &[(AGENT, 2)]).await;
    assert_eq!(named(&found), agent(1));
    assert!(found[0].is_rollback);
    assert_eq!(found[0].version_name, "1.1");
}

#[tokio::test]
async fn a_publication_ends_by_the_clock_alone() {
    let town = Town::new().await;
    let program = town.program("agent", "").await;
    let version = town.version(program, 1).await;
    let job = town.publish(version, &["east", "west"]).await;
    let sql = "UPDATE audiences SET expires_at = now() - interval '1 s' WHERE job_id = $1 AND organisation_id = 902";
    town.execute(sql, &[&job.0]).await;
    assert_eq!(town.offered("east").await, []);
    assert_eq!(town.offered("west").await, agent(1));
    // What is remembered has an end of its own.
    let sql = "UPDATE audiences SET expires_at = now() + interval '150 ms' WHERE job_id = $1 AND organisation_id = 902";
    town.execute(sql, &[&job.0]).await;
    assert_eq!(town.offered("east").await, agent(1));
    let revision = town.revision().await;
    while town.offered("east").await == agent(1) {
        tokio::task::yield_now().await;
    }
    assert_eq!(town.revision().await, revision, "nobody changed anything");
}

//! The pages of jobs and of one job.

use http::{StatusCode, header};

use crate::{browser::Browser, jobs_made::job, world::World};

#[tokio::test]
async fn jobs_are_found_and_followed() {
    let world = World::new().await;
    let empty = Browser::of(&world, "reader").await.get("/ui/jobs").await;
    assert!(empty.html.contains("There are no jobs yet"), "{}", empty.html);
    job(&world, 30).await;
    let browser = Browser::of(&world, "reader").await;
    let list = browser.get("/ui/jobs?text=night&state=running").await;
    assert_eq!(list.status, StatusCode::OK);
    assert!(list.html.contains("href=\"/ui/jobs/4001\"") && list.html.contains("night &lt;run&gt;"), "{}", list.html);
    assert!(list.html.contains("value=\"night\"") && list.html.contains("<option value=\"running\" selected"));
    assert!(!list.html.contains("name=\"tenant\""), "that is for who runs the installation");
    assert!(browser.get("/ui/jobs?text=day").await.html.contains("No job matches"));
    assert_eq!(browser.get("/ui/jobs?state=over").await.status, StatusCode::BAD_REQUEST);
    let north = Browser::of(&world, "north").await;
    assert!(north.get("/ui/jobs").await.html.contains("There are no jobs yet"));
    assert_eq!(north.get("/ui/jobs/4001").await.status, StatusCode::NOT_FOUND);
    assert_eq!(north.get("/ui/jobs/4001/commands.csv").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_job_says_how_it_goes_and_what_may_be_done() {
    let world = World::new().await;
    job(&world, 90).await;
    let admin = Browser::of(&world, "admin").await;
    let page = admin.get("/ui/jobs/4001").await;
    assert_eq!(page.status, StatusCode::OK);
    for part in
        ["id=\"standing\"", "id=\"figures\"", "id=\"course\"", "id=\"states\"", "id=\"failures\"", "id=\"commands\""]
    {
        assert!(page.html.contains(part), "{part}: {}", page.html);
    }
    assert!(page.html.matches("<svg").count() >= 3 && !page.html.contains(" style=\""), "charts without inline style");
    assert!(page.html.contains("data-live=\"/ui/live?page=job&amp;id=4001\""));
    assert!(page.html.contains("33.3 %") && page.html.contains("all devices of the product"));
    assert!(page.html.contains("href=\"/ui/jobs/4001/pause\"") && page.html.contains("href=\"/ui/jobs/4001/cancel\""));
    assert!(!page.html.contains("/ui/jobs/4001/resume"), "it is not held");
    assert!(page.html.contains("/ui/jobs/4001/retry?state=failed,timed_out\""));
    assert!(page.html.contains("/ui/jobs/4001/retry?state=failed&amp;code=E_%22DISK\""));
    let filtered = "/ui/jobs/4001?outcome=failed&amp;code=E_%22DISK#commands";
    assert!(page.html.contains(filtered), "{}", page.html);
    assert!(page.html.contains("href=\"/ui/devices/d-00001\"") && page.html.contains("after=50"));

    let reader = Browser::of(&world, "reader").await;
    let page = reader.get("/ui/jobs/4001").await;
    for action in ["pause", "cancel", "retry"] {
        assert!(!page.html.contains(&format!("/ui/jobs/4001/{action}")), "who only looks gets no buttons");
    }
    let found = reader.get("/ui/jobs/4001?outcome=failed&code=E_%22DISK&text=d-0000").await;
    assert!(found.html.contains("d-00003") && !found.html.contains("d-00001"), "{}", found.html);
    assert!(found.html.contains("/commands.csv?text=d-0000&amp;outcome=failed&amp;code=E_%22DISK"), "{}", found.html);
    assert!(reader.get("/ui/jobs/4001?state=rejected").await.html.contains("No command matches"));
    let csv = reader.get("/ui/jobs/4001/commands.csv?state=failed").await;
    assert_eq!((csv.status, csv.html.lines().count()), (StatusCode::OK, 31));
    assert_eq!(csv.headers[header::CONTENT_TYPE], "text/csv; charset=utf-8");
    assert_eq!(reader.get("/ui/jobs/77").await.status, StatusCode::NOT_FOUND);
    assert_eq!(reader.get("/ui/jobs/x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_publication_is_offered_what_can_be_done_with_it() {
    let world = World::new().await;
    job(&world, 1).await;
    // What it brings makes no difference here.
    let publish = "ALTER TABLE jobs DROP CONSTRAINT jobs_firmware, DROP CONSTRAINT jobs_client;
        UPDATE jobs SET kind = 'publish' WHERE id = 4001";
    world.client().await.batch_execute(publish).await.unwrap();
    let page = Browser::of(&world, "admin").await.get("/ui/jobs/4001").await;
    assert!(page.html.contains("/ui/jobs/4001/cancel"), "{}", page.html);
    assert!(!page.html.contains("/ui/jobs/4001/pause"), "{}", page.html);
}

#[tokio::test]
async fn a_job_in_chinese_and_one_that_has_ended() {
    let world = World::new().await;
    job(&world, 3).await;
    let client = world.client().await;
    client
        .batch_execute("UPDATE jobs SET state = 'completed', finished_at = now() WHERE id = 4001;
            UPDATE job_tallies SET count = 0 WHERE state = 'planned'; UPDATE commands SET state = 'failed', finished_at = now() WHERE state = 'planned'")
        .await
        .unwrap();
    let mut browser = Browser::of(&world, "admin").await;
    browser.language = "zh";
    let page = browser.get("/ui/jobs/4001").await;
    assert!(page.html.contains("失败原因") && page.html.contains("已完成"), "{}", page.html);
    assert!(!page.html.contains("data-live"), "nothing moves any more");
    assert!(page.html.contains("/ui/jobs/4001/retry") && !page.html.contains("/ui/jobs/4001/cancel"));
}

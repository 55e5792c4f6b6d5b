//! Devices are found, and each says why it is not updated.

use http::StatusCode;

use crate::{browser::Browser, world::World};

#[tokio::test]
async fn a_device_is_found_and_its_page_says_why_it_is_not_updated() {
    let world = World::new().await;
    world.device("phone-1", "north").await;
    world.device("phone-2", "south").await;
    let (admin, north) = (Browser::of(&world, "admin").await, Browser::of(&world, "north").await);
    let all = admin.get("/ui/devices").await;
    assert_eq!(all.status, StatusCode::OK);
    assert!(all.html.contains("href=\"/ui/devices/phone-1\"") && all.html.contains("phone-2"), "{}", all.html);
    let part = north.get("/ui/devices?by=name&q=%E8%AE%BE%E5%A4%87").await;
    assert!(part.html.contains("phone-1") && !part.html.contains("phone-2"), "{}", part.html);
    assert!(admin.get("/ui/devices?by=sn&q=x").await.html.contains("No device that you may see begins so."));
    assert_eq!(admin.get("/ui/devices?by=colour").await.status, StatusCode::BAD_REQUEST);

    let page = north.get("/ui/devices/phone-1").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(
        page.html.contains("No job has asked for anything on this device, and it was never heard of.")
            && page.html.contains("<code>nothing_asked</code>")
            && page.html.contains("phone-1@example.com"),
        "{}",
        page.html
    );
    assert_eq!(north.get("/ui/devices/phone-2").await.status, StatusCode::NOT_FOUND);
    assert_eq!(admin.get("/ui/devices/nobody").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn every_attempt_and_report_is_shown_in_order_and_nothing_of_a_device_is_markup() {
    let world = World::new().await;
    let device = world.device("phone-1", "north").await;
    let tenant = world.admin.operator.tenant.0;
    let client = world.client().await;
    let sql = format!(
        "INSERT INTO products (id, tenant_id, name, protocol, master_key_sha256) OVERRIDING SYSTEM VALUE
            VALUES (7, {tenant}, 'p', 'mqtt', '');
         INSERT INTO firmwares (id, tenant_id, product_id, name, version, file_name, object_path, size_bytes, sha256, md5)
            OVERRIDING SYSTEM VALUE VALUES (7, {tenant}, 7, 'f', '1', 'f', 'f', 1, repeat('0', 64), repeat('0', 32));
         INSERT INTO jobs (id, tenant_id, product_id, firmware_id, kind, name, state, retry_limit, attempt_timeout_s,
            job_timeout_s, trace_context, started_at, expires_at, finished_at) OVERRIDING SYSTEM VALUE
            SELECT 9000 + n, {tenant}, 7, 7, 'firmware', 'spring ' || n, 'completed', 1, 60, 60, 't', now(), now(), now()
            FROM generate_series(1, 30) AS n;
         INSERT INTO commands (job_id, device_id, state, prior_state, attempt, finished_at)
            SELECT 9000 + n, {device}, 'failed', 'installing', 2, now() FROM generate_series(1, 30) AS n;
         INSERT INTO outcomes VALUES (9030, {device}, 1, 'timed_out', NULL, NULL, now() - interval '2 h'),
            (9030, {device}, 2, 'failed', 'E7', '<script>alert(1)</script>', now());
         INSERT INTO unapplied_reports (job_id, device_id, attempt, status, code, reason, received_at)
            VALUES (9030, {device}, 1, 'succeeded', 'slow', 'late', now() - interval '1 h');
         INSERT INTO device_apps (device_id, package_name, version_code, version_name, name)
            VALUES ({device}, 'com.example.mail', 12, '1.2', 'Mail')"
    );
    client.batch_execute(&sql).await.unwrap();
    let admin = Browser::of(&world, "admin").await;
    let page = admin.get("/ui/devices/phone-1").await.html;
    assert!(page.contains("The device failed in all 2 attempts of job 9030 with E7: &lt;script&gt;"), "{page}");
    let place = |text: &str| page.find(text).unwrap_or_else(|| panic!("{text}: {page}"));
    assert!(!page.contains("<script>alert"));
    let places = [place("timed out"), place("report that moved nothing"), place("<code>E7</code>")];
    assert!(places.is_sorted(), "{places:?}");
    assert!(page.contains("too late") && page.contains("com.example.mail") && page.contains("1.2 (12)"), "{page}");
    assert!(page.contains("spring 11<"), "twenty a page: {page}");
    assert!(!page.contains("spring 10<"));
    let older = admin.get("/ui/devices/phone-1?after=9011").await.html;
    assert!(older.contains("spring 10<") && older.contains("spring 1<"), "{older}");
    // The jobs are the root's: below it is seen what the device was told, not what they are called.
    let north = Browser::of(&world, "north").await;
    let part = north.get("/ui/devices/phone-1").await.html;
    assert!(part.contains("job 9030 with E7") && part.contains("A job of another organisation: 9030"), "{part}");
    assert!(!part.contains("spring") && !part.contains("/ui/jobs/9030"), "{part}");
    let mut chinese = Browser::of(&world, "admin").await;
    chinese.language = "zh";
    let page = chinese.get("/ui/devices/phone-1").await.html;
    assert!(page.contains("任务 9030 在设备上失败，已尝试 2 次"), "{page}");
}

#[tokio::test]
async fn what_is_looked_through_on_the_way_shows_nowhere() {
    let world = World::new().await;
    world.device("phone-1", "north").await;
    world.device("phone-2", "south").await;
    // More than a page looks at, before and behind the one that north may see.
    let copy = "INSERT INTO devices (tenant_id, organisation_id, uuid, name, imei)
        SELECT tenant_id, organisation_id, 'beyond-' || n, 'a secret ' || n, 'secret-' || n FROM devices, generate_series(1, 4100) AS n
        WHERE uuid = 'phone-2'";
    world.client().await.batch_execute(copy).await.unwrap();
    let north = Browser::of(&world, "north").await;
    for by in ["name", "uuid", "imei"] {
        let (mut address, mut found) = (format!("/ui/devices?by={by}"), 0);
        loop {
            let page = north.get(&address).await;
            assert_eq!(page.status, StatusCode::OK, "{address}");
            for hidden in ["secret", "beyond", "phone-2"] {
                assert!(!page.html.contains(hidden), "{hidden}: {}", page.html);
            }
            found += page.html.matches("href=\"/ui/devices/phone-1\"").count();
            let Some((_, rest)) = page.html.split_once("rel=\"next\" href=\"") else { break };
            address = rest.split('"').next().unwrap().replace("&amp;", "&");
        }
        assert_eq!(found, usize::from(by != "imei"), "by {by}");
    }
    let nowhere = north.get("/ui/devices?after=999999").await;
    assert!(nowhere.html.contains("No device that you may see begins so."), "{}", nowhere.html);
    assert_eq!(north.get("/ui/devices?after=x").await.status, StatusCode::BAD_REQUEST);
}

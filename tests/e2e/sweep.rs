//! What nobody needs is taken away by the real process.

use std::{fs, path::Path, time::Duration};

use drover_testkit::{TestPostgres, wait_until};

use crate::{
    support::{PATIENCE, Setup},
    vendor::{Client, Vendor, noise},
};

/// Writes a file that was written that many hours ago, seen from a file that is written now.
fn put(path: &Path, age_h: u64) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, b"x").unwrap();
    let now = fs::metadata(path).unwrap().modified().unwrap();
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_modified(now - Duration::from_hours(age_h)).unwrap();
}

#[tokio::test]
async fn leftovers_of_killed_uploads_go_and_everything_else_stays() {
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    let files = setup.data.path().join("files");
    let mut drover = setup.start(&["up"]).await;
    let vendor = Vendor::enrol(&setup, "vendor");
    let product = vendor.product(&setup, "meters", "lwm2m");
    Client::new(&drover.base_url, &vendor).firmware(&product, &noise(10_000)).await;
    assert!(drover.terminate().await);
    let firmware = fs::read_dir(files.join("firmware")).unwrap().next().unwrap().unwrap().path();
    let named = fs::read_dir(&firmware).unwrap().next().unwrap().unwrap().path();
    let now = fs::metadata(&named).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&named).unwrap().set_modified(now - Duration::from_hours(48)).unwrap();
    let (orphan, part) = (firmware.join("orphan"), files.join("files/101/killed#1"));
    let (young, elsewhere) = (firmware.join("young"), files.join("backup/old"));
    for (path, age_h) in [(&orphan, 25), (&part, 25), (&young, 23), (&elsewhere, 2500)] {
        put(path, age_h);
    }
    let _drover = setup.start(&["up"]).await;
    wait_until(PATIENCE, "the leftovers to be gone", async || !orphan.exists() && !part.exists()).await;
    assert!(named.exists() && young.exists() && elsewhere.exists());
}

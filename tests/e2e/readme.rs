//! What the README tells a newcomer to paste, pasted.

use std::{
    fs,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use drover_testkit::TestPostgres;
use serde_json::Value;

use crate::support::{DROVER, Setup};

/// The last line of what a block of the README's bash says, counted from 1, in a folder that looks as after `make up`.
async fn pasted(number: usize) -> Value {
    let readme = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md")).unwrap();
    let block = readme.split("```bash\n").nth(number).unwrap().split("```").next().unwrap();
    let database = TestPostgres::database().await;
    let setup = Setup::new(&database.url, None);
    let drover = setup.start(&["up"]).await;
    // The binary where it was built, the data beside it.
    let folder = setup.data.path().join("checkout");
    fs::create_dir_all(folder.join("target/release")).unwrap();
    symlink(DROVER, folder.join("target/release/drover")).unwrap();
    symlink(setup.data.path(), folder.join("drover-data")).unwrap();
    let script = block.replace("http://127.0.0.1:8080", &drover.base_url);
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .env("DATABASE_URL", &database.url)
        .current_dir(&folder)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    serde_json::from_str(said.lines().last().unwrap()).unwrap_or_else(|error| panic!("{error}: {said}"))
}

#[tokio::test]
async fn the_first_request_works_when_pasted() {
    let answer = pasted(1).await;
    assert_eq!((&answer["code"], &answer["result"]["total"]), (&0.into(), &0.into()), "{answer}");
}

#[tokio::test]
async fn the_client_upgrade_works_when_pasted() {
    let answer = pasted(2).await;
    assert_eq!(answer["totalCount"], 1, "{answer}");
    let row = &answer["contentList"][0];
    assert_eq!((&row["deviceName"], &row["status"]), (&"Phone".into(), &"3".into()), "{answer}");
}

#[tokio::test]
async fn the_check_for_updates_works_when_pasted() {
    let answer = pasted(4).await;
    let software = &answer["wdk_rex_software_list_check_response"]["data"]["object"];
    assert_eq!((&software[0]["package_name"], &software[0]["version_code"]), (&"com.example.kiosk".into(), &2.into()));
    assert_eq!(software[0]["size"], 18, "{answer}");
}

#[tokio::test]
async fn the_application_works_when_pasted() {
    let answer = pasted(3).await;
    assert_eq!(answer["total"], 1, "{answer}");
    let row = &answer["rows"][0];
    assert_eq!((&row["deviceName"], &row["loginId"]), (&"Tablet".into(), &"bob".into()), "{answer}");
    assert_eq!(row["installStatus"], 7, "{answer}");
}

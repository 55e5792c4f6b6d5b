//! A disk that is full.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use reqwest::{Body, multipart::Form};
use tokio::process::Command;

use crate::{
    scene::Scene,
    vendor::{noise, sha256},
    world::World,
};

/// More than a process may write while the disk is full: one part of it, in memory, and several.
const UPLOADS: [usize; 2] = [100_000, 9_000_000];
/// What a file may have then, in bytes. The log has more already.
const FULL: &str = "1000:unlimited";

/// The ingress may write no file any more, its log neither.
pub(crate) async fn full(scene: &mut Scene<'_>) {
    let role = scene.role();
    scene.middle().await;
    let pid = scene.world.member(role).pid().to_string();
    limit(&pid, FULL).await;
    for size in UPLOADS {
        let (status, retry, answer) = upload(scene.world, size).await;
        assert_eq!((status, retry), (503, true), "{answer}");
        assert!(answer.contains("\"desc\""), "{answer}");
    }
    limit(&pid, "unlimited:unlimited").await;
    for size in UPLOADS {
        let (status, _, answer) = upload(scene.world, size).await;
        assert_eq!(status, 200, "{answer}");
    }
    let rows = scene.world.rows.query("SELECT object_path FROM firmwares", &[]).await;
    let files = scene.world.operator.data.path().join("files");
    // Uploads that are under way just now may have a file before they have a row, so others may be there; halves not.
    let named: BTreeSet<PathBuf> = rows.iter().map(|row| files.join(row.get::<_, String>(0))).collect();
    let halves: Vec<PathBuf> = below(&files).into_iter().filter(|file| !named.contains(file)).collect();
    assert!(halves.len() <= 1, "half files were left: {halves:?}");
}

async fn limit(pid: &str, bytes: &str) {
    let status = Command::new("prlimit").args(["--pid", pid, &format!("--fsize={bytes}")]).status().await.unwrap();
    assert!(status.success());
}

async fn upload(world: &World, size: usize) -> (u16, bool, String) {
    let file = noise(size);
    let sum = sha256(&file);
    let part = reqwest::multipart::Part::bytes(file).file_name("firmware.bin");
    let form = Form::new().text("name", "large").text("version", "2.0").part("file", part);
    let content_type = format!("multipart/form-data; boundary={}", form.boundary());
    let body = Body::wrap_stream(form.into_stream());
    let request = world.client.upload(&world.product, &sum, &content_type, body);
    let answer = crate::support::http().execute(request).await.unwrap();
    let (status, retry) = (answer.status().as_u16(), answer.headers().contains_key("retry-after"));
    (status, retry, answer.text().await.unwrap())
}

/// Every file in a folder and its folders.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] }).collect()
}

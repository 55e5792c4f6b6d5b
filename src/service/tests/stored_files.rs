//! Uploaded files: kept once, whole or not at all, and taken away when nobody came to use them.
#![allow(clippy::unwrap_used)]

mod support;

use std::{
    fs::File,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use drover_domain::TenantId;
use drover_service::{BoxError, Clock, FileSweep, NewFile, ServiceError, StoredFile};
use futures_util::{StreamExt, TryStreamExt as _, stream};
use support::{FixedClock, World};
use uuid::Uuid;

const ABC_SHA256: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const DAY: Duration = Duration::from_hours(24);

fn new(world: &World, name: &str) -> NewFile {
    let tenant = world.caller.tenant;
    NewFile { tenant, file_name: name.into(), created_by: "me".into(), expected_sha256: None, max_bytes: 100 }
}

fn chunks(texts: &[&'static str]) -> impl StreamExt<Item = Result<Bytes, BoxError>> + Send + Unpin + use<> {
    stream::iter(texts.iter().map(|text| Ok(Bytes::from_static(text.as_bytes()))).collect::<Vec<_>>())
}

async fn store(world: &World, name: &str, text: &'static str) -> StoredFile {
    world.service.store_file(new(world, name), chunks(&[text])).await.unwrap()
}

/// What the folder holds below `files` and `firmware`, but for the world's own firmware.
fn kept(world: &World) -> Vec<PathBuf> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() { walk(&path, found) } else { found.push(path) }
        }
    }
    let mut found = Vec::new();
    walk(world.files.path(), &mut found);
    found.retain(|path| *path != at(world, &world.firmware.object_path));
    found.sort();
    found
}

fn at(world: &World, object_path: &str) -> PathBuf {
    world.files.path().join(object_path)
}

async fn rows(world: &World) -> i64 {
    world.client().await.query_one("SELECT count(*) FROM files", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn a_file_is_kept_with_its_hashes_and_opens_by_its_link() {
    let world = World::new().await;
    let file = world.service.store_file(new(&world, "a 1.apk"), chunks(&["a", "bc"])).await.unwrap();
    assert_eq!((file.sha256.as_str(), file.md5.as_str()), (ABC_SHA256, "900150983cd24fb0d6963f7d28e17f72"));
    assert_eq!((file.size_bytes, file.file_name.as_str()), (3, "a 1.apk"));
    assert_eq!(world.service.stored_file(file.tenant, file.id).await.unwrap(), file);

    let link = world.service.file_link(file.id, "b?.apk");
    let (path, query) = link.split_once('?').unwrap();
    assert_eq!(path, format!("http://127.0.0.1:8080/files/{}/b%3F.apk", file.id));
    let (expires, signature) = query.strip_prefix("expires=").unwrap().split_once("&signature=").unwrap();
    let expires_s: i64 = expires.parse().unwrap();
    assert_eq!(expires_s, FixedClock.now().timestamp() + 86_400);
    let opened = world.service.open_file(file.id, expires, signature).await.unwrap();
    assert_eq!((opened.size_bytes, &opened.sha256), (3, &file.sha256));
    let part: Vec<Bytes> = opened.read(Some(1..3)).await.unwrap().try_collect().await.unwrap();
    assert_eq!(part.concat(), b"bc");
    let other = store(&world, "b", "other").await;
    assert!(matches!(world.service.open_file(other.id, expires, signature).await, Err(ServiceError::Forbidden { .. })));
}

#[tokio::test]
async fn a_link_outlives_an_attempt() {
    let world = World::new().await;
    let link = world.service.file_link_for(Uuid::nil(), "a", Duration::from_hours(100));
    let expires = FixedClock.now().timestamp() + 101 * 3600;
    assert!(link.contains(&format!("?expires={expires}&")), "{link}");
    let short = world.service.file_link_for(Uuid::nil(), "a", Duration::from_secs(1));
    assert_eq!(short, world.service.file_link(Uuid::nil(), "a"), "never shorter than others");
}

#[tokio::test]
async fn a_files_signature_is_no_firmwares() {
    let world = World::new().await;
    let firmware = world.service.firmware_link(&world.firmware);
    let signature = |link: &str| link.rsplit_once('=').unwrap().1.to_owned();
    let file = world.service.file_link(Uuid::from_u128(u128::from(world.firmware.id.0.unsigned_abs())), "f.bin");
    assert_ne!(signature(&firmware), signature(&file));
    let expires = (FixedClock.now().timestamp() + 86_400).to_string();
    let opened = world.service.open_firmware(world.firmware.id, &expires, &signature(&firmware)).await.unwrap();
    assert_eq!(opened.file_name, "f.bin");
    assert!(world.service.open_firmware(world.firmware.id, &expires, &signature(&file)).await.is_err());
}

#[tokio::test]
async fn the_same_bytes_are_one_file_for_a_tenant() {
    let world = World::new().await;
    let first = store(&world, "first.apk", "abc").await;
    let again = store(&world, "again.apk", "abc").await;
    assert_eq!(again, first, "the name is the first one's too");
    assert_eq!((kept(&world), rows(&world).await), (vec![at(&world, &first.object_path)], 1));
    let tenant = world.service.add_tenant("other").await.unwrap();
    let theirs = world.service.store_file(NewFile { tenant, ..new(&world, "x") }, chunks(&["abc"])).await.unwrap();
    assert!(theirs.id != first.id && theirs.object_path != first.object_path);
    for (tenant, id) in [(tenant, first.id), (first.tenant, theirs.id), (TenantId(0), first.id)] {
        let unknown = world.service.stored_file(tenant, id).await;
        assert!(matches!(unknown, Err(ServiceError::NotFound { what: "file", .. })), "{unknown:?}");
    }
}

#[tokio::test]
async fn uploads_that_race_get_one_file() {
    let world = World::new().await;
    // Every upload has written its bytes before any may end: the last chunk comes when all wait for theirs.
    let together = std::sync::Arc::new(tokio::sync::Barrier::new(6));
    let uploads = (0..6).map(|n| {
        let (service, new, together) = (world.service.clone(), new(&world, &format!("{n}.apk")), together.clone());
        tokio::spawn(async move {
            let end = stream::once(async move {
                together.wait().await;
                Ok(Bytes::from_static(b"c"))
            });
            service.store_file(new, chunks(&["ab"]).chain(end).boxed()).await.unwrap()
        })
    });
    let stored: Vec<StoredFile> = futures_util::future::try_join_all(uploads).await.unwrap();
    assert!(stored.iter().all(|file| file == &stored[0] && file.sha256 == ABC_SHA256), "{stored:?}");
    assert_eq!((kept(&world), rows(&world).await), (vec![at(&world, &stored[0].object_path)], 1));
}

#[tokio::test]
async fn what_is_refused_leaves_nothing() {
    let world = World::new().await;
    let long = "x".repeat(129);
    let with_hash = |hash: &str| NewFile { expected_sha256: Some(hash.into()), ..new(&world, "a") };
    let cut = chunks(&["abc"]).chain(stream::iter([Err("cut".into())])).boxed();
    for (new, file, error) in [
        (new(&world, ""), chunks(&["abc"]).boxed(), "file: must have a name"),
        (new(&world, ".."), chunks(&["abc"]).boxed(), "file: is no name for a file"),
        (new(&world, "a\0"), chunks(&["abc"]).boxed(), "file: holds a NUL character"),
        (new(&world, &long), chunks(&["abc"]).boxed(), "file: is longer than 128 characters"),
        (new(&world, "a"), chunks(&[]).boxed(), "file: is empty"),
        (new(&world, "a"), cut, "the upload broke off"),
        (NewFile { max_bytes: 2, ..new(&world, "a") }, chunks(&["abc"]).boxed(), "file is larger than 2 bytes"),
        (with_hash("abc"), chunks(&["abc"]).boxed(), "sha256: must be 64 hexadecimal digits"),
        (with_hash(&"0".repeat(64)), chunks(&["abc"]).boxed(), &format!("sha256: the file's SHA-256 is {ABC_SHA256}")),
    ] {
        assert_eq!(world.service.store_file(new, file).await.unwrap_err().to_string(), error);
        assert_eq!((kept(&world), rows(&world).await), (vec![], 0), "{error}");
    }
    let right = with_hash(&ABC_SHA256.to_uppercase());
    assert_eq!(world.service.store_file(right, chunks(&["abc"])).await.unwrap().sha256, ABC_SHA256);
}

/// Sets when a file was written, counted back from the service's now.
fn set_age(path: &Path, age: Duration) {
    let modified = SystemTime::from(FixedClock.now()) - age;
    File::options().write(true).open(path).unwrap().set_modified(modified).unwrap();
}

fn put(world: &World, path: &str, age: Duration) {
    let path = at(world, path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, b"x").unwrap();
    set_age(&path, age);
}

async fn sweep(world: &World) -> usize {
    let mut sweep: FileSweep = world.service.sweep_files();
    let mut steps = 1;
    while sweep.step().await.unwrap() {
        steps += 1;
    }
    steps
}

#[tokio::test]
async fn bytes_that_no_row_names_are_taken_away() {
    let world = World::new().await;
    let named = store(&world, "named.apk", "abc").await;
    let removed = [
        "files/1/orphan",
        "firmware/9/orphan",
        "imports/1/orphan",
        "files/1/killed#1",
        "firmware/1001/killed#12",
        "imports/1/killed#1",
    ];
    let stays = [
        "files/1/young",
        "firmware/9/young",
        "imports/1/young",
        "files/1/young#1",
        "elsewhere/orphan",
        "orphan",
        "files/1/a#b",
    ];
    for path in removed {
        put(&world, path, 2 * DAY);
    }
    for path in stays {
        put(&world, path, if path.contains("young") { Duration::from_hours(23) } else { 2 * DAY });
    }
    // The object store takes it for a file, so it is one: with a row it stays.
    let odd = "UPDATE files SET object_path = 'files/1/a#b' WHERE id = $1";
    let renamed = store(&world, "odd", "odd").await;
    world.client().await.execute(odd, &[&renamed.id]).await.unwrap();
    std::fs::remove_file(at(&world, &renamed.object_path)).unwrap();
    set_age(&at(&world, &named.object_path), 2 * DAY);
    set_age(&at(&world, &world.firmware.object_path), 2 * DAY);
    sweep(&world).await;
    let mut expected: Vec<PathBuf> = stays.iter().map(|path| at(&world, path)).collect();
    expected.push(at(&world, &named.object_path));
    expected.sort();
    assert_eq!(kept(&world), expected);
    assert!(at(&world, &world.firmware.object_path).exists());
}

#[tokio::test]
async fn a_sweep_goes_page_by_page_and_misses_nothing() {
    let world = World::new().await;
    for n in 0..1_100 {
        put(&world, &format!("files/{}/{n}", n % 7), 2 * DAY);
    }
    for n in 0..1_100 {
        put(&world, &format!("files/{}/{n}#1", n % 7), 2 * DAY);
    }
    assert!(sweep(&world).await >= 6, "a step looks at a part only");
    assert_eq!(kept(&world), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_deleted_firmwares_bytes_stay_while_a_job_brings_them() {
    let world = World::new().await;
    let job = world.draft(0).await;
    let bytes = at(&world, &world.firmware.object_path);
    set_age(&bytes, 2 * DAY);
    // As a program did that looked less closely.
    let delete = "UPDATE firmwares SET deleted_at = now() WHERE id = $1";
    world.client().await.execute(delete, &[&world.firmware.id.0]).await.unwrap();
    sweep(&world).await;
    assert!(bytes.exists());
    world.client().await.execute("UPDATE jobs SET deleted_at = now() WHERE id = $1", &[&job.id.0]).await.unwrap();
    sweep(&world).await;
    assert!(!bytes.exists());
}

/// Lets the last upload of a file be so long ago.
async fn set_uploaded(world: &World, file: &StoredFile, age_s: f64) {
    let sql = "UPDATE files SET uploaded_at = now() - make_interval(secs => $2) WHERE id = $1";
    world.client().await.execute(sql, &[&file.id, &age_s]).await.unwrap();
}

async fn forget(world: &World) {
    let mut after = Uuid::nil();
    while let Some(next) = world.service.forget_unused_files(after).await.unwrap() {
        after = next;
    }
}

#[tokio::test]
async fn files_that_nobody_came_to_use_are_forgotten() {
    let world = World::new().await;
    let week = 7.0 * 86_400.0;
    let [app, icon, unused, young, again] =
        ["app", "icon", "unused", "young", "again"].map(|text| store(&world, text, text));
    let (app, icon, unused, young, again) = (app.await, icon.await, unused.await, young.await, again.await);
    for file in [&app, &icon, &unused, &again] {
        set_uploaded(&world, file, week + 60.0).await;
    }
    set_uploaded(&world, &young, week - 60.0).await;
    assert_eq!(store(&world, "again", "again").await.id, again.id, "uploaded again, it is as new");
    let version = "WITH g AS (INSERT INTO client_groups
            (tenant_id, organisation_id, name, group_code, terminal_class, os, download_key)
            SELECT tenant_id, id, 'g', 'g', '0', 51201, 'k' FROM organisations WHERE tenant_id = $1 RETURNING *)
        INSERT INTO client_versions
            (tenant_id, group_id, file_id, icon_id, package_name, app_name, version_code, version_name, void_at)
            SELECT tenant_id, id, $2, $3, 'p', 'a.apk', 1, '1', now() FROM g";
    let client = world.client().await;
    assert_eq!(client.execute(version, &[&app.tenant.0, &app.id, &icon.id]).await.unwrap(), 1);
    forget(&world).await;
    let mut expected: Vec<PathBuf> =
        [&app, &icon, &young, &again].iter().map(|file| at(&world, &file.object_path)).collect();
    expected.sort();
    assert_eq!(kept(&world), expected);
    assert!(world.service.stored_file(unused.tenant, unused.id).await.is_err());
    assert!(world.service.stored_file(app.tenant, app.id).await.is_ok(), "a void version names its file still");
}

#[tokio::test]
async fn unused_files_may_be_kept_for_ever() {
    let options = drover_service::ServiceOptions { unused_file_retention: None, ..Default::default() };
    let world = World::with(options).await;
    let file = store(&world, "a", "abc").await;
    set_uploaded(&world, &file, 1e9).await;
    forget(&world).await;
    assert_eq!(world.service.stored_file(file.tenant, file.id).await.unwrap(), file);
}

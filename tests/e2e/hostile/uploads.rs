//! Uploads that must leave nothing: no row, and no file, not even a part of one.

use drover_testkit::wait_until;
use reqwest::Body;
use tokio::io::AsyncWriteExt as _;

use super::{MAX_UPLOAD_BYTES, World, read_answer};
use crate::{
    support::PATIENCE,
    vendor::{FIRMWARE, noise, sha256},
};

const FORM: &str = "multipart/form-data; boundary=B";
const NAMED: &str = "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nfw\r\n\
                     --B\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n2.0\r\n";
const FILE: &str = "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"fw.bin\"\r\n\r\n";
const END: &str = "\r\n--B--\r\n";

fn form(parts: &[&[u8]]) -> Vec<u8> {
    parts.concat()
}

/// The head of an upload over a bare connection.
fn head(world: &World, hash: &str, rest: &str) -> String {
    let query = [("productId", world.product.id.as_str()), ("fileSha256", hash)];
    let head = world.head("POST", &format!("{FIRMWARE}/firmware"), &query, b"");
    format!("{head}Content-Type: {FORM}\r\n{rest}\r\n\r\n")
}

async fn assert_nothing_stays(world: &World, what: &str) {
    wait_until(PATIENCE, &format!("nothing to be left of {what}"), async || world.files() == 0).await;
    assert_eq!(world.firmwares().await, 0, "{what}");
}

#[tokio::test]
async fn forms_that_are_not_whole() {
    let world = World::new().await;
    let bytes = noise(5_000_000);
    let hash = sha256(&bytes);
    let (named, file, end) = (NAMED.as_bytes(), FILE.as_bytes(), END.as_bytes());
    let other = b"\r\n--B\r\nContent-Disposition: form-data; name=\"late\"\r\n\r\nx\r\n--B--\r\n";
    let field = |name: &str, length: usize| {
        format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{}\r\n", "x".repeat(length)).into_bytes()
    };
    let fields: Vec<u8> = (0..20).flat_map(|n| field(&format!("f{n}"), 1)).collect();
    for (says, body) in [
        ("file: is missing", form(&[named, b"--B--\r\n"])),
        ("file: is empty", form(&[named, file, end])),
        ("file: the upload broke off", form(&[named, file, &bytes])),
        ("file: the upload broke off", form(&[named, file, &bytes, b"\r\n--B"])),
        ("file: the upload broke off: the file must be the last part", form(&[named, file, &bytes, other])),
        ("fileSha256: the file's SHA-256 is", form(&[named, file, &bytes[1..], end])),
        ("name: is missing", form(&[file, &bytes, end])),
        ("name: is given twice", form(&[named, named, file, &bytes, end])),
        ("description: is longer than 1024", form(&[named, &field("description", 1025), file, &bytes, end])),
        ("description: is larger than 8192 bytes", form(&[named, &field("description", 9000), file, &bytes, end])),
        ("upgradePlan: must be", form(&[named, &field("upgradePlan", 1), file, &bytes, end])),
        ("body: has more than 16 fields", form(&[named, &fields, file, &bytes, end])),
        ("body: more than", form(&[named, b"--B\r\nx: ", &vec![b'y'; 2_000_000], file, &bytes[..9], end])),
        ("body: is no whole form", b"no form at all".to_vec()),
        ("body: is no whole form", Vec::new()),
    ] {
        let mut request = head(&world, &hash, &format!("Content-Length: {}", body.len())).into_bytes();
        request.extend(body);
        let refused = world.raw(request).await.refused(400);
        assert!(refused.starts_with(says), "{says}: {refused}");
        assert_nothing_stays(&world, says).await;
    }
    let no_form = world.client.upload(&world.product, &hash, "application/json", Body::from("{}"));
    assert!(world.send(no_form).await.refused(400).starts_with("Content-Type:"));
    // A name that is a path stays a name, and the neighbours of a bad upload get through.
    let passwd = FILE.replace("fw.bin", "../../../passwd");
    let whole = form(&[named, passwd.as_bytes(), &bytes, end]);
    let stored = world.send(world.client.upload(&world.product, &hash, FORM, Body::from(whole))).await.result();
    assert_eq!((world.firmwares().await, world.files()), (1, 1));
    let url = stored["firmwareUrl"].as_str().unwrap();
    let back = crate::support::http().get(url).send().await.unwrap();
    let disposition = back.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert!(!disposition.split(';').nth(1).unwrap().contains('/'), "{disposition}");
    assert_eq!(sha256(&back.bytes().await.unwrap()), hash);
    world.assert_unharmed().await;
}

#[tokio::test]
async fn files_over_the_limit() {
    let world = World::new().await;
    let hash = "0".repeat(64);
    // Announced: refused before anything of it is sent.
    let announced = head(&world, &hash, &format!("Content-Length: {}", MAX_UPLOAD_BYTES + (2 << 20)));
    let refused = world.raw(announced).await.refused(400);
    assert_eq!(refused, format!("file: is larger than {MAX_UPLOAD_BYTES} bytes"));
    // In chunks: refused when it is too much.
    let mut stream = world.connect().await;
    stream.write_all(head(&world, &hash, "Transfer-Encoding: chunked").as_bytes()).await.unwrap();
    let begin = format!("{NAMED}{FILE}");
    stream.write_all(format!("{:x}\r\n{begin}\r\n", begin.len()).as_bytes()).await.unwrap();
    let mut chunk = b"10000\r\n".to_vec();
    chunk.extend(noise(0x10000));
    chunk.extend(b"\r\n");
    for _ in 0..=MAX_UPLOAD_BYTES / 0x10000 {
        if stream.write_all(&chunk).await.is_err() {
            break;
        }
    }
    let refused = read_answer(&mut stream).await.refused(400);
    assert_eq!(refused, format!("file: is larger than {MAX_UPLOAD_BYTES} bytes"));
    assert_nothing_stays(&world, "a file over the limit").await;
    // One that just fits.
    let bytes = noise(MAX_UPLOAD_BYTES);
    let stored = world.client.firmware(&world.product, &bytes).await;
    assert_eq!(stored["fileSize"], MAX_UPLOAD_BYTES);
    world.assert_unharmed().await;
}

#[tokio::test]
async fn connections_cut_in_the_middle() {
    let world = World::new().await;
    let bytes = noise(5_500_000);
    for is_polite in [true, false] {
        let mut stream = world.connect().await;
        let length = NAMED.len() + FILE.len() + bytes.len() + 100_000;
        let head = head(&world, &sha256(&bytes), &format!("Content-Length: {length}"));
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&form(&[NAMED.as_bytes(), FILE.as_bytes(), &bytes])).await.unwrap();
        wait_until(PATIENCE, "a part to be on the disk", async || world.files() > 0).await;
        if is_polite {
            stream.shutdown().await.unwrap();
            let answer = read_answer(&mut stream).await;
            assert!(answer.status.is_none() || answer.status == Some(400), "{answer:?}");
        }
        drop(stream);
        assert_nothing_stays(&world, "a cut connection").await;
    }
    world.client.firmware(&world.product, &bytes).await;
    assert_eq!((world.firmwares().await, world.files()), (1, 1));
    world.assert_unharmed().await;
}

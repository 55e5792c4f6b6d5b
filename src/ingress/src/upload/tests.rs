//! Forms whole, cut, oversized and out of order, in chunks of every size.

use std::time::Duration;

use futures_util::TryStreamExt as _;

use super::*;

const FORM: &str = "--B\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n固件\r\n\
    --B\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n1.2\r\n\
    --B\r\nContent-Disposition: form-data; name=\"unknown\"\r\n\r\nx\r\n\
    --B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"固件.bin\"\r\n\
    Content-Type: application/octet-stream\r\n\r\nline\r\n--b-\r\n--B--\r\n";

const LIMITS: Limits = Limits {
    max_body_bytes: 1000,
    body_budget_bytes: 1000,
    max_upload_bytes: 1000,
    request_timeout: Duration::from_secs(5),
    poll_wait: Duration::ZERO,
    idle_timeout: Duration::from_secs(5),
    proxies: 0,
};

const KNOWN: [&str; 3] = ["name", "version", "description"];

async fn open(form: Vec<u8>, chunk: usize) -> Result<Upload, UploadError> {
    open_within(&LIMITS, form, chunk).await
}

async fn open_within(limits: &Limits, form: Vec<u8>, chunk: usize) -> Result<Upload, UploadError> {
    let headers = [(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap())].into_iter().collect();
    let chunks: Vec<Result<Bytes, BoxError>> =
        form.chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    Upload::open(&headers, Body::from_stream(stream::iter(chunks)), limits, &KNOWN).await
}

async fn file(upload: Upload) -> Result<Vec<u8>, BoxError> {
    let chunks: Vec<Bytes> = upload.into_file().try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn a_form_is_read_however_it_is_cut_into_chunks() {
    for chunk in [1, 2, 3, 7, 64, 10_000] {
        let mut upload = open(FORM.into(), chunk).await.unwrap();
        let fields = ["name", "version", "description", "unknown"].map(|name| upload.fields.take(name));
        assert_eq!(fields, [Some("固件".into()), Some("1.2".into()), None, None]);
        assert_eq!(upload.file_name.as_deref(), Some("固件.bin"));
        assert_eq!(file(upload).await.unwrap(), b"line\r\n--b-", "chunks of {chunk}");
    }
}

#[tokio::test]
async fn a_form_cut_short_anywhere_is_an_error() {
    // The line end after the closing boundary may be missing.
    for length in 0..FORM.len() - 2 {
        let whole = match open(FORM.as_bytes()[..length].to_vec(), 10).await {
            Ok(upload) => file(upload).await.is_ok(),
            Err(_) => false,
        };
        assert!(!whole, "cut after {length} bytes");
    }
}

#[tokio::test]
async fn nothing_may_follow_the_file() {
    let form =
        FORM.replace("--B--\r\n", "--B\r\nContent-Disposition: form-data; name=\"version\"\r\n\r\n9\r\n--B--\r\n");
    let error = file(open(form.into(), 50).await.unwrap()).await.unwrap_err();
    assert_eq!(error.to_string(), "the file must be the last part");
}

#[tokio::test]
async fn fields_may_follow_a_file_whose_reader_asks_for_them() {
    let field =
        |name: &str, value: &str| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let with = |more: &str| FORM.replace("--B--\r\n", &format!("{more}--B--\r\n")).into_bytes();
    for chunk in [1, 7, 64, 10_000] {
        let mut upload = open(with(&(field("description", "后") + &field("x", "y"))), chunk).await.unwrap();
        let read: Vec<Bytes> = upload.file().try_collect().await.unwrap();
        assert_eq!(read.concat(), b"line\r\n--b-", "chunks of {chunk}");
        let mut fields = upload.finish(&KNOWN).await.unwrap();
        let taken = ["name", "version", "description", "x"].map(|name| fields.take(name));
        assert_eq!(taken, [Some("固件".into()), Some("1.2".into()), Some("后".into()), None]);
    }
    for (more, expected) in [
        (field("version", "9"), "version: is given twice"),
        (field("file", "9"), "file: is given twice"),
        (field("description", &"x".repeat(10_000)), "description: is larger than 8192 bytes"),
        (field("other", "x").repeat(20), "body: has more than 16 fields after the file"),
        (format!("--B\r\nX: {}", "x".repeat(2 << 20)), "body: more than 1048576 bytes come outside of the file"),
    ] {
        // Room for a large file is no room for anything else.
        let limits = Limits { max_upload_bytes: 10 << 20, ..LIMITS };
        let mut upload = open_within(&limits, with(&more), 4096).await.unwrap();
        let read: Vec<Bytes> = upload.file().try_collect().await.unwrap();
        assert_eq!(read.concat(), b"line\r\n--b-");
        let Err(error) = upload.finish(&KNOWN).await else { panic!("{expected}") };
        assert_eq!(error.to_string(), expected);
    }
    let cut = with(&field("description", "x"));
    for length in cut.len() - 40..cut.len() - 2 {
        let mut upload = open(cut[..length].to_vec(), 10).await.unwrap();
        let read: Result<Vec<Bytes>, BoxError> = upload.file().try_collect().await;
        assert!(read.is_err() || upload.finish(&KNOWN).await.is_err(), "cut after {length} bytes");
    }
}

#[tokio::test]
async fn hostile_forms_are_refused() {
    let part =
        |name: &str, value: &str| format!("--B\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    for (form, expected) in [
        (format!("{}--B--", part("name", "x")), "file: is missing"),
        (format!("{}--B--", part("name", "x").repeat(2)), "name: is given twice"),
        (part("name", &"x".repeat(10_000)), "name: is larger than 8192 bytes"),
        (part("other", "x").repeat(20), "body: has more than 16 fields before the file"),
        (format!("--B\r\nX: {}", "x".repeat(2 << 20)), "body: more than 1048576 bytes come outside of the file"),
        ("x".repeat(2 << 20), "body: more than 1048576 bytes come outside of the file"),
    ] {
        let Err(error) = open(form.into(), 4096).await else { panic!("{expected}") };
        assert_eq!(error.to_string(), expected);
    }
    let Err(error) = open(part("name", "?").replace('?', "\0\0").into_bytes(), 10).await else { panic!("cut") };
    assert!(error.to_string().starts_with("body: is no whole form"), "{error}");
}

#[tokio::test]
async fn what_cannot_fit_or_is_no_form_is_refused_unread() {
    let headers = |length: &str, kind: &str| {
        [(header::CONTENT_LENGTH, length.parse().unwrap()), (header::CONTENT_TYPE, kind.parse().unwrap())]
            .into_iter()
            .collect::<HeaderMap>()
    };
    let unread = || Body::from_stream(stream::pending::<Result<Bytes, BoxError>>());
    for (length, kind, expected) in [
        ("2000000000", "multipart/form-data; boundary=B", "file: is larger than 1000 bytes"),
        ("1", "application/json", "Content-Type: must be multipart/form-data with a boundary"),
        ("1", "multipart/form-data", "Content-Type: must be multipart/form-data with a boundary"),
    ] {
        let Err(error) = Upload::open(&headers(length, kind), unread(), &LIMITS, &KNOWN).await else {
            panic!("{expected}")
        };
        assert_eq!(error.to_string(), expected);
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_that_stalls_is_given_up() {
    let headers = [(header::CONTENT_TYPE, "multipart/form-data; boundary=B".parse().unwrap())].into_iter().collect();
    let body = Body::from_stream(stream::pending::<Result<Bytes, BoxError>>());
    let Err(error) = Upload::open(&headers, body, &LIMITS, &KNOWN).await else { panic!("stalled") };
    assert_eq!(error.to_string(), "body: nothing came for 5 s");
}

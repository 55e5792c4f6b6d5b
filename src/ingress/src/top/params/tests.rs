//! What clients send, and what is refused.

use proptest::prelude::*;

use super::*;

async fn read(query: &str, label: &str, body: &[u8]) -> Result<Params, TopError> {
    let headers = [(header::CONTENT_TYPE, label.parse().unwrap())].into_iter().collect();
    Params::read(query, &headers, body).await
}

fn sorted(params: &Params) -> Vec<(&str, &str)> {
    params.values().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

const FORM: &str = "application/x-www-form-urlencoded;charset=UTF-8";

#[tokio::test]
async fn query_and_form_are_one_and_the_form_counts() {
    let read = read("a=1&b=2&c=%E4%B8%AD+%2B", FORM, "b=3&d=文&e&".as_bytes()).await.unwrap();
    assert_eq!(sorted(&read), [("a", "1"), ("b", "3"), ("c", "中 +"), ("d", "文"), ("e", "")]);
    assert_eq!((read.get("b"), read.get("e"), read.get("f")), (Some("3"), None, None));
    let unlabelled = Params::read("", &HeaderMap::new(), b"a=1").await.unwrap();
    assert_eq!(sorted(&unlabelled), [("a", "1")]);
}

#[tokio::test]
async fn a_multipart_form_has_fields_and_files() {
    let body = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n中\r\n--B\r\n\
        Content-Disposition: form-data; name=\"b\"; filename=\"b.bin\"\r\nContent-Type: image/png\r\n\r\n\u{0}\r\n--B--\r\n";
    let read = read("c=3", "multipart/form-data; boundary=B", body.as_bytes()).await.unwrap();
    assert_eq!(sorted(&read), [("a", "中"), ("c", "3")]);
    assert_eq!(read.files(), ["b"]);
}

#[tokio::test]
async fn what_is_ambiguous_or_no_form_is_refused() {
    let twice = "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B\r\n\
        Content-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--B--\r\n";
    let many: Vec<String> = (0..=MAX_PARAMETERS).map(|n| format!("p{n}=")).collect();
    let multipart = "multipart/form-data; boundary=B";
    for (query, label, body, sub_code) in [
        ("a=1&a=1", FORM, "", "isv.invalid-parameter:a"),
        ("", FORM, "a=1&a=2", "isv.invalid-parameter:a"),
        ("", multipart, twice, "isv.invalid-parameter:a"),
        ("a=%ff", FORM, "", "isv.invalid-parameter:a"),
        ("%ff=1", FORM, "", "isv.invalid-parameter"),
        ("=1", FORM, "", "isv.invalid-parameter"),
        ("a%0A=1", FORM, "", "isv.invalid-parameter"),
        (&"x".repeat(NAME_MAX_LEN + 1), FORM, "", "isv.invalid-parameter"),
        (&many.join("&"), FORM, "", "isv.invalid-parameter"),
        ("", "application/json", "{}", "isv.invalid-parameter"),
        ("", "multipart/form-data", "--B--", "isv.invalid-parameter"),
        ("", multipart, "--B\r\nContent-", "isv.invalid-parameter"),
        ("", multipart, "--B\r\nContent-Disposition: form-data\r\n\r\n1\r\n--B--\r\n", "isv.invalid-parameter"),
    ] {
        let error = read(query, label, body.as_bytes()).await.unwrap_err();
        assert_eq!((error.code(), error.sub_code().as_str()), (41, sub_code), "{query} {body}");
    }
    assert!(read("a=1", "application/json", b"").await.is_ok(), "a label without a body");
}

#[tokio::test]
async fn values_are_read_by_type() {
    let read = read("n=5&word=x&empty=&nul=a%00b&yes=True&no=false", "", b"").await.unwrap();
    assert_eq!((read.number("n").unwrap(), read.number::<i64>("empty").unwrap()), (Some(5), None));
    assert!(read.number::<i64>("word").is_err());
    assert_eq!(read.text("word", 1).unwrap(), Some("x"));
    assert!(read.text("word", 0).is_err() && read.text("nul", 9).is_err());
    let truth = |name| read.boolean(name).ok();
    assert_eq!(["yes", "no", "empty", "word"].map(truth), [Some(Some(true)), Some(Some(false)), Some(None), None]);
}

proptest! {
    #[test]
    fn anything_is_read_or_refused(
        query in "\\PC{0,40}|[a-c%=&+0-9]{0,20}",
        label in prop_oneof![Just(FORM), Just("multipart/form-data; boundary=B"), Just("x"), Just("")],
        body in prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(--B|\r\n|Content-Disposition: form-data; name=|a|--){0,12}".prop_map(String::into_bytes),
        ],
    ) {
        let read = futures_util::FutureExt::now_or_never(read(&query, label, &body)).expect("never waits");
        if let Ok(params) = read {
            prop_assert!(params.values().keys().chain(params.files()).all(|name| !name.is_empty() && !name.contains(char::is_control)));
        }
    }
}

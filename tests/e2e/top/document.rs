//! The worked example of `docs/api/top.md`, pasted.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use super::shop::Shop;

/// What blocks of the document's shell say, run one after the other.
fn paste(blocks: &[&str]) -> String {
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &blocks.join("\n")])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
async fn the_worked_example_works_when_pasted() {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/api/top.md");
    let document = fs::read_to_string(document).unwrap();
    let blocks: Vec<&str> = document.split("```sh\n").skip(1).map(|block| block.split("```").next().unwrap()).collect();
    let [setting, known, real] = blocks[..] else { panic!("{} blocks", blocks.len()) };
    let expected = known.lines().last().unwrap().trim_start_matches("# ");
    assert_eq!(expected.len(), 64);
    assert_eq!(paste(&[setting, known]).trim(), expected);

    let shop = Shop::open().await;
    let app = shop.app(&[]);
    let setting = setting
        .replace("KEY=12345678", &format!("KEY={}", app.key))
        .replace("SECRET=helloworld", &format!("SECRET={}", app.secret))
        .replace("http://127.0.0.1:8080", shop.url());
    let real = real.replace("TENANT=10000001", &format!("TENANT={}", shop.tenant));
    let answer: Value = serde_json::from_str(&paste(&[&setting, &real])).unwrap();
    let response = super::callers::response(answer);
    assert_eq!(response["data"]["object"], Value::Array(Vec::new()), "nothing is published: {response}");
    shop.close().await;
}

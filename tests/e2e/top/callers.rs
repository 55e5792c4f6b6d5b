//! Two clients of the TOP gateway from PyPI, made by `scripts/install-deps.sh test`.

use std::{
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value, json};

const PYTHON: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/top-clients/bin/python");
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/e2e/top/clients");
const METHOD: &str = "wdk.rex.software.list.check";

/// A client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Client {
    /// taobaopy: HMAC, JSON, the local time as a text, everything in the body, and gzip.
    Taobaopy,
    /// taobao-sdk-python3: MD5, milliseconds, its own parameters in the query and those of the method in the body.
    Sdk,
}

/// An application's key and secret.
#[derive(Debug, Clone)]
pub(super) struct App {
    pub(super) key: String,
    pub(super) secret: String,
}

impl Client {
    /// What it makes of the answers to calls with these parameters, one after the other from one process.
    pub(super) fn call_all(self, server: &str, app: &App, calls: &[Value]) -> Vec<Value> {
        assert!(Path::new(PYTHON).exists(), "no clients of the TOP gateway: run scripts/install-deps.sh test");
        let program = match self {
            Self::Taobaopy => "with_taobaopy.py",
            Self::Sdk => "with_sdk.py",
        };
        let mut command = Command::new(PYTHON);
        // The server takes texts as China's time, as the gateway that the clients were made for.
        command.arg(format!("{FOLDER}/{program}")).env("TZ", "Asia/Shanghai");
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let order = json!({"server": server, "key": app.key, "secret": app.secret, "method": METHOD, "calls": calls});
        child.stdin.take().unwrap().write_all(order.to_string().as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        let answers = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{self:?}: {}\n{answers}", output.status);
        let answers: Vec<Value> = answers.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(answers.len(), calls.len());
        answers
    }
}

/// What a JSON answer has to say.
pub(super) fn response(mut answer: Value) -> Value {
    let response = answer["wdk_rex_software_list_check_response"].take();
    assert!(response["succeed"] == true && response["msg_code"] == "", "{response} {answer}");
    response
}

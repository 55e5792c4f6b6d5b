//! The application management API against a real database: every call of the document, its rules, who may make it, and its
//! codes.
#![allow(clippy::unwrap_used)] // clippy knows tests by their attribute, not their helpers

#[path = "../../../packages/tests/packages/build/mod.rs"]
#[allow(dead_code)] // it can build more than these tests need
mod build;
mod categories;
mod codes;
mod library;
mod packages;
mod people;
mod policies;
mod replacing;
mod restriction_pushes;
mod restrictions;
mod samples;
mod scopes;
mod shapes;
mod uploads;
#[path = "../mdm/world.rs"]
mod world;

use http::StatusCode;
use serde_json::{Value, json};

/// The message of a call that must have been refused with a code of the document, which comes with HTTP 400.
#[track_caller]
fn refused(code: u16, (status, answer): (StatusCode, Value)) -> String {
    assert_eq!((status.as_u16(), &answer["errorCode"]), (400, &json!(code)), "{answer}");
    assert_eq!(answer.as_object().unwrap().len(), 2, "{answer}");
    answer["message"].as_str().unwrap().to_owned()
}

/// One of the document's own samples.
fn sample(name: &str) -> Value {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/apps/samples").join(name);
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

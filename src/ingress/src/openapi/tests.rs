use std::{collections::BTreeMap, fs, path::Path};

use super::*;

/// What every call of a document says of itself: its path, its method and the rest.
fn calls(document: &Value) -> impl Iterator<Item = (String, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten().filter(|(name, _)| *name != "parameters");
        methods.map(move |(method, call)| (format!("{method} {path}"), call))
    })
}

#[test]
fn the_files_are_what_the_handlers_say() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/openapi");
    let expected: BTreeMap<String, Value> =
        api_documents().into_iter().map(|each| (format!("{}.json", each.family), each.document)).collect();
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        found.insert(name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap());
    }
    let differing: Vec<&String> =
        expected.keys().chain(found.keys()).filter(|name| expected.get(*name) != found.get(*name)).collect();
    assert!(differing.is_empty(), "{differing:?} in schemas/openapi differ from the handlers: run `make schemas`");
}

#[test]
fn every_reference_leads_somewhere_and_every_name_is_one() {
    for ApiDocument { family, document } in api_documents() {
        let mut pending = vec![&document];
        while let Some(value) = pending.pop() {
            if let Some(target) = value.get("$ref").and_then(Value::as_str) {
                let target = target.strip_prefix('#').unwrap();
                assert!(document.pointer(target).is_some(), "{family}: {target} is not there");
            }
            pending.extend(value.as_object().into_iter().flatten().map(|(_, value)| value));
            pending.extend(value.as_array().into_iter().flatten());
        }
        let mut ids = BTreeMap::new();
        for (name, call) in calls(&document) {
            if let Some(other) = ids.insert(call["operationId"].to_string(), name.clone()) {
                panic!("{family}: {other} and {name} have one operationId");
            }
        }
    }
}

#[test]
fn every_call_says_what_it_is_and_what_it_may_answer() {
    for ApiDocument { family, document } in api_documents() {
        for (name, call) in calls(&document) {
            assert!(call["summary"].is_string(), "{family}: {name} has no summary");
            let responses = call["responses"].as_object().unwrap();
            // A download is found by being led to it.
            let succeeds = |status: &String| status.starts_with('2') || status == "307";
            assert!(responses.keys().any(succeeds), "{family}: {name} never succeeds");
            assert!(responses.keys().any(|status| status.starts_with(['2', '3'])), "{family}: {name} never succeeds");
            for status in ["500", "503"] {
                assert!(responses.contains_key(status), "{family}: {name} does not say {status}");
            }
        }
    }
}

#[test]
fn who_looks_is_not_forbidden_to_and_ids_in_addresses_are_numbers() {
    for ApiDocument { family, document } in api_documents() {
        for (name, call) in calls(&document) {
            let may_be_forbidden = call["responses"].get("403").is_some();
            // What is the installation's is for those who run it, and so is to ask for one tenant's jobs.
            let of_the_installation = ["queues", "dead letters", "workers"].map(Value::from);
            let is_theirs = of_the_installation.contains(&call["tags"][0]) || name == "get /admin/v1/jobs";
            assert!(is_theirs || !(may_be_forbidden && name.starts_with("get ")), "{family}: {name}");
            for parameter in call["parameters"].as_array().into_iter().flatten() {
                let is_id = parameter["in"] == "path" && matches!(parameter["name"].as_str(), Some("id" | "groupId"));
                let schema = &parameter["schema"];
                assert!(!is_id || schema["type"] == "integer" || schema["format"] == "uuid", "{family}: {name}");
            }
        }
    }
}

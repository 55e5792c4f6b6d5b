//! The files are what the types say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use drover_messages::schema;
use serde_json::{Value, json};

use crate::support::{folder, walk};

#[test]
fn the_files_are_what_the_types_say() {
    let expected: BTreeMap<String, Value> =
        schema::documents().into_iter().map(|document| (document.file_name(), document.schema)).collect();
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder("")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            found.insert(name, serde_json::from_slice(&fs::read(path).unwrap()).unwrap());
        }
    }
    let differing: BTreeSet<&String> =
        expected.keys().chain(found.keys()).filter(|name| expected.get(*name) != found.get(*name)).collect();
    assert!(
        differing.is_empty(),
        "{differing:?} in schemas/messages differ from the types. Read schemas/README.md on what may change within a \
         version; then run `make schemas`, remove files that no type has any more, and commit the rest."
    );
}

#[test]
fn every_schema_is_one() {
    for document in schema::documents() {
        jsonschema::meta::validate(&document.schema).unwrap_or_else(|error| panic!("{}: {error}", document.name));
    }
}

/// Whoever writes a device has nothing but these files.
#[test]
fn every_field_is_described_and_unknown_ones_may_be_there() {
    for document in schema::documents() {
        walk(&document.schema, &mut |schema| {
            let Some(fields) = schema.get("properties").and_then(Value::as_object) else { return };
            assert_eq!(schema.get("additionalProperties"), Some(&json!(true)), "{}", document.name);
            for (field, said) in fields {
                let described = said.get("description").and_then(Value::as_str).is_some_and(|text| !text.is_empty());
                // What `type` says is described by the alternative that it tells.
                let told = field == "type" && schema.get("description").is_some();
                assert!(described || told, "{}: {field}", document.name);
            }
        });
    }
}

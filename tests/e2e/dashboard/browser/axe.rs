//! axe-core, which judges a page by the rules of accessibility that a machine can judge by.

use std::fs;

use serde_json::Value;

use super::Browser;

/// Where scripts/install-deps.sh puts it.
const AXE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/axe/axe.min.js");
/// Faults that keep somebody from reading or using the page.
const SERIOUS: [&str; 2] = ["serious", "critical"];

impl Browser {
    /// Fails when the page has a serious fault of accessibility.
    pub(in super::super) async fn assert_accessible(&self, what: &str) {
        let axe = fs::read_to_string(AXE).expect("scripts/install-deps.sh test puts axe-core there");
        self.driver.execute(&axe).await.unwrap();
        let script = "const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then((result) => done({violations: result.violations, passes: result.passes.length}), (fault) => done(String(fault)))";
        let judged = self.driver.execute_async(script).await.unwrap();
        let Value::Array(violations) = &judged["violations"] else { panic!("{what}: {judged:?}") };
        assert!(judged["passes"].as_u64() > Some(5), "{what}: nothing was judged");
        let serious: Vec<String> = violations
            .iter()
            .filter(|violation| violation["impact"].as_str().is_some_and(|impact| SERIOUS.contains(&impact)))
            .flat_map(|violation| {
                let nodes = violation["nodes"].as_array().into_iter().flatten();
                nodes.map(|node| format!("{}: {} {}", violation["id"], node["html"], node["failureSummary"]))
            })
            .collect();
        assert!(serious.is_empty(), "{what}:\n{}", serious.join("\n"));
    }
}

//! `drover check`: the oracle.

use std::process::ExitCode;

use drover_service::CheckReport;

use crate::{cli::Check, config::Config, installation::Installation};

pub(crate) async fn run(config: Config, args: &Check) -> anyhow::Result<ExitCode> {
    let mut installation = Installation::embedded(config).await?;
    let report = installation.service.check().await;
    installation.close().await?;
    let report = report?;
    if args.json {
        println!("{}", as_json(&report));
    } else {
        let CheckReport { jobs, devices, terminal, open, .. } = &report;
        for violation in &report.violations {
            println!("job {}: broken by {}: {}", violation.job, violation.count, violation.rule);
            for example in &violation.examples {
                println!("  {example}");
            }
        }
        let verdict = if report.violations.is_empty() { "clean" } else { "NOT CLEAN" };
        println!("{verdict}: {jobs} jobs, {devices} devices = {terminal} terminal + {open} open");
    }
    Ok(if report.violations.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn as_json(report: &CheckReport) -> serde_json::Value {
    let violations: Vec<_> = report
        .violations
        .iter()
        .map(|v| serde_json::json!({"job": v.job.0, "rule": v.rule, "count": v.count, "examples": v.examples}))
        .collect();
    serde_json::json!({
        "clean": report.violations.is_empty(),
        "jobs": report.jobs,
        "devices": report.devices,
        "terminal": report.terminal,
        "open": report.open,
        "violations": violations,
    })
}

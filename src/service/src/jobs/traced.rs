//! What a batch of reports is in the traces of the jobs that it is about.

use std::collections::{BTreeMap, HashMap};

use drover_domain::{CommandId, JobId};
use drover_messages::TraceContext;
use drover_store::jobs::JobRules;
use drover_telemetry::spans::{self, SpanKind};
use tracing::{Span, field};

/// Jobs of a batch that are told in their traces. A batch is about few, unless somebody makes reports up.
const MAX_JOBS: usize = 16;

/// A span for each job, below the call that made it, which lasts as long as it is kept: devices know no traces, so what they
/// report is the job's. One a batch and job, never one a device, and none for a job that nobody records.
pub(crate) fn in_their_traces(commands: &[Option<CommandId>], rules: &HashMap<JobId, JobRules>) -> Vec<Span> {
    if !spans::are_exported() {
        return Vec::new();
    }
    let mut reports: BTreeMap<JobId, usize> = BTreeMap::new();
    for command in commands.iter().flatten() {
        *reports.entry(command.job).or_default() += 1;
    }
    let batch = spans::current();
    let told = reports.into_iter().filter_map(|(job, reports)| {
        let rules = rules.get(&job)?;
        let trace: TraceContext = rules.trace_context.parse().ok().filter(|trace: &TraceContext| trace.is_sampled())?;
        let span = tracing::info_span!("record reports", otel.kind = field::Empty);
        spans::begin(&span, SpanKind::Consumer, Some(trace));
        spans::note(&span, "messaging.system", "rabbitmq");
        spans::note(&span, "messaging.operation.type", "process");
        spans::note(&span, "messaging.batch.message_count", reports);
        spans::note(&span, "drover.job.id", job.0);
        spans::note(&span, "drover.job.kind", rules.kind.as_str());
        if let Some(batch) = batch {
            spans::link(&span, batch);
        }
        Some(span)
    });
    told.take(MAX_JOBS).collect()
}

//! How every layer speaks about itself in the same way: metrics that are declared in one place a crate, and the traces
//! that its spans belong to. Depends on nothing of ours, and on no exporter: the program brings those.

mod catalogue;
mod context;
pub mod spans;

pub use catalogue::{Kind, Label, Metric, Values, describe};
pub use context::{InvalidTraceContext, TraceContext};

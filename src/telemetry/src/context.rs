//! The trace context of W3C, carried in the `traceparent` header of HTTP and AMQP.

use std::{fmt, str::FromStr};

/// A `traceparent` of version 00: which trace a message belongs to, and which span caused it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    span_id: u64,
    flags: u8,
}

impl TraceContext {
    /// The header's name in HTTP and AMQP.
    pub const HEADER: &'static str = "traceparent";

    /// The root of a new trace that nobody records, from random bits: an id for the logs. Whoever exports spans begins its
    /// traces itself. Zero is not allowed by the standard and is moved to one.
    pub fn root(trace_id: u128, span_id: u64) -> Self {
        Self::from_parts(trace_id, span_id, 0)
    }

    /// A span as whoever recorded it names it: its trace, itself, and flags of which the lowest says that it is recorded.
    pub fn from_parts(trace_id: u128, span_id: u64, flags: u8) -> Self {
        Self { trace_id: trace_id.max(1), span_id: span_id.max(1), flags }
    }

    /// The trace, the span and the flags.
    pub const fn parts(self) -> (u128, u64, u8) {
        (self.trace_id, self.span_id, self.flags)
    }

    /// Whether whoever began the trace wants its spans to be recorded.
    pub const fn is_sampled(self) -> bool {
        self.flags & 1 == 1
    }

    /// Whether both are of one trace.
    pub const fn is_same_trace(self, other: Self) -> bool {
        self.trace_id == other.trace_id
    }

    /// The same trace with another span as the cause.
    #[must_use]
    pub fn child(self, span_id: u64) -> Self {
        Self { span_id: span_id.max(1), ..self }
    }

    /// The trace's id, 32 hexadecimal digits: what logs are searched by.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }
}

impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, self.flags)
    }
}

impl FromStr for TraceContext {
    type Err = InvalidTraceContext;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let mut parts = text.split('-');
        let (Some(version), Some(trace), Some(span), Some(flags)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(InvalidTraceContext);
        };
        // A higher version may append parts; ff is forbidden (W3C Trace Context, 3.2.2).
        let lengths_fit = version.len() == 2 && trace.len() == 32 && span.len() == 16 && flags.len() == 2;
        let lower_hex = |part: &str| part.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !lengths_fit
            || ![version, trace, span, flags].into_iter().all(lower_hex)
            || version == "ff"
            || (version == "00" && parts.next().is_some())
        {
            return Err(InvalidTraceContext);
        }
        let context = Self {
            trace_id: u128::from_str_radix(trace, 16).map_err(|_| InvalidTraceContext)?,
            span_id: u64::from_str_radix(span, 16).map_err(|_| InvalidTraceContext)?,
            flags: u8::from_str_radix(flags, 16).map_err(|_| InvalidTraceContext)?,
        };
        if context.trace_id == 0 || context.span_id == 0 { Err(InvalidTraceContext) } else { Ok(context) }
    }
}

/// Not a `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a traceparent of the W3C trace context")]
pub struct InvalidTraceContext;

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_standards_example_survives_a_round_trip() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let context: TraceContext = text.parse().unwrap();
        assert_eq!(context.to_string(), text);
        assert_eq!(context.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(context.child(1).to_string(), "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000001-01");
    }

    #[test]
    fn what_the_standard_forbids_is_refused() {
        for text in [
            "",
            "00",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-x",
        ] {
            assert_eq!(text.parse::<TraceContext>(), Err(InvalidTraceContext), "{text}");
        }
    }
}

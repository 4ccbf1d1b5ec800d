//! Lines of the log as JSON objects, one a line, as the control plane writes its own.

use std::fmt;
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    fmt::{
        FmtContext, FormatEvent, FormatFields,
        format::{self, Format, Json, Writer},
    },
    registry::LookupSpan,
};

/// Which program wrote a line, where those of several are gathered.
const SERVICE: &str = "atalaya-agent";

/// Writes an event as an object that says which program it is from.
#[derive(Debug)]
pub(super) struct JsonLines(Format<Json>);

impl Default for JsonLines {
    fn default() -> Self {
        let lines = format::format().json();
        Self(lines.flatten_event(true).with_current_span(false).with_span_list(false))
    }
}

impl<S, N> FormatEvent<S, N> for JsonLines
where
    S: Subscriber + for<'lookup> LookupSpan<'lookup>,
    N: for<'writer> FormatFields<'writer> + 'static,
{
    fn format_event(
        &self,
        ctx: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = String::new();
        self.0.format_event(ctx, Writer::new(&mut line), event)?;
        // The library has no place for a field of every line; what it writes is an object that is never empty.
        let fields = line.strip_prefix('{').ok_or(fmt::Error)?;
        write!(writer, "{{\"service\":\"{SERVICE}\",{fields}")
    }
}

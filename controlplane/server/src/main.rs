//! `atalaya`: the control plane. Parses, runs, maps the outcome to an exit code.

use atalaya_kernel::spans;
use atalaya_server::{
    cli::{Cli, LogFormat},
    log_lines::JsonLines,
    traces::{LogLayer, Traces},
};
use clap::Parser;
use std::{io::IsTerminal, process::ExitCode};
use tracing_subscriber::{
    EnvFilter, Layer,
    fmt::{self, format::JsonFields},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// A request makes and drops some hundred small things on whichever thread has time for it; glibc's allocator spends a third of
/// the time of a list on that (decision 0041).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    let format = cli.log_format();
    let configured = cli.configured();
    let traces = configured.as_ref().ok().and_then(|configured| configured.traces());
    let mut layers = vec![lines(format)];
    layers.extend(traces.as_deref().map(Traces::layer));
    tracing_subscriber::registry().with(layers).init();
    let outcome = match configured {
        Ok(configured) => configured.run().await,
        Err(error) => Err(error),
    };
    let code = match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    };
    if let Some(traces) = traces {
        traces.stop().await;
    }
    code
}

/// The log on the terminal. Spans are for a collector of traces: the log has lines of its own.
fn lines(format: LogFormat) -> LogLayer {
    let filter = EnvFilter::try_from_env("ATALAYA_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let no_spans = format!("{}=off", spans::TARGET).parse().expect("a target and a level are a directive");
    let filter = filter.add_directive(no_spans);
    // Colours are for a terminal; the journal and files keep them as rubbish.
    let colours = std::io::stderr().is_terminal();
    let lines = fmt::layer().with_ansi(colours).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => lines.with_filter(filter).boxed(),
        LogFormat::Json => {
            let lines = lines.fmt_fields(JsonFields::new()).event_format(JsonLines::default());
            lines.with_filter(filter).boxed()
        }
    }
}

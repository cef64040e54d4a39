//! Logs: on stderr, as lines for people or JSON for programs, filtered by `REDRIVE_LOG`.

mod lost_server;

use std::io;

use anyhow::Context;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, fmt};

use crate::environment;
use crate::problem::Problem;
use lost_server::LostServer;

/// What is logged where `REDRIVE_LOG` says nothing; beside it, what the SDK tells of a lost server is kept back.
const DEFAULT_FILTER: &str = "error,redrive=info,temporalio=warn";
/// The same for a demo: its orders are meant to fail and its alerts stand in its report, so what is logged of either
/// only disturbs.
const DEMO_FILTER: &str = "error";

/// The form of the logs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum LogFormat {
    /// Lines.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging, for the whole process.
///
/// Errors: `REDRIVE_LOG` is no filter.
pub fn start(format: LogFormat, colour: bool) -> anyhow::Result<()> {
    start_with(DEFAULT_FILTER, format, colour)
}

/// The same, for a demo.
///
/// Errors: as [`start`].
pub fn start_for_demo(format: LogFormat, colour: bool) -> anyhow::Result<()> {
    start_with(DEMO_FILTER, format, colour)
}

fn start_with(usual: &str, format: LogFormat, colour: bool) -> anyhow::Result<()> {
    let wanted = environment::text(environment::LOG);
    let filter = filter(wanted.as_deref().unwrap_or(usual))?;
    let lines = fmt::layer().with_writer(io::stderr).with_ansi(colour);
    let lines = match format {
        LogFormat::Text => lines.with_target(false).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // Who asks for more than the default sees all of it.
    let quiet = wanted.is_none().then_some(LostServer);
    let lines = lines.with_filter(filter).with_filter(quiet);
    tracing_subscriber::registry()
        .with(lines)
        .try_init()
        .context("logging is started twice")
}

fn filter(wanted: &str) -> Result<EnvFilter, Problem> {
    EnvFilter::try_new(wanted).map_err(|error| {
        Problem::user(
            format!("{} is no log filter: {error}.", environment::LOG),
            "write it like \"info\", \"redrive=debug\" or \"redrive=debug,temporalio=warn\".",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_and_a_bad_one_told() {
        assert!(filter(DEFAULT_FILTER).is_ok());
        assert!(filter(DEMO_FILTER).is_ok());
        assert!(filter("redrive=debug,temporalio=warn").is_ok());
        let told = filter("redrive=loud").unwrap_err().what;
        assert!(told.starts_with("REDRIVE_LOG is no log filter: "), "{told}");
    }
}

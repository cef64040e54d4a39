//! Logs: on stderr, as lines for people or JSON for programs, filtered by `REDRIVE_LOG`.

mod lost_server;

use std::io;

use anyhow::Context;
use tracing::Subscriber;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Registry, fmt};

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
    filtered(lines, filter, quiet)
        .try_init()
        .context("logging is started twice")
}

/// Both filters. The first one is the whole subscriber's: what it never lets through costs its callers nothing, and the
/// connection's own code has something to trace for every frame.
fn filtered(
    lines: impl Layer<Registry> + Send + Sync,
    filter: EnvFilter,
    quiet: Option<LostServer>,
) -> impl Subscriber + Send + Sync {
    tracing_subscriber::registry()
        .with(lines.with_filter(quiet))
        .with(filter)
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
    use tracing::level_filters::LevelFilter;

    use super::*;

    #[test]
    fn what_is_never_logged_is_not_even_looked_at() {
        let filter = filter(DEFAULT_FILTER).unwrap();
        let subscriber = filtered(fmt::layer(), filter, Some(LostServer));
        assert_eq!(subscriber.max_level_hint(), Some(LevelFilter::INFO));
    }

    #[test]
    fn a_filter_is_read_and_a_bad_one_told() {
        assert!(filter(DEFAULT_FILTER).is_ok());
        assert!(filter(DEMO_FILTER).is_ok());
        assert!(filter("redrive=debug,temporalio=warn").is_ok());
        let told = filter("redrive=loud").unwrap_err().what;
        assert!(told.starts_with("REDRIVE_LOG is no log filter: "), "{told}");
    }
}

//! Logs: on stderr, as lines for people or JSON for programs, filtered by `REDRIVE_LOG`.

use std::io;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::environment;
use crate::problem::Problem;

/// What is logged where `REDRIVE_LOG` says nothing. While a server is away, the SDK tells of each poll that it tries
/// again; [`crate::server_watch`] says it once instead, so those targets are silent.
const DEFAULT_FILTER: &str = "error,redrive=info,temporalio=warn,temporalio_client::retry=off,\
                              temporalio_sdk_core::worker::heartbeat=off";

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
    let filter = filter(environment::text(environment::LOG).as_deref())?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(colour);
    let started = match format {
        LogFormat::Text => lines.with_target(false).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!(error)).context("logging is started twice")
}

fn filter(wanted: Option<&str>) -> Result<EnvFilter, Problem> {
    EnvFilter::try_new(wanted.unwrap_or(DEFAULT_FILTER)).map_err(|error| {
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
        assert!(filter(None).is_ok());
        assert!(filter(Some("redrive=debug,temporalio=warn")).is_ok());
        let told = filter(Some("redrive=loud")).unwrap_err().what;
        assert!(told.starts_with("REDRIVE_LOG is no log filter: "), "{told}");
    }
}

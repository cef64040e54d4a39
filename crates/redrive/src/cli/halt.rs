//! `redrive halt` and `redrive unhalt`: the emergency brake.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_ledger::Halt;
use serde::Serialize;

use super::session::{self, Who, Why};
use super::{Global, when};
use crate::printer::Printer;

/// Stop every start, everywhere, within a second, until `unhalt`
///
/// Batches go on to run and find what failed; they start nothing.
#[derive(Debug, Args)]
pub struct HaltArgs {
    /// Why
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Let starts happen again
#[derive(Debug, Args)]
pub struct UnhaltArgs {
    #[command(flatten)]
    why: Why,
}

const LET_GO: &str = "`redrive unhalt` lets starts happen again.";

#[derive(Serialize)]
struct Halted {
    halted: bool,
    /// Whether this command changed it.
    changed: bool,
}

/// Halts.
pub async fn halt(args: HaltArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    let records = session::records(global).await?;
    let before = records.halted().await?;
    records.halt(&by).await?;
    let changed = before.is_none();
    printer.data(
        &Halted {
            halted: true,
            changed,
        },
        |_, paint| match &before {
            None => format!("{}.", paint.yellow("Every start is halted")),
            Some(halt) => format!("Nothing was changed: {}.", halted_since(halt)),
        },
    )?;
    printer.hint(LET_GO);
    Ok(ExitCode::SUCCESS)
}

/// Lets go.
pub async fn unhalt(
    args: UnhaltArgs,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let records = session::records(global).await?;
    let changed = records.unhalt(&by).await?;
    printer.data(
        &Halted {
            halted: false,
            changed,
        },
        |halted, _| {
            let told = if halted.changed {
                "Starts happen again."
            } else {
                "Nothing was halted: starts happen."
            };
            told.to_owned()
        },
    )?;
    Ok(ExitCode::SUCCESS)
}

/// Warns that nothing is started, if so: a command that waits for starts would wait in vain.
pub(super) async fn warn_if_halted(records: &Records, printer: &Printer) -> anyhow::Result<()> {
    if let Some(halt) = records.halted().await? {
        printer.warn(format_args!("{}.", halted_since(&halt)));
        printer.hint(LET_GO);
    }
    Ok(())
}

/// Since when, by whom and why.
fn halted_since(halt: &Halt) -> String {
    let reason = match halt.reason.as_str() {
        "" => String::new(),
        reason => format!(": {reason}"),
    };
    let since = when::local(halt.at);
    format!(
        "every start is halted since {since}, by {}{reason}",
        halt.by
    )
}

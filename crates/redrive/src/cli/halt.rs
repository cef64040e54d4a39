//! `redrive halt` and `redrive unhalt`: the emergency brake.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_ledger::Halt;

use super::session::{Who, Why};
use super::{Global, when};
use crate::backend::Backend;
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

/// Halts.
pub async fn halt(args: HaltArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    let told = Backend::<Records>::records(global).await?.halt(by).await?;
    printer.data(&told, |told, paint| match (told.changed, &told.halt) {
        (Some(false), Some(halt)) => format!("Nothing was changed: {}.", halted_since(halt)),
        _ => format!("{}.", paint.yellow("Every start is halted")),
    })?;
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
    let told = Backend::<Records>::records(global)
        .await?
        .unhalt(by)
        .await?;
    printer.data(&told, |told, _| {
        let told = if told.changed == Some(true) {
            "Starts happen again."
        } else {
            "Nothing was halted: starts happen."
        };
        told.to_owned()
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Warns that nothing is started, if so: a command that waits for starts would wait in vain.
pub(super) async fn warn_if_halted(records: &Records, printer: &Printer) -> anyhow::Result<()> {
    warn_of(records.halted().await?.as_ref(), printer);
    Ok(())
}

/// The same, where that is known.
pub(super) fn warn_of(halted: Option<&Halt>, printer: &Printer) {
    if let Some(halt) = halted {
        printer.warn(format_args!("{}.", halted_since(halt)));
        printer.hint(LET_GO);
    }
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

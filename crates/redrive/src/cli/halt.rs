//! `redrive halt` and `redrive unhalt`: the emergency brake.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::Records;
use serde::Serialize;

use super::session::{self, Who};
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
    /// Why
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    #[command(flatten)]
    who: Who,
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
    let changed = records.halted().await?.is_none();
    records.halt(&by).await?;
    printer.data(
        &Halted {
            halted: true,
            changed,
        },
        |halted, paint| {
            let before = if halted.changed {
                ""
            } else {
                " (it was before; the reason is now yours)"
            };
            format!("{}{before}.", paint.yellow("Every start is halted"))
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
    let by = args.who.because(args.reason)?;
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
        let reason = if halt.reason.is_empty() {
            String::new()
        } else {
            format!(": {}", halt.reason)
        };
        printer.warn(format_args!(
            "every start is halted since {}, by {}{reason}.",
            when::local(halt.at),
            halt.by
        ));
        printer.hint(LET_GO);
    }
    Ok(())
}

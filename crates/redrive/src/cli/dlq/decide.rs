//! `redrive dlq cancel` and `redrive dlq escalate`: decisions that start nothing.

use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::{Decision, Records};

use super::decided;
use crate::cli::session::Who;
use crate::printer::Printer;
use crate::problem::USER;

/// `dlq cancel`, `dlq escalate`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    /// The order id, or the workflow id
    id: String,
    /// Why, or to whom
    #[arg(long, value_name = "TEXT")]
    reason: String,
    #[command(flatten)]
    who: Who,
}

/// Decides.
pub async fn run(
    args: DecideArgs,
    decision: Decision,
    records: &Records,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    let (entry, first) = match records.decide_dead_letter(&args.id, decision, by).await? {
        Ok(entry) => (entry, true),
        Err(entry) => (entry, false),
    };
    printer.data(&entry, |entry, paint| {
        let unchanged = if first {
            String::new()
        } else {
            format!("{}: ", paint.yellow("Nothing was changed"))
        };
        format!(
            "{unchanged}{} is {}.",
            paint.bold(&entry.order_id),
            decided(entry)
        )
    })?;
    Ok(if first {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

//! `redrive dlq cancel` and `redrive dlq escalate`: decisions that start nothing.

use std::ops::ControlFlow;
use std::process::ExitCode;

use clap::Args;
use redrive_engine::ops::{Decision, Records};
use redrive_ledger::NewAuditEvent;
use redrive_web::views::ByHand;

use super::choose::{Choice, Selection, nothing, told};
use super::{decided, progress};
use crate::backend::Backend;
use crate::cli::session::Who;
use crate::printer::Printer;
use crate::problem::USER;

/// `dlq cancel`, `dlq escalate`.
#[derive(Debug, Args)]
pub struct DecideArgs {
    #[command(flatten)]
    selection: Selection,
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
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.who.because(args.reason)?;
    let (verb, did, resolution) = match decision {
        Decision::Cancel => ("Cancel", "Cancelled", ByHand::Cancelled),
        Decision::Escalate => ("Escalate", "Escalated", ByHand::Escalated),
    };
    let choice = args
        .selection
        .choose(verb, resolution, &by, records, printer);
    let chosen = match choice.await? {
        Choice::One(id) => return one(&id, decision, by, records, printer).await,
        Choice::Nothing(none) => return nothing(&none, printer),
        Choice::Many(many) => many,
    };
    let bar = progress(printer);
    let report = chosen
        .decide(decision, &by, &|done, of| {
            bar.set_length(of);
            bar.set_position(done);
            ControlFlow::Continue(())
        })
        .await?;
    bar.finish_and_clear();
    printer.data(&report, |report, paint| told(report, did, paint))?;
    Ok(code(report.failed.is_empty()))
}

async fn one(
    id: &str,
    decision: Decision,
    by: NewAuditEvent,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let (entry, first) = match records.decide_dead_letter(id, decision, by).await? {
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
            paint.bold(&entry.entry.order_id),
            decided(&entry.entry)
        )
    })?;
    Ok(code(first))
}

fn code(well: bool) -> ExitCode {
    if well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    }
}

//! `redrive dlq operations pause`, `resume`, `stop` and `rate`: telling an operation that goes on.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::OperationId;
use redrive_engine::ops::{Answered, Ops, Records, Tell};
use redrive_ledger::Operation;
use serde::Serialize;

use super::how_to_follow;
use crate::cli::session::Why;
use crate::cli::words::orders;
use crate::printer::Printer;

/// What those commands take.
#[derive(Debug, Args)]
pub struct TellArgs {
    /// The operation's id
    id: String,
    #[command(flatten)]
    why: Why,
}

/// `dlq operations rate`.
#[derive(Debug, Args)]
pub struct RateArgs {
    #[command(flatten)]
    tell: TellArgs,
    /// Starts a second, at most; without it: as fast as everything
    #[arg(long, value_name = "N", value_parser = super::rate)]
    per_second: Option<f64>,
}

/// What it was told, and how it stands.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    told: &'static str,
    /// Whether its answer shows that it has heard; else it hears when a worker goes on with it.
    heard: bool,
    #[serde(flatten)]
    operation: Operation,
}

/// Tells it.
pub async fn run(
    args: TellArgs,
    tell: Tell,
    ops: &Ops,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let Answered { operation, heard } = ops
        .tell_operation(&args.id.as_str().into(), tell, &by)
        .await?;
    let told = Told {
        told: tell.as_str(),
        heard,
        operation,
    };
    printer.data(&told, |told, paint| {
        let operation = &told.operation;
        let id = paint.bold(&operation.id);
        let far = far(operation);
        match (told.heard, tell) {
            (false, _) => format!(
                "Operation {id} is told ({}), and has not answered yet. {far}",
                told.told
            ),
            (true, Tell::Pause) => format!(
                "Operation {id} takes no more orders until `redrive dlq operations resume {}`. {far}",
                operation.id
            ),
            (true, Tell::Resume) => format!("Operation {id} goes on. {far}"),
            (true, Tell::Stop) => {
                format!("Operation {id} ends: it finishes what it has taken, and the rest stays in the queue. {far}")
            }
        }
    })?;
    if !heard && ops.pollers().await? == 0 {
        printer.hint(format_args!(
            "no worker polls the task queue {:?}: it hears this when one does (`redrive worker`).",
            ops.engine.settings.task_queue
        ));
    } else {
        printer.hint(how_to_follow(told.operation.id.as_str()));
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives it another rate.
pub async fn rate(
    args: RateArgs,
    records: &Records,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let TellArgs { id, why } = args.tell;
    let (id, by) = (OperationId::from(id), why.event()?);
    let set = records.set_operation_rate(&id, args.per_second, &by);
    let operation = set.await?;
    printer.data(&operation, |operation, paint| {
        let (id, far) = (paint.bold(&operation.id), far(operation));
        match operation.per_second {
            Some(rate) => format!("Operation {id} starts at most {rate} orders a second. {far}"),
            None => format!("Operation {id} goes as fast as everything. {far}"),
        }
    })?;
    printer.hint(how_to_follow(operation.id.as_str()));
    Ok(ExitCode::SUCCESS)
}

/// How far it is.
fn far(operation: &Operation) -> String {
    let done = operation.started + operation.failed + operation.skipped;
    format!(
        "{done} of {} are done, {} taken.",
        orders(operation.matched),
        operation.waiting
    )
}

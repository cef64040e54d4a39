//! `redrive dlq operations pause`, `resume`, `stop` and `rate`: telling an operation that goes on.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::OperationId;
use redrive_engine::ops::Records;
use redrive_ledger::Operation;
use redrive_web::views::Deed;

use super::how_to_follow;
use crate::backend::Backend;
use crate::cli::Session;
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

/// Tells it.
pub async fn run(
    args: TellArgs,
    deed: Deed,
    session: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let (id, by) = (OperationId::from(args.id), args.why.event()?);
    let told = session.tell_operation(&id, deed, by).await?;
    printer.data(&told, |told, paint| {
        let operation = &told.operation;
        let id = paint.bold(&operation.id);
        let far = far(operation);
        match (told.heard, told.told) {
            (false, told) => format!(
                "Operation {id} is told ({}), and has not answered yet. {far}",
                told.as_str()
            ),
            (true, Deed::Pause) => format!(
                "Operation {id} takes no more orders until `redrive dlq operations resume {}`. {far}",
                operation.id
            ),
            (true, Deed::Resume) => format!("Operation {id} goes on. {far}"),
            (true, Deed::Stop) => {
                format!("Operation {id} ends: it finishes what it has taken, and the rest stays in the queue. {far}")
            }
        }
    })?;
    let workers = match told.heard {
        true => None,
        false => Some(session.workers().await?),
    };
    match workers.filter(|workers| workers.polling == 0) {
        Some(nobody) => printer.hint(format_args!(
            "no worker polls the task queue {:?}: it hears this when one does (`redrive worker`).",
            nobody.task_queue
        )),
        None => printer.hint(how_to_follow(told.operation.id.as_str())),
    }
    Ok(ExitCode::SUCCESS)
}

/// Gives it another rate.
pub async fn rate(
    args: RateArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let TellArgs { id, why } = args.tell;
    let (id, by) = (OperationId::from(id), why.event()?);
    let set = records.set_operation_rate(&id, args.per_second, by);
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

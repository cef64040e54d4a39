//! `redrive batches show`: a batch's numbers, and what it did with each order.

use std::process::ExitCode;

use clap::Args;
use redrive_core::report::VerdictKind;
use redrive_engine::ops::Records;
use redrive_ledger::BatchVerdict;
use redrive_web::views::BatchOrders;

use super::list::status;
use crate::backend::Backend;
use crate::cli::narrow::Most;
use crate::cli::{run, when};
use crate::printer::{Paint, Printer, table};

/// `batches show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The batch id or its workflow id [default: the newest batch]
    id: Option<String>,
    /// Only orders with this verdict: restarted, dlq, error or skipped
    #[arg(long, value_name = "VERDICT", value_parser = verdict)]
    verdict: Option<VerdictKind>,
    #[command(flatten)]
    most: Most,
}

fn verdict(text: &str) -> Result<VerdictKind, String> {
    VerdictKind::parse(text)
        .ok_or_else(|| "a verdict is restarted, dlq, error or skipped".to_owned())
}

/// Shows.
pub async fn run(
    args: ShowArgs,
    backend: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let found = backend
        .batch(args.id.as_deref(), args.verdict, args.most.limit)
        .await?;
    let Some(batch) = found else {
        printer.say("No batch has run yet.");
        return Ok(ExitCode::SUCCESS);
    };
    printer.data(&batch, text)?;
    args.most.tell(batch.orders.len(), printer);
    Ok(ExitCode::SUCCESS)
}

fn text(shown: &BatchOrders, paint: Paint) -> String {
    let batch = &shown.batch;
    let ended = match batch.status {
        redrive_core::report::BatchStatus::Running => String::new(),
        _ => format!(", ended {}", when::local(batch.result.processed_at)),
    };
    let mut lines = vec![
        format!(
            "{} is {}: started {}{ended}.",
            paint.bold(&batch.workflow_id),
            status(batch, paint),
            when::local(batch.started_at)
        ),
        run::text(&batch.result, paint),
    ];
    if let Some(error) = &batch.error {
        lines.push(format!("{} {error}", paint.red("Error:")));
    }
    for alert in &batch.alerts {
        lines.push(format!("{} {}", paint.yellow("Alert:"), alert.sentence()));
    }
    if !shown.orders.is_empty() {
        lines.push(String::new());
        lines.push(table_of(&shown.orders, paint));
    }
    lines.join("\n")
}

fn why(order: &BatchVerdict) -> String {
    let why = order.why();
    if why.is_empty() { "-".to_owned() } else { why }
}

fn table_of(orders: &[BatchVerdict], paint: Paint) -> String {
    let mut table = table(["order", "verdict", "status", "why", "when"]);
    for order in orders {
        table.add_row([
            paint.bold(&order.order_id),
            run::verdict::kind(order.verdict, paint),
            order.failure_status.clone(),
            why(order),
            when::local(order.at),
        ]);
    }
    table.trim_fmt()
}

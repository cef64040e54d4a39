//! `redrive batches show`: a batch's numbers, and what it did with each order.

use std::process::ExitCode;

use clap::Args;
use redrive_core::ids::BatchId;
use redrive_core::report::VerdictKind;
use redrive_engine::ops::Records;
use redrive_ledger::{BatchRow, BatchVerdict};
use redrive_web::views::BatchOrders;

use super::list::status;
use crate::cli::narrow::Most;
use crate::cli::words::short;
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
pub async fn run(args: ShowArgs, records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let batch = match &args.id {
        Some(id) => records.show_batch(id).await?,
        None => match records.batches(1).await?.pop() {
            Some(newest) => newest,
            None => {
                printer.say("No batch has run yet.");
                return Ok(ExitCode::SUCCESS);
            }
        },
    };
    let orders = orders(records, &batch, args.verdict, args.most.limit).await?;
    let shown = orders.len();
    let told = BatchOrders {
        batch,
        orders,
        next_cursor: None,
    };
    printer.data(&told, text)?;
    args.most.tell(shown, printer);
    Ok(ExitCode::SUCCESS)
}

/// Up to `limit` orders with that verdict, read a page at a time.
async fn orders(
    records: &Records,
    batch: &BatchRow,
    wanted: Option<VerdictKind>,
    limit: u32,
) -> anyhow::Result<Vec<BatchVerdict>> {
    const PAGE: u32 = 1_000;
    let id = BatchId::from(batch.result.batch_id.as_str());
    let (mut orders, mut after) = (Vec::new(), None);
    loop {
        let page = records.verdicts(&id, after, PAGE).await?;
        after = page.last().map(|verdict| verdict.pk);
        let more = page.len() == PAGE as usize;
        orders.extend(
            page.into_iter()
                .filter(|verdict| wanted.is_none_or(|wanted| verdict.verdict == wanted)),
        );
        if !more || orders.len() >= limit as usize {
            orders.truncate(limit as usize);
            return Ok(orders);
        }
    }
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
            short(&why(order)),
            when::local(order.at),
        ]);
    }
    table.trim_fmt()
}

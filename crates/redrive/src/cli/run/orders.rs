//! `redrive run --order ID`: a batch for each order alone, one after the other, and what became of each.

use std::process::ExitCode;

use jiff::tz::TimeZone;
use redrive_core::ids::WorkflowId;
use redrive_core::report::ReprocessingResult;
use redrive_ledger::NewAuditEvent;
use redrive_web::views::{MOST_ALONE, NewBatch, OrderEnded, OrdersEnded};

use super::{INTERRUPTED, code, result, start, verdict, wait};
use crate::backend::Backend;
use crate::cli::Session;
use crate::cli::signals::StopSignals;
use crate::printer::{Paint, Printer};
use crate::problem::Problem;

/// Runs them. What is done when a batch cannot go on is told before why.
pub(super) async fn run(
    backend: &Backend<Session>,
    ids: &[String],
    by: Option<&NewAuditEvent>,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    not_too_many(ids)?;
    let mut all = OrdersEnded::default();
    for order in find(backend, ids).await? {
        match one(backend, &order, by, signals, printer).await {
            Ok(Some((result, ended))) => all.add(result, ended),
            Ok(None) => {
                print(&all, printer)?;
                return Ok(ExitCode::from(INTERRUPTED));
            }
            Err(error) => {
                print(&all, printer)?;
                return Err(error);
            }
        }
    }
    print(&all, printer)?;
    Ok(code(&all.result))
}

/// More are a batch's work.
pub(super) fn not_too_many(ids: &[String]) -> Result<(), Problem> {
    if ids.len() <= MOST_ALONE {
        return Ok(());
    }
    Err(Problem::user(
        format!("{} orders are too many for --order.", ids.len()),
        format!("name at most {MOST_ALONE}, or run a batch: `redrive run --max-orders N`."),
    ))
}

/// Every order must be known before anything is started. One that is named twice is run once.
async fn find(backend: &Backend<Session>, ids: &[String]) -> anyhow::Result<Vec<WorkflowId>> {
    let mut found: Vec<WorkflowId> = Vec::new();
    for id in ids {
        let order = backend.find_order(id).await?;
        if !found.contains(&order) {
            found.push(order);
        }
    }
    Ok(found)
}

/// Runs one; `None` where Ctrl-C ended the waiting.
async fn one(
    backend: &Backend<Session>,
    order: &WorkflowId,
    by: Option<&NewAuditEvent>,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<Option<(ReprocessingResult, OrderEnded)>> {
    let new = NewBatch {
        order: Some(order.to_string()),
        ..NewBatch::default()
    };
    let started = start(backend, new.clone(), by, printer).await?;
    let ended = wait::for_end(backend, &new, &started, signals, printer).await?;
    let Some((result, _)) = ended else {
        return Ok(None);
    };
    let ended = backend.order_ended(&started.batch_id, order).await?;
    Ok(Some((result, ended)))
}

/// What became of each, and the numbers where there are several.
pub(super) fn text(orders: &[OrderEnded], result: &ReprocessingResult, paint: Paint) -> String {
    let mut lines: Vec<String> = orders.iter().map(|order| line(order, paint)).collect();
    if orders.len() > 1 {
        lines.push(String::new());
        lines.push(result::numbers(result));
    }
    lines.join("\n")
}

fn line(order: &OrderEnded, paint: Paint) -> String {
    let id = paint.bold(&order.order_id);
    let kind = match order.verdict {
        Some(kind) => verdict::kind(kind, paint),
        None => paint.yellow("not handled"),
    };
    format!("{id}: {kind}: {}", order.in_words(&TimeZone::system()))
}

fn print(all: &OrdersEnded, printer: &Printer) -> anyhow::Result<()> {
    if all.orders.is_empty() {
        return Ok(());
    }
    printer.data(all, |all, paint| text(&all.orders, &all.result, paint))
}

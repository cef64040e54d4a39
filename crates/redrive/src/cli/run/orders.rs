//! `redrive run --order ID`: a batch for each order alone, one after the other, and what became of each.

use std::process::ExitCode;

use redrive_core::ids::WorkflowId;
use redrive_core::report::{ReprocessingResult, VerdictKind};
use redrive_core::states::State;
use redrive_engine::ops::{Ops, OrderEnd, RunRequest};
use redrive_engine::{Clock, Engine, SystemClock};
use redrive_ledger::NewAuditEvent;
use serde::Serialize;

use super::{INTERRUPTED, code, result, start, verdict, wait};
use crate::cli::signals::StopSignals;
use crate::printer::{Paint, Printer};
use crate::problem::Problem;

/// So many orders one command takes: more are a batch's work.
const MOST: usize = 100;

/// What became of the orders, as data.
#[derive(Serialize)]
struct Answer {
    /// The sum of their batches; it names a batch only where there was one.
    result: ReprocessingResult,
    orders: Vec<Told>,
}

/// What became of one order.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    order_id: String,
    workflow_id: WorkflowId,
    batch_id: String,
    /// None where the batch left the order alone.
    verdict: Option<VerdictKind>,
    reason: Option<String>,
    attempt: Option<u32>,
    failure_status: String,
    state: State,
    /// In words, with what to do.
    told: String,
}

/// Runs them. What is done when a batch cannot go on is told before why.
pub(super) async fn run(
    ops: &Ops,
    ids: &[String],
    by: Option<&NewAuditEvent>,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let mut answer = Answer::new();
    for order in find(ops, ids).await? {
        match one(ops, order, by, signals, printer).await {
            Ok(Some((result, told))) => answer.add(result, told),
            Ok(None) => {
                answer.print(printer)?;
                return Ok(ExitCode::from(INTERRUPTED));
            }
            Err(error) => {
                answer.print(printer)?;
                return Err(error);
            }
        }
    }
    answer.print(printer)?;
    Ok(code(&answer.result))
}

/// Rehearses them, each after those before it.
pub(super) async fn dry_run(
    ops: &Ops,
    ids: &[String],
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let orders = find(ops, ids).await?;
    let rehearsing = async {
        let rehearsal = ops.rehearsal().await?;
        let mut answer = Answer::new();
        for order in orders {
            let rehearsed = rehearsal.run(&RunRequest::for_order(order.clone())).await?;
            let batch_id = rehearsed.result.batch_id.clone();
            let told = tell(rehearsal.engine(), batch_id, &order).await?;
            answer.add(rehearsed.result, told);
        }
        anyhow::Ok(answer)
    };
    let answer = tokio::select! {
        answer = rehearsing => answer?,
        () = signals.asked() => return Ok(ExitCode::from(INTERRUPTED)),
    };
    answer.print(printer)?;
    printer.say("This was a rehearsal: nothing was started or changed.");
    Ok(code(&answer.result))
}

/// Every order must be known before anything is started. One that is named twice is run once.
async fn find(ops: &Ops, ids: &[String]) -> anyhow::Result<Vec<WorkflowId>> {
    if ids.len() > MOST {
        return Err(Problem::user(
            format!("{} orders are too many for --order.", ids.len()),
            format!("name at most {MOST}, or run a batch: `redrive run --max-orders N`."),
        )
        .into());
    }
    let mut found: Vec<WorkflowId> = Vec::new();
    for id in ids {
        let order = ops.records.show_order(id).await?.order;
        if !found.contains(&order.workflow_id) {
            found.push(order.workflow_id);
        }
    }
    Ok(found)
}

/// Runs one; `None` where Ctrl-C ended the waiting.
async fn one(
    ops: &Ops,
    order: WorkflowId,
    by: Option<&NewAuditEvent>,
    signals: &mut StopSignals,
    printer: &Printer,
) -> anyhow::Result<Option<(ReprocessingResult, Told)>> {
    let request = RunRequest::for_order(order.clone());
    let running = start(ops, &request, by, printer).await?;
    let Some(result) = wait::for_end(ops, &request, &running, signals, printer).await? else {
        return Ok(None);
    };
    let told = tell(&ops.engine, running.batch_id, &order).await?;
    Ok(Some((result, told)))
}

async fn tell(engine: &Engine, batch_id: String, order: &WorkflowId) -> anyhow::Result<Told> {
    let OrderEnd { verdict, order } = engine.order_end(&batch_id, order).await?;
    let told = match &verdict {
        Some(one) => one.why(),
        None => {
            let halted = engine.ledger.halted().await?.is_some();
            verdict::no_verdict(&order, &engine.policy, halted, SystemClock.now())
        }
    };
    Ok(Told {
        order_id: order.order_id,
        workflow_id: order.workflow_id,
        batch_id,
        reason: verdict.as_ref().and_then(|one| one.reason.clone()),
        attempt: verdict.as_ref().and_then(|one| one.attempt),
        verdict: verdict.map(|one| one.verdict),
        failure_status: order.failure_status,
        state: order.state,
        told,
    })
}

impl Answer {
    fn new() -> Self {
        Self {
            result: ReprocessingResult::default(),
            orders: Vec::new(),
        }
    }

    /// Adds an order's batch; what waits is what the last one saw.
    fn add(&mut self, result: ReprocessingResult, told: Told) {
        let mut sum = result.plus(&self.result);
        if !self.orders.is_empty() {
            sum.batch_id.clear();
        }
        self.result = sum;
        self.orders.push(told);
    }

    fn print(&self, printer: &Printer) -> anyhow::Result<()> {
        if self.orders.is_empty() {
            return Ok(());
        }
        printer.data(self, Self::text)
    }

    fn text(&self, paint: Paint) -> String {
        let mut lines: Vec<String> = self.orders.iter().map(|one| one.text(paint)).collect();
        if self.orders.len() > 1 {
            lines.push(String::new());
            lines.push(result::numbers(&self.result));
        }
        lines.join("\n")
    }
}

impl Told {
    fn text(&self, paint: Paint) -> String {
        let id = paint.bold(&self.order_id);
        let kind = match self.verdict {
            Some(kind) => verdict::kind(kind, paint),
            None => paint.yellow("not handled"),
        };
        format!("{id}: {kind}: {}", self.told)
    }
}

//! `redrive sample`: orders to try Redrive on, where nobody has any of their own at hand.
//!
//! *Sample order*: a run of the sample's order workflow, on a queue of its own. What it is in for follows from its number.

use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::{
    Class, FaultPlan, FulfillmentWorker, PlannedOrder, Stage, StartOptions, Started, Warehouse,
    start_orders,
};
use serde::Serialize;
use temporalio_client::{Client, WorkflowCountOptions};

use super::signals::StopSignals;
use super::words::orders;
use crate::connect::{self, Target};
use crate::printer::Printer;

/// The task queue: no company's workers poll it by chance.
const TASK_QUEUE: &str = "redrive-sample";
/// The pause between two looks at the orders, as long as visibility may lag.
const LOOK: std::time::Duration = std::time::Duration::from_millis(200);

/// Start sample orders, three of ten fail, and work on them until Ctrl-C: something to try Redrive on
///
/// They run on the Temporal server of Temporal's configuration, beside `redrive up`, as workflows of the type
/// OrderFulfillmentWorkflow with the ids order-fulfillment-SAMPLE-1 and on. Of each ten, the fourth and sixth fail in their
/// first run and the eighth in its first two; then they succeed. Not for a namespace in which real orders run.
#[derive(Debug, Args)]
pub struct SampleArgs {
    /// How many orders to start
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100))]
    orders: u32,
}

/// How the first runs of the orders ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
struct Ended {
    started: usize,
    completed: usize,
    failed: usize,
}

/// Runs the command.
pub async fn run(args: SampleArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut signals = StopSignals::listen()?;
    let target = Target::configured()?;
    let client = target.connect().await?;
    // It tells whether the namespace is there.
    connect::gateway(&target, &client).await?;
    let folder = tempfile::tempdir()
        .context("the sample needs a folder for temporary files, and cannot make one")?;
    let plan = plan(args.orders);
    Warehouse::create(folder.path(), &plan, SystemClock.now())?;
    let worker = FulfillmentWorker::spawn(client.clone(), TASK_QUEUE, folder.path()).await?;
    let told = tokio::select! {
        told = start(&client, &plan, printer) => told.map(Some),
        () = signals.asked() => Ok(None),
    };
    if let Ok(Some(ended)) = &told {
        printer.data(ended, |ended, _| ended.text())?;
        printer.say("Ready to be tried again. Ctrl-C stops it.");
        signals.asked().await;
    }
    tokio::select! {
        stopped = worker.stop() => stopped?,
        () = signals.asked() => {}
    }
    told.map(|_| ExitCode::SUCCESS)
}

/// Starts the orders, and waits until the runs that were started have ended and Temporal's lists show it.
async fn start(client: &Client, plan: &FaultPlan, printer: &Printer) -> anyhow::Result<Ended> {
    let options = StartOptions {
        task_queue: TASK_QUEUE.to_owned(),
        ..StartOptions::default()
    };
    let started = start_orders(client, plan, &options).await?;
    printer.say(format_args!(
        "{} started; waiting for their first runs to end ...",
        orders(started.len() as u64)
    ));
    while count(client, &started, "!= 'Running'").await? < started.len() {
        SystemClock.sleep(LOOK).await;
    }
    Ok(Ended {
        started: started.len(),
        completed: count(client, &started, "= 'Completed'").await?,
        failed: count(client, &started, "= 'Failed'").await?,
    })
}

/// So many of the runs that were started have such a status.
async fn count(client: &Client, started: &[Started], status: &str) -> anyhow::Result<usize> {
    if started.is_empty() {
        return Ok(0);
    }
    let runs = started
        .iter()
        .map(|started| format!("'{}'", started.run_id));
    let runs = runs.collect::<Vec<_>>().join(", ");
    let query = format!("RunId IN ({runs}) AND ExecutionStatus {status}");
    let options = WorkflowCountOptions::builder().build();
    let counted = client.count_workflows(query, options).await;
    Ok(counted.context("the orders cannot be counted")?.count())
}

/// What the orders are in for.
fn plan(orders: u32) -> FaultPlan {
    let order = |number: u32| PlannedOrder {
        order_id: format!("SAMPLE-{number}"),
        class: class(number),
    };
    let mut plan = FaultPlan::smooth(0, 0);
    plan.orders = (1..=orders).map(order).collect();
    plan
}

fn class(number: u32) -> Class {
    match number % 10 {
        4 | 6 => Class::Transient {
            stage: Stage::Shipping,
            runs: 1,
        },
        8 => Class::Transient {
            stage: Stage::Validation,
            runs: 2,
        },
        _ => Class::Smooth,
    }
}

impl Ended {
    fn text(self) -> String {
        match self.started {
            0 => "They were started before; nothing new was started.".to_owned(),
            started => format!(
                "Of {} {} completed and {} failed.",
                orders(started as u64),
                self.completed,
                self.failed
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_of_ten_fail() {
        let plan = plan(20);
        let failing = plan
            .orders
            .iter()
            .filter(|order| order.class != Class::Smooth);
        let failing: Vec<&str> = failing.map(|order| order.order_id.as_str()).collect();
        assert_eq!(
            failing,
            [
                "SAMPLE-4",
                "SAMPLE-6",
                "SAMPLE-8",
                "SAMPLE-14",
                "SAMPLE-16",
                "SAMPLE-18"
            ]
        );
    }
}

//! What the orders' runs do: each asks the warehouse for its stages, one after the other, within one workflow task.
//!
//! The warehouse follows the fault plan and logs what it did, for the audit; what takes activities of a real order worker a
//! second takes a puppet some milliseconds. *Held*: an order that never gets past its last stage by itself; it runs until
//! an operator ends it.

use std::collections::HashSet;
use std::sync::Arc;

use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::puppet::{Move, Task};
use redrive_fulfillment::warehouse::{Outcome, StageCall};
use redrive_fulfillment::{OrderInput, Stage, Warehouse};
use temporalio_common::protos::temporal::api::enums::v1::ContinueAsNewInitiator;

/// The stage that a held order does not get past.
const HELD_AT: Stage = Stage::Shipping;

/// A script in which orders do what the warehouse's plan says; those workflow ids are held.
pub(crate) fn play(
    warehouse: Arc<Warehouse>,
    held: HashSet<String>,
) -> impl Fn(&Task) -> Move + Send + Sync {
    move |task| {
        let held = held.contains(&task.workflow_id);
        if held && task.cancel_requested {
            return Move::Cancel;
        }
        for stage in stages(task) {
            if held && stage == HELD_AT {
                return Move::Nothing;
            }
            if let Some(end) = after(&warehouse, task, stage) {
                return end;
            }
        }
        Move::Complete
    }
}

/// A run that continues another as new goes on where that one ended: after planning.
fn stages(task: &Task) -> impl Iterator<Item = Stage> {
    let continues =
        task.is_continued() && task.started.initiator() == ContinueAsNewInitiator::Workflow;
    Stage::ALL
        .into_iter()
        .filter(move |stage| !continues || *stage > Stage::Planning)
}

/// Does one stage; `None`: the run goes on.
fn after(warehouse: &Warehouse, task: &Task, stage: Stage) -> Option<Move> {
    let order: OrderInput = task.input_json()?;
    let call = StageCall {
        order_id: order.order_id,
        workflow_id: task.workflow_id.clone(),
        run_id: task.run_id.clone(),
        first_run_id: Some(task.first_run_id.clone()),
        stage,
        attempt: 1,
    };
    match warehouse.perform(&call, SystemClock.now()) {
        Ok(Outcome::Done {
            continue_as_new: false,
        }) => None,
        Ok(Outcome::Done {
            continue_as_new: true,
        }) => Some(Move::ContinueAsNew),
        Ok(Outcome::Refused { message, .. }) => Some(Move::fail(stage.failure_type(), message)),
        Ok(Outcome::Stuck) => Some(Move::Nothing),
        Err(error) => {
            tracing::error!(%error, "the warehouse's folder cannot be used; the run hangs");
            Some(Move::Nothing)
        }
    }
}

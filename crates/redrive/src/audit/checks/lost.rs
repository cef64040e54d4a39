//! *Lost*: an order whose latest run failed, and which the ledger does not hold open: nobody will ever look at it again.

use redrive_core::ids::WorkflowId;
use redrive_ledger::Story;

use crate::audit::finding::Finding;
use crate::audit::records::{Books, Records, Run};

/// With these resolutions a person has closed the order, failed as it is.
const DECIDED: [&str; 2] = ["cancelled", "escalated"];

pub(super) fn check(records: &Records, books: &Books) -> Vec<Finding> {
    let stories = books.by_order();
    records
        .latest_runs()
        .filter(|run| run.status.is_failure())
        .filter_map(|run| lost(run, stories.get(&run.workflow_id).copied()))
        .collect()
}

fn lost(run: &Run, story: Option<&Story>) -> Option<Finding> {
    let ledger = match story {
        None => "the ledger does not know the order".to_owned(),
        Some(story) if story.order.state.is_open() || is_decided(story) => return None,
        Some(story) => format!("the ledger has it as {}", story.order.state),
    };
    let Run { run_id, status, .. } = run;
    let workflow_id: &WorkflowId = &run.workflow_id;
    Some(Finding::lost(format!(
        "{workflow_id}: its latest run {run_id} is {status}, but {ledger}"
    )))
}

fn is_decided(story: &Story) -> bool {
    let resolution = story.order.resolution.as_deref();
    resolution.is_some_and(|resolution| DECIDED.contains(&resolution))
}

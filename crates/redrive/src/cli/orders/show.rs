//! `redrive orders show`: where an order stands, and how it came there.

use jiff::Timestamp;
use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_ledger::{OrderRow, Story};
use serde::Serialize;

use super::timeline::{self, Event};
use crate::cli::when;
use crate::printer::{Paint, table};

/// An order's story as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    workflow_id: String,
    order_id: String,
    workflow_type: String,
    state: State,
    failure_status: String,
    /// Restarts of the current generation.
    retry_count: u32,
    max_retries: u32,
    generation: u32,
    /// Whether the policy lets it be restarted.
    reprocessed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    due_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_check_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    closed_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resolution: Option<String>,
    timeline: Vec<Event>,
}

impl Shown {
    /// The story under `policy`; `link` gives the page of a run.
    pub fn of(story: &Story, policy: &Policy, link: impl Fn(&str) -> Option<String>) -> Self {
        let order: &OrderRow = &story.order;
        let mut timeline = timeline::of(story);
        for event in &mut timeline {
            event.link = event.run_id.as_deref().and_then(&link);
        }
        Self {
            workflow_id: order.workflow_id.to_string(),
            order_id: order.order_id.clone(),
            workflow_type: order.workflow_type.clone(),
            state: order.state,
            failure_status: order.failure_status.clone(),
            retry_count: order.retry_count,
            max_retries: policy.max_retries(&order.failure_status),
            generation: order.generation,
            reprocessed: order.eligible || order.manual,
            due_at: Some(order.due_at)
                .filter(|_| order.state == State::Failed && (order.eligible || order.manual)),
            next_check_at: order
                .next_check_at
                .filter(|_| order.state == State::InFlight),
            closed_at: order.closed_at,
            resolution: order.resolution.clone(),
            timeline,
        }
    }

    /// Where it stands, in a sentence.
    fn stands(&self) -> String {
        let used = format!("{} of {} restarts used", self.retry_count, self.max_retries);
        match self.state {
            State::Failed if !self.reprocessed => {
                format!(
                    "Left alone: the policy does not reprocess {:?}.",
                    self.failure_status
                )
            }
            State::Failed => match self.due_at {
                Some(due) => format!(
                    "Waits for a batch to restart it, due {}; {used}.",
                    when::local(due)
                ),
                None => format!("Waits for a batch to restart it; {used}."),
            },
            State::Claimed => format!("A batch is at it; {used}."),
            State::InFlight => match self.next_check_at {
                Some(check) => format!(
                    "Runs again; {used}. The next look at it is due {}.",
                    when::local(check)
                ),
                None => format!("Runs again; {used}."),
            },
            State::Held => "Held back by an operator.".to_owned(),
            State::DeadLettered => {
                format!("In the dead letter queue, waiting for a decision; {used}.")
            }
            State::Recovered => "Recovered: a run of it completed.".to_owned(),
            State::Resolved => format!(
                "Resolved: {}.",
                self.resolution
                    .as_deref()
                    .unwrap_or("closed")
                    .replace('_', " ")
            ),
            State::Stopped => {
                "Stopped: a person terminated or cancelled its latest run.".to_owned()
            }
        }
    }
}

/// The story as text: where it stands, then a line an event.
pub fn text(shown: &Shown, paint: Paint) -> String {
    let mut lines = vec![
        format!(
            "{} ({}, {})",
            paint.bold(&shown.order_id),
            shown.workflow_id,
            shown.workflow_type
        ),
        shown.stands(),
        String::new(),
    ];
    let mut table = table(["when", "what", ""]);
    for event in &shown.timeline {
        table.add_row([
            when::local(event.at),
            colour(event, paint),
            detail(event, paint),
        ]);
    }
    lines.push(table.trim_fmt());
    lines.join("\n")
}

fn colour(event: &Event, paint: Paint) -> String {
    match event.event.as_str() {
        "failed" | "timed out" | "dead-lettered" | "error" => paint.red(&event.event),
        "recovered" | "restarted" => paint.green(&event.event),
        other => other.to_owned(),
    }
}

fn detail(event: &Event, paint: Paint) -> String {
    let mut lines: Vec<String> = Some(event.detail.clone())
        .into_iter()
        .filter(|detail| !detail.is_empty())
        .collect();
    if let Some(by) = &event.by {
        lines.insert(0, format!("by {by}"));
        lines = vec![lines.join(": ")];
    }
    let names = [("run", &event.run_id), ("batch", &event.batch_id)];
    let names: Vec<String> = names
        .into_iter()
        .filter_map(|(what, id)| Some(format!("{what} {}", id.as_ref()?)))
        .collect();
    if !names.is_empty() {
        lines.push(paint.dim(names.join(", ")));
    }
    lines.extend(event.link.as_ref().map(|link| paint.dim(link)));
    lines.join("\n")
}

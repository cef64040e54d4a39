//! `redrive orders show`: where an order stands, and how it came there.

use redrive_core::states::State;
use redrive_web::views::{Event, OrderStory};

use crate::cli::when;
use crate::printer::{Paint, table};

/// The story as text: where it stands, then a line an event.
pub fn text(story: &OrderStory, paint: Paint) -> String {
    let mut lines = vec![
        format!(
            "{} ({}, {})",
            paint.bold(&story.order_id),
            story.workflow_id,
            story.workflow_type
        ),
        stands(story),
        String::new(),
    ];
    let mut table = table(["when", "what", ""]);
    for event in &story.timeline {
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

/// Where it stands, in a sentence.
fn stands(story: &OrderStory) -> String {
    let used = format!(
        "{} of {} restarts used",
        story.retry_count, story.max_retries
    );
    match story.state {
        State::Failed if !story.reprocessed => {
            format!(
                "Left alone: the policy does not reprocess {:?}.",
                story.failure_status
            )
        }
        State::Failed => match story.due_at {
            Some(due) => format!(
                "Waits for a batch to restart it, due {}; {used}.",
                when::local(due)
            ),
            None => format!("Waits for a batch to restart it; {used}."),
        },
        State::Claimed => format!("A batch is at it; {used}."),
        State::InFlight => match story.next_check_at {
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
            story
                .resolution
                .as_deref()
                .unwrap_or("closed")
                .replace('_', " ")
        ),
        State::Stopped => "Stopped: a person terminated or cancelled its latest run.".to_owned(),
    }
}

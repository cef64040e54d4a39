//! An order's story as one line of events in time.

#[cfg(test)]
mod tests;

use jiff::Timestamp;
use redrive_core::report::VerdictKind;
use redrive_ledger::{
    Attempt, AttemptOutcome, AuditEvent, DeadLetter, FailureRow, Resolution, Story,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happened to an order at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// What, in a word or two.
    pub event: String,
    /// The rest, in a sentence without names of runs and batches.
    pub detail: String,
    /// The run that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// Temporal's page of that run, where the configuration says where its pages are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
    /// The batch that did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch_id: Option<String>,
    /// The person who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// Everything that happened, in its order of time; what happened at the same time, in the order of cause and effect.
pub(super) fn of(story: &Story) -> Vec<Event> {
    let mut events: Vec<Event> = story.failures.iter().map(failure).collect();
    events.extend(story.audit.iter().map(act));
    events.extend(story.attempts.iter().map(start));
    events.extend(story.attempts.iter().filter_map(end));
    events.extend(
        story
            .verdicts
            .iter()
            .filter_map(|(batch, verdict, reason, at)| {
                // A start and a dead letter are events of their own.
                let told = [VerdictKind::Restarted, VerdictKind::Dlq]
                    .map(VerdictKind::as_str)
                    .contains(&verdict.as_str());
                let detail = reason.clone().unwrap_or_default().replace('_', " ");
                let event = Event {
                    batch_id: Some(batch.to_string()),
                    ..Event::new(*at, verdict, detail)
                };
                (!told).then_some(event)
            }),
    );
    events.extend(story.dead_letters.iter().map(parked));
    events.extend(story.dead_letters.iter().filter_map(settled));
    events.sort_by_key(|event| event.at);
    events
}

impl Event {
    fn new(at: Timestamp, event: &str, detail: impl Into<String>) -> Self {
        Self {
            at,
            event: event.to_owned(),
            detail: detail.into(),
            run_id: None,
            link: None,
            batch_id: None,
            by: None,
        }
    }
}

fn failure(failure: &FailureRow) -> Event {
    let event = if failure.timed_out {
        "timed out"
    } else {
        "failed"
    };
    let detail = format!("{}: {}", failure.failure_status, failure.reason);
    Event {
        run_id: Some(failure.run_id.to_string()),
        ..Event::new(failure.closed_at, event, detail)
    }
}

fn start(attempt: &Attempt) -> Event {
    let (number, generation) = (attempt.number, attempt.generation);
    let which = if generation > 1 {
        format!("restart {number} of generation {generation}")
    } else {
        format!("restart {number}")
    };
    let asked = if attempt.manual {
        ", asked for by an operator"
    } else {
        ""
    };
    let batch_id = Some(attempt.batch.to_string());
    match (attempt.started_at, attempt.outcome) {
        (Some(at), _) => {
            let run_id = attempt.run.as_ref().map(ToString::to_string);
            Event {
                run_id,
                batch_id,
                ..Event::new(at, "restarted", which + asked)
            }
        }
        (None, Some(AttemptOutcome::NotStarted)) => {
            let note = attempt
                .note
                .as_deref()
                .map_or_else(String::new, |note| format!(": {}", note.replace('_', " ")));
            let at = attempt.settled_at.unwrap_or(attempt.intent_at);
            Event {
                batch_id,
                ..Event::new(at, "not started", format!("{which}{asked}{note}"))
            }
        }
        (None, _) => {
            let detail = format!("{which}{asked}: the server's answer is not known yet");
            Event {
                batch_id,
                ..Event::new(attempt.intent_at, "starting", detail)
            }
        }
    }
}

/// How a restart ended; one that failed again is told by its failure.
fn end(attempt: &Attempt) -> Option<Event> {
    let event = match attempt.outcome? {
        AttemptOutcome::Recovered => "recovered",
        AttemptOutcome::Stopped => "stopped",
        AttemptOutcome::Unknown => "outcome unknown",
        AttemptOutcome::FailedAgain | AttemptOutcome::NotStarted => return None,
    };
    let detail = match attempt.outcome? {
        AttemptOutcome::Recovered => "its run completed",
        AttemptOutcome::Stopped => "a person terminated or cancelled its run",
        _ => "Temporal knows its run no more",
    };
    let run_id = attempt.run.as_ref().map(ToString::to_string);
    Some(Event {
        run_id,
        ..Event::new(attempt.settled_at?, event, detail)
    })
}

fn parked(entry: &DeadLetter) -> Event {
    let restarts = if entry.retry_count == 1 {
        "1 restart".to_owned()
    } else {
        format!("{} restarts", entry.retry_count)
    };
    let detail = format!("{}, after {restarts}", entry.reason.in_words());
    Event {
        batch_id: entry.batch.as_ref().map(ToString::to_string),
        ..Event::new(entry.created_at, "dead-lettered", detail)
    }
}

/// How an entry was closed without a person: a person's decision stands in the audit trail.
fn settled(entry: &DeadLetter) -> Option<Event> {
    let detail = match entry.resolution? {
        Resolution::RecoveredElsewhere => "a later run completed, started outside Redrive",
        Resolution::Stopped => "a person terminated or cancelled a later run",
        Resolution::ManualRetry | Resolution::Cancelled | Resolution::Escalated => return None,
    };
    Some(Event::new(entry.resolved_at?, "resolved", detail))
}

fn act(act: &AuditEvent) -> Event {
    let action = act.action.replace('_', " ");
    Event {
        by: Some(act.actor.clone()),
        ..Event::new(act.at, &action, act.reason.clone())
    }
}

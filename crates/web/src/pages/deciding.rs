//! Deciding about dead letters: a preview says how many and which, then it is done, and told for each.

use std::ops::ControlFlow;

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use redrive_core::words::orders;
use redrive_engine::ops::{BulkReport, Decision, Many, SHOWN};
use redrive_ledger::NewAuditEvent;
use serde::Deserialize;

use super::filter::Filter;
use super::{Result, Wrong, escaped, operation, shown};
use crate::app::{self, App};
use crate::extract::Form;
use crate::problem::ApiError;
use crate::queue;
use crate::views::ByHand;

/// How many orders are looked up by their ids for one decision. A page has fewer boxes.
const MOST_TICKED: usize = 500;

/// What a form decides.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    resolution: ByHand,
    /// `ticked` or `matching`.
    which: String,
    #[serde(default)]
    order: Vec<String>,
    #[serde(flatten)]
    filter: Filter,
    #[serde(default)]
    by: String,
    #[serde(default)]
    notes: String,
    /// The moment of the preview: what came later was not looked at.
    as_of: Option<i64>,
}

#[derive(Template)]
#[template(path = "preview.html")]
struct Preview {
    here: &'static str,
    question: String,
    consequence: &'static str,
    /// What keeps it from being done at once.
    waits_for: Option<String>,
    /// Whether it is asked here why, since nobody has said so.
    asks_why: bool,
    verb: String,
    matched: u64,
    sample: Vec<String>,
    more: u64,
    hidden: Vec<(&'static str, String)>,
}

/// What a decision is called, and what it brings about.
fn told(resolution: ByHand) -> (&'static str, &'static str, &'static str) {
    match resolution {
        ByHand::ManualRetry => (
            "manual_retry",
            "Retry",
            "Each is started again with a fresh budget of restarts.",
        ),
        ByHand::Cancelled => (
            "cancelled",
            "Cancel",
            "Each is given up: nothing restarts it any more, and Redrive deletes its copy of the order's input. A decided entry stays \
             in the list; `redrive dlq retry` takes it up again while Temporal has the order's history.",
        ),
        ByHand::Escalated => (
            "escalated",
            "Escalate",
            "Each is handed to somebody else, with your note, and leaves the queue. Redrive deletes its copy of the order's input: \
             `redrive dlq retry` takes it up again while Temporal has the order's history.",
        ),
    }
}

pub(super) async fn preview(State(app): State<App>, Form(asked): Form<Asked>) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    // Who is not named is told so before anything is looked at.
    asked.by()?;
    let many = chosen(&app, &asked, now).await?;
    let seen = records.look_at(many).await?;
    let matched = seen.matched;
    let first = seen.sample.into_iter().map(|entry| entry.order_id);
    let sample: Vec<String> = match seen.many {
        Many::Named(named) => {
            let named = named.into_iter().map(|one| one.order_id);
            named.take(SHOWN as usize).collect()
        }
        Many::Matching(..) => first.collect(),
    };
    let (resolution, verb, consequence) = told(asked.resolution);
    let waits_for = match asked.resolution {
        ByHand::ManualRetry => operation::halted(records, now).await?,
        ByHand::Cancelled | ByHand::Escalated => None,
    };
    let asks_why = asked.lacks_a_note();
    let mut hidden = vec![
        ("resolution", resolution.to_owned()),
        ("which", asked.which),
        ("by", asked.by),
        ("asOf", now.as_microsecond().to_string()),
    ];
    if !asks_why {
        hidden.push(("notes", asked.notes));
    }
    let filter = asked.filter.fields().into_iter();
    hidden.extend(filter.map(|(name, value)| (name, value.to_owned())));
    hidden.extend(asked.order.into_iter().map(|order| ("order", order)));
    Ok(shown(&Preview {
        here: "/dead-letters",
        question: format!("{verb} {}?", orders(matched)),
        consequence,
        waits_for,
        asks_why,
        verb: format!("{verb} {}", orders(matched)),
        matched,
        more: matched.saturating_sub(sample.len() as u64),
        sample,
        hidden,
    }))
}

impl Asked {
    fn by(&self) -> Result<NewAuditEvent> {
        Ok(app::named(self.by.clone(), self.notes.clone())?)
    }

    /// What ends Redrive's care for an order is not done without a word for whoever looks at it next.
    fn lacks_a_note(&self) -> bool {
        self.resolution != ByHand::ManualRetry && self.notes.trim().is_empty()
    }
}

/// The entries that are meant: those that are ticked, or all that match and were there at `as_of`.
async fn chosen(app: &App, asked: &Asked, as_of: Timestamp) -> Result<Many> {
    let records = app.records();
    if asked.which == "matching" {
        let filter = asked.filter.read()?;
        return Ok(queue::waiting(records, &filter, None, as_of).await?);
    }
    let ticked = asked.order.len();
    if ticked == 0 {
        return Err(Wrong(ApiError::invalid(
            "no entry is ticked: tick some, or choose all that match",
        )));
    }
    if ticked > MOST_TICKED {
        return Err(Wrong(ApiError::invalid(format!(
            "{ticked} entries are ticked, and {MOST_TICKED} at most are decided one by one: choose all that match"
        ))));
    }
    Ok(Many::Named(records.named(&asked.order).await?))
}

#[derive(Template)]
#[template(path = "result.html")]
struct Done {
    here: &'static str,
    title: String,
    sentence: String,
    not_done: Vec<(String, String)>,
}

pub(super) async fn decide(State(app): State<App>, Form(asked): Form<Asked>) -> Result<Response> {
    let as_of = asked
        .as_of
        .and_then(|at| Timestamp::from_microsecond(at).ok());
    let as_of = as_of.ok_or_else(|| ApiError::invalid("a decision begins with its preview"))?;
    let by = asked.by()?;
    if asked.lacks_a_note() {
        return Err(Wrong(ApiError::invalid("nothing says why: write a note")));
    }
    let many = chosen(&app, &asked, as_of).await?;
    let decision = match asked.resolution {
        ByHand::ManualRetry => {
            let operation = app.ops.retry_many(many, None, by).await?;
            let id = escaped(operation.id.as_str());
            return Ok(Redirect::to(&format!("/dead-letters/operations/{id}")).into_response());
        }
        ByHand::Cancelled => Decision::Cancel,
        ByHand::Escalated => Decision::Escalate,
    };
    let report = app
        .records()
        .decide_many(&many, decision, &by, &|_, _| ControlFlow::Continue(()))
        .await?;
    let (_, verb, _) = told(asked.resolution);
    Ok(shown(&Done::of(verb, report)))
}

impl Done {
    fn of(verb: &str, report: BulkReport) -> Self {
        let not_done = report.failed.into_iter();
        Self {
            here: "/dead-letters",
            title: format!("{verb}: {} done", orders(report.done)),
            sentence: format!("{} matched.", orders(report.matched)),
            not_done: not_done
                .map(|one| (one.order.order_id, one.reason))
                .collect(),
        }
    }
}

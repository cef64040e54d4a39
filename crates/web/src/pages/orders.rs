//! Orders, and one of them with its whole story.

use askama::Template;
use axum::extract::State as Has;
use axum::response::{IntoResponse, Redirect, Response};
use jiff::Timestamp;
use redrive_core::states::State;
use redrive_engine::ops::{Decision, RetryEnd};
use redrive_ledger::{Act, OrderFilter, Park};
use serde::Deserialize;

use super::filter::{address, given};
use super::moment::Moment;
use super::said::{Key, Said};
use super::{Result, Wrong, back, escaped, shown};
use crate::app::{self, App};
use crate::extract::{Form, Path, Query};
use crate::problem::ApiError;
use crate::views::{Event, OrderStory};
use crate::{cursor, page};

/// Which orders.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Which {
    id: String,
    state: String,
    failure_status: String,
    customer_id: String,
    group: String,
    cursor: Option<String>,
}

#[derive(Template)]
#[template(path = "orders.html")]
struct List {
    here: &'static str,
    states: Vec<&'static str>,
    chosen: String,
    failure_status: String,
    customer_id: String,
    group: String,
    orders: Vec<Row>,
    next: Option<String>,
}

struct Row {
    order_id: String,
    state: &'static str,
    failure_status: String,
    retry_count: u32,
    failed: Moment,
    failure_reason: String,
}

pub(super) async fn list(Has(app): Has<App>, Query(which): Query<Which>) -> Result<Response> {
    let wanted = which.id.trim();
    if !wanted.is_empty() {
        return Ok(Redirect::to(&format!("/orders/{}", escaped(wanted))).into_response());
    }
    let records = app.records();
    let now = records.clock.now();
    let filter = OrderFilter {
        states: State::parse(&which.state).into_iter().collect(),
        failure_status: given(&which.failure_status),
        group: given(&which.group),
        customer_id: given(&which.customer_id),
        failed_before: None,
        after: which.cursor.as_deref().map(cursor::entry).transpose()?,
    };
    let orders = records.orders(&filter, page::USUAL).await?;
    let last = orders
        .last()
        .filter(|_| orders.len() == page::USUAL as usize);
    let next = last.map(|order| which.after((order.failed_at, order.pk)));
    let orders = orders.into_iter().map(|order| Row {
        order_id: order.order_id,
        state: order.state.as_str(),
        failure_status: order.failure_status,
        retry_count: order.retry_count,
        failed: Moment::of(order.failed_at, now),
        failure_reason: order.failure_reason,
    });
    Ok(shown(&List {
        here: "/orders",
        states: State::ALL.iter().map(|state| state.as_str()).collect(),
        chosen: which.state,
        failure_status: which.failure_status,
        customer_id: which.customer_id,
        group: which.group,
        orders: orders.collect(),
        next,
    }))
}

impl Which {
    /// The address of the page after that place.
    fn after(&self, place: (Timestamp, i64)) -> String {
        let fields: [(&str, &str); 5] = [
            ("state", self.state.as_str()),
            ("failureStatus", &self.failure_status),
            ("customerId", &self.customer_id),
            ("group", &self.group),
            ("cursor", &cursor::of_entry(place)),
        ];
        address("/orders", &fields)
    }
}

#[derive(Template)]
#[template(path = "order.html")]
struct One {
    here: &'static str,
    message: Option<&'static str>,
    order_id: String,
    workflow_id: String,
    state: &'static str,
    failure_status: String,
    used: String,
    timeline: Vec<Line>,
    deeds: Vec<(&'static str, &'static str)>,
}

/// A line of its story.
struct Line {
    at: Moment,
    what: String,
    detail: String,
    by: Option<String>,
    run: Option<String>,
    link: Option<String>,
    batch: Option<String>,
}

impl Line {
    fn of(event: Event, now: Timestamp) -> Self {
        Self {
            at: Moment::of(event.at, now),
            what: event.event,
            detail: event.detail,
            by: event.by,
            run: event.run_id,
            link: event.link,
            batch: event.batch_id,
        }
    }
}

pub(super) async fn show(
    Has(app): Has<App>,
    Path(id): Path<String>,
    Query(said): Query<Said>,
) -> Result<Response> {
    let records = app.records();
    let now = records.clock.now();
    let story = records.show_order(&id).await?;
    let story = OrderStory::of(&story, &records.policy, &app.links);
    Ok(shown(&One {
        here: "/orders",
        message: said.words(),
        state: story.state.as_str(),
        used: format!(
            "{} of {} restarts used",
            story.retry_count, story.max_retries
        ),
        deeds: deeds(story.state),
        order_id: story.order_id,
        workflow_id: story.workflow_id.to_string(),
        failure_status: story.failure_status,
        timeline: story
            .timeline
            .into_iter()
            .map(|event| Line::of(event, now))
            .collect(),
    }))
}

/// What can be done to an order in that state, and what the button says.
fn deeds(state: State) -> Vec<(&'static str, &'static str)> {
    match state {
        State::Failed => vec![
            ("reset", "Fresh budget"),
            ("hold", "Hold back"),
            ("dead_letter", "To the dead letter queue"),
        ],
        State::Held => vec![
            ("release", "Release"),
            ("dead_letter", "To the dead letter queue"),
        ],
        State::DeadLettered => vec![
            ("retry", "Retry"),
            ("cancel", "Cancel"),
            ("escalate", "Escalate"),
        ],
        State::Claimed | State::InFlight | State::Recovered | State::Resolved | State::Stopped => {
            Vec::new()
        }
    }
}

/// What is done.
#[derive(Debug, Deserialize)]
pub(super) struct Deed {
    deed: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    reason: String,
}

pub(super) async fn act(
    Has(app): Has<App>,
    Path(id): Path<String>,
    Form(deed): Form<Deed>,
) -> Result<Response> {
    let by = app::named(deed.by, deed.reason)?;
    let page = format!("/orders/{}", escaped(&id));
    if matches!(deed.deed.as_str(), "cancel" | "escalate") && by.reason.trim().is_empty() {
        return Ok(back(&page, Key::Unsaid));
    }
    let records = app.records();
    let said = match deed.deed.as_str() {
        "hold" => acted(records.act(&id, Act::Hold, &by).await?, Key::Held),
        "release" => acted(records.act(&id, Act::Release, &by).await?, Key::Released),
        "reset" => acted(records.act(&id, Act::Reset, &by).await?, Key::Reset),
        "dead_letter" => acted(records.park(&id, &Park::from(by)).await?, Key::Parked),
        "cancel" => {
            let decided = records
                .decide_dead_letter(&id, Decision::Cancel, by)
                .await?;
            decided.map_or(Key::DecidedBefore, |_| Key::Cancelled)
        }
        "escalate" => {
            let decided = records
                .decide_dead_letter(&id, Decision::Escalate, by)
                .await?;
            decided.map_or(Key::DecidedBefore, |_| Key::Escalated)
        }
        "retry" => match app.ops.retry_dead_letter(&id, by).await?.end {
            RetryEnd::Started { .. } => Key::Started,
            RetryEnd::NotStarted {
                state: State::Failed | State::Claimed,
                ..
            } => Key::WillStart,
            RetryEnd::NotStarted { .. } => Key::NotStarted,
            RetryEnd::AlreadyResolved(_) => Key::DecidedBefore,
        },
        _ => {
            return Err(Wrong(ApiError::invalid(
                "there is no such thing to do to an order",
            )));
        }
    };
    Ok(back(&page, said))
}

fn acted<T>(done: std::result::Result<T, State>, said: Key) -> Key {
    done.map_or(Key::NotNow, |_| said)
}

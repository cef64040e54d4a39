//! A decision about many dead letters: first looked at, then done; and the operations that do it.

use redrive_engine::ops::{Answered, BulkReport};
use redrive_ledger::{NotStarted, Operation};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ByHand, Deed, Entry};
use crate::cursor;

/// A decision about all entries that wait and match, or about those of named orders.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Action {
    /// What is decided.
    pub resolution: ByHand,
    /// About which; by default about all.
    #[serde(default)]
    pub filter: ActionFilter,
    /// About the entries of these orders, by their ids or workflow ids. They are named instead of a `filter` and a `limit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_items = 1, max_items = 10000)]
    pub orders: Option<Vec<String>>,
    /// At most so many, the oldest first; by default all.
    #[serde(default)]
    #[schema(minimum = 1, maximum = 1000000000)]
    pub limit: Option<u32>,
    /// For `manual_retry`: starts a second, at most; by default as fast as everything. A thousand seconds is the longest that an order
    /// may wait for the next.
    #[serde(default)]
    #[schema(minimum = 0.001, maximum = 100000)]
    pub per_second: Option<f64>,
    /// Why.
    #[serde(default)]
    #[schema(max_length = 4000)]
    pub notes: String,
    /// Who decides it.
    #[schema(
        min_length = 1,
        max_length = 200,
        pattern = r"[^\s\x00-\x1F\x7F-\x9F]",
        example = "ann"
    )]
    pub resolved_by: String,
    /// The preview's token: the same request with it is carried out. Without it nothing is done, and a preview is answered.
    #[serde(default)]
    pub token: Option<String>,
}

/// The longest age that a filter takes, in hours, more than a century: no queue is older.
pub const MOST_HOURS: f64 = 1_000_000.0;

/// Which entries. Everything that is given must hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct ActionFilter {
    /// Of this failure status.
    #[schema(example = "shipping_failed")]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Of this customer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
    /// Whose order id begins so, whose workflow id it is, or whose customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// In the queue for more than so many hours.
    #[schema(minimum = 0, maximum = 1000000)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub older_than_hours: Option<f64>,
}

/// What an action is about, and what became of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ActionAnswer {
    /// Entries that match: entries that came later than the preview are not among them. Of named orders: how many they are.
    pub matched: u64,
    /// What to present to have it done; in a preview, and where some are `left`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// The first of the entries; in a preview of a filter only.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sample: Vec<Entry>,
    /// The operation that starts the orders again, and goes on by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<Operation>,
    /// What was decided, where nothing is started. Many entries take several requests: where some are `left`, the same request with
    /// that number as its `limit`, and the new `token`, goes on with them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<BulkReport>,
}

/// An operation, with a page of the orders that it did not start.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationShown {
    /// The operation.
    #[serde(flatten)]
    pub operation: Operation,
    /// What it did not start, and why: those that could not be started first.
    pub not_started: Vec<NotStarted>,
    /// Gives the next page of them; not there on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl OperationShown {
    /// The operation with at most `limit` of them.
    pub fn of(operation: Operation, not_started: Vec<NotStarted>, limit: u32) -> Self {
        let full = not_started.len() == limit as usize;
        let last = not_started.last().filter(|_| full);
        Self {
            next_cursor: last.map(cursor::of_not_started),
            operation,
            not_started,
        }
    }
}

/// What an operation was told, and how it stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationTold {
    /// What it was told.
    pub told: Deed,
    /// Whether its answer shows that it has heard; else it hears it when a worker goes on with it.
    pub heard: bool,
    /// The operation.
    #[serde(flatten)]
    pub operation: Operation,
}

impl OperationTold {
    /// What became of that deed.
    pub fn of(told: Deed, answered: Answered) -> Self {
        Self {
            told,
            heard: answered.heard,
            operation: answered.operation,
        }
    }
}

/// How fast an operation is to go from now on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NewRate {
    /// Starts a second, at most; by default as fast as everything. A thousand seconds is the longest that an order may wait for the
    /// next.
    #[schema(minimum = 0.001, maximum = 100000, example = 2.5)]
    pub per_second: Option<f64>,
    /// Why.
    #[schema(max_length = 4000, example = "the carrier is slow today")]
    pub reason: String,
    /// Who.
    #[schema(max_length = 200, example = "ann")]
    pub by: Option<String>,
}

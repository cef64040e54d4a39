//! Lists.

use redrive_ledger::{BatchRow, BatchVerdict};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A list, as far as it was asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Listed<T> {
    /// What it lists.
    pub data: Vec<T>,
    /// Gives the next page; not there on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

impl<T> Listed<T> {
    /// All there is.
    pub(crate) fn whole(data: Vec<T>) -> Self {
        Self {
            data,
            next_cursor: None,
        }
    }

    /// A page of at most `limit`; `cursor` names the place of an item.
    pub(crate) fn page(data: Vec<T>, limit: u32, cursor: impl FnOnce(&T) -> String) -> Self {
        let last = data.last().filter(|_| data.len() == limit as usize);
        Self {
            next_cursor: last.map(cursor),
            data,
        }
    }
}

/// A batch, with a page of the orders that it found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchOrders {
    /// The batch.
    #[serde(flatten)]
    pub batch: BatchRow,
    /// What it did with each.
    pub orders: Vec<BatchVerdict>,
    /// Gives the next page of them; not there on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
}

//! The policy: which orders are reprocessed, how often, how fast, and when Redrive gives up. It is data (TOML), made
//! of defaults and what a file says differently, and decides nothing by itself: `decide` reads it.
//!
//! A *status* is what went wrong with an order (`shipping_failed`); each may have a [`StatusPolicy`]. *Rules* give a
//! status to failures that do not name one. Every struct here refuses settings it does not know, so that a typing
//! error is an error and not a silently kept default.

mod customer;
mod rule;
mod status;
mod timing;
mod treatment;
mod validate;
mod watch;

pub mod duration;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::backoff::Backoff;
use crate::digest;

pub use customer::CustomerId;
pub use rule::{Condition, Pattern, Rule};
pub use status::{DEFAULT_REPROCESSABLE, StatusPolicies, StatusPolicy};
pub use timing::{ScanPolicy, SettlePolicy};
pub use treatment::{Treatment, Waits};
pub use watch::{DEFAULT_ORDER_ID, DEFAULT_WORKFLOW_TYPE, ORDER_ID_PLACEHOLDER, Watch};

/// Restarts of an order before it becomes a dead letter: the specification's `MaxReprocessingRetries`.
pub const MAX_REPROCESSING_RETRIES: u32 = 5;

/// Orders one chunk claims: the specification's `ReprocessingBatchSize`.
pub const REPROCESSING_BATCH_SIZE: u32 = 100;

/// The most orders one chunk may claim. More would outlast a chunk's timeout at the default start rate.
pub const MAX_BATCH_SIZE: u32 = 1000;

/// What Redrive does about failed orders. In a larger TOML file it is the `[policy]` table; what is left out takes
/// the default.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "snake_case")]
pub struct Policy {
    /// The workflow types whose failed runs are reprocessed. Default: `OrderFulfillmentWorkflow` alone.
    pub watch: Vec<Watch>,
    /// Restarts of an order before it becomes a dead letter; 0 parks every failed order at once. Default
    /// [`MAX_REPROCESSING_RETRIES`].
    pub max_retries: u32,
    /// Orders one chunk claims, 1 to [`MAX_BATCH_SIZE`]. Default [`REPROCESSING_BATCH_SIZE`].
    pub batch_size: u32,
    /// Workflow starts a second, over everything Redrive starts in the namespace. Default 20: gentle to a cluster
    /// that serves customers at the same time.
    pub starts_per_second: f64,
    /// Visibility calls (list, count) a second, over everything Redrive asks in the namespace. Default 5: half of what a
    /// Temporal frontend allows a namespace by its own default (`frontend.namespaceRPS.visibility`, 10), for people and
    /// other tools ask too.
    pub visibility_calls_per_second: f64,
    /// The waits between restarts of an order.
    pub backoff: Backoff,
    /// Whether failed runs that have a parent are restarted too. Default false: the parent has seen the failure and
    /// may have dealt with it.
    pub restart_children: bool,
    /// Whether the ledger keeps each open order's start request, so that it can be retried after Temporal has
    /// deleted the history. Default true.
    pub keep_start_requests: bool,
    /// Item errors in a row before an order becomes a dead letter that cannot be started. Default 5.
    pub max_item_errors: u32,
    /// What to do about each failure status. `[policy.statuses.NAME]` changes or adds one; the rest keep their
    /// defaults. A status that is not listed is kept, shown and left alone.
    #[serde(deserialize_with = "status::deserialize")]
    pub statuses: StatusPolicies,
    /// Which status other failures have; the first rule that matches wins. Default none.
    pub rules: Vec<Rule>,
    /// How failed runs are found.
    pub scan: ScanPolicy,
    /// How restarted runs are followed.
    pub settle: SettlePolicy,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            watch: vec![Watch::default()],
            max_retries: MAX_REPROCESSING_RETRIES,
            batch_size: REPROCESSING_BATCH_SIZE,
            starts_per_second: 20.0,
            visibility_calls_per_second: 5.0,
            backoff: Backoff::default(),
            restart_children: false,
            keep_start_requests: true,
            max_item_errors: 5,
            statuses: status::defaults(),
            rules: Vec::new(),
            scan: ScanPolicy::default(),
            settle: SettlePolicy::default(),
        }
    }
}

impl Policy {
    /// Whether orders with this status are restarted.
    pub fn reprocess(&self, status: &str) -> bool {
        self.statuses.get(status).is_some_and(|own| own.reprocess)
    }

    /// How often an order with this status is restarted before it becomes a dead letter.
    pub fn max_retries(&self, status: &str) -> u32 {
        let own = self.statuses.get(status);
        own.and_then(|own| own.max_retries)
            .unwrap_or(self.max_retries)
    }

    /// The waits between restarts of an order with this status.
    pub fn backoff(&self, status: &str) -> &Backoff {
        let own = self.statuses.get(status);
        own.and_then(|own| own.backoff.as_ref())
            .unwrap_or(&self.backoff)
    }

    /// How this workflow type is watched; `None` if it is not.
    pub fn watched(&self, workflow_type: &str) -> Option<&Watch> {
        self.watch
            .iter()
            .find(|watch| watch.workflow_type == workflow_type)
    }

    /// The statuses whose orders are restarted, in alphabetical order.
    pub fn reprocessable(&self) -> Vec<&str> {
        let reprocessed = self.statuses.iter().filter(|(_, own)| own.reprocess);
        reprocessed.map(|(status, _)| status.as_str()).collect()
    }

    /// A hash of every setting, 16 hex digits. Two files that mean the same have the same digest, however they are
    /// written; a change of any setting changes it.
    pub fn digest(&self) -> String {
        let settings = serde_json::to_string(self)
            .expect("a policy is maps with string keys, text and numbers");
        digest::short(&settings)
    }
}

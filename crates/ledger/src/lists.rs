//! What the lists consist of, and what can be asked for.

use jiff::Timestamp;
use jiff::civil::Date;
use redrive_core::decide::DeadLetterReason;
use redrive_core::ids::{RunId, WorkflowId};
use redrive_core::report::VerdictKind;
use redrive_core::states::State;
use serde::{Deserialize, Serialize, Serializer};
use utoipa::ToSchema;

use crate::{FailureRow, OrderPk, Resolution};

/// How everything stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Overview {
    /// Orders that wait for a restart.
    pub backlog: u64,
    /// Orders whose restart, or other run, is followed.
    pub in_flight: u64,
    /// Orders that a chunk owns now.
    pub claimed: u64,
    /// Orders held back by an operator.
    pub held: u64,
    /// Orders in the dead letter queue.
    pub dead_lettered: u64,
    /// Failed orders that the policy leaves alone.
    pub left_alone: u64,
    /// Since when the oldest dead letter waits.
    pub oldest_dead_letter_at: Option<Timestamp>,
    /// Restarts that are known, since the time asked for, to have recovered their order.
    pub recovered: u64,
    /// Restarts that are known, since the time asked for, to have failed again.
    pub failed_again: u64,
    /// Failures that were older than the look-back when Redrive first looked, and were left alone.
    pub older_failures: u64,
}

/// Which orders. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OrderFilter {
    /// In one of these states; empty: in any.
    pub states: Vec<State>,
    /// Failed so.
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    pub group: Option<String>,
    /// Of this customer.
    pub customer_id: Option<String>,
    /// Failed before then.
    pub failed_before: Option<Timestamp>,
    /// Only after this order, by the time of its failure and its key: the next page.
    pub after: Option<(Timestamp, OrderPk)>,
}

/// Which orders that wait for a restart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EligibleFilter {
    /// Of these failure statuses; empty: of any that the policy reprocesses.
    pub failure_statuses: Vec<String>,
    /// Restarted less often than so.
    pub max_retries: u32,
    /// Due by then.
    pub due_by: Timestamp,
}

/// Which failed runs. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailureFilter {
    /// Failed so.
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    pub group: Option<String>,
    /// Closed at or after then.
    pub since: Option<Timestamp>,
    /// Only after this run, by the time of its close and its id: the next page.
    pub after: Option<(Timestamp, RunId)>,
}

/// A failed run and its order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureEntry {
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
    /// The workflow type.
    pub workflow_type: String,
    /// Where the order stands now.
    pub state: State,
    /// The failed run.
    #[serde(flatten)]
    pub failure: FailureRow,
}

/// Failures that have type, status and normalised message in common.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FailureGroup {
    /// The workflow type.
    pub workflow_type: String,
    /// The failure status.
    pub failure_status: String,
    /// The fingerprint of the message.
    pub fingerprint: String,
    /// Failed runs, ever.
    pub count: u64,
    /// Orders that are open now with this as their last failure.
    pub open_orders: u64,
    /// When the first one closed.
    pub first_seen_at: Timestamp,
    /// When the last one closed.
    pub last_seen_at: Timestamp,
    /// The message of the last one.
    pub sample: String,
}

/// Which failure groups. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GroupFilter {
    /// With a failure at or after then.
    pub since: Option<Timestamp>,
    /// Whose status or last message has these words in it, whatever their case.
    pub search: Option<String>,
    /// Only after this place: the next page.
    pub after: Option<GroupPlace>,
}

/// Where a failure group stands in a list of them: by its failures, when the last one closed, and what tells it from others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupPlace {
    /// Failed runs.
    pub count: u64,
    /// When the last one closed.
    pub last_seen_at: Timestamp,
    /// The fingerprint.
    pub fingerprint: String,
    /// The failure status.
    pub failure_status: String,
    /// The workflow type.
    pub workflow_type: String,
}

impl FailureGroup {
    /// Its place in a list: the next page begins after it.
    pub fn place(&self) -> GroupPlace {
        GroupPlace {
            count: self.count,
            last_seen_at: self.last_seen_at,
            fingerprint: self.fingerprint.clone(),
            failure_status: self.failure_status.clone(),
            workflow_type: self.workflow_type.clone(),
        }
    }
}

/// How often a group failed within an hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureHour {
    /// The group's workflow type.
    pub workflow_type: String,
    /// Its failure status.
    pub failure_status: String,
    /// Its fingerprint.
    pub fingerprint: String,
    /// When the hour began; in UTC, and so in most zones, at its full hour.
    pub hour: Timestamp,
    /// Failed runs that closed in it; an hour without any is not told.
    pub count: u64,
}

/// What a batch did with one order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BatchVerdict {
    /// The ledger's key: the next page begins after it.
    #[serde(skip)]
    pub pk: OrderPk,
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
    /// The order's failure status now.
    pub failure_status: String,
    /// What was done.
    pub verdict: VerdictKind,
    /// Why, where it was not restarted.
    pub reason: Option<String>,
    /// The number of the attempt that it was restarted as.
    pub attempt: Option<u32>,
    /// When.
    pub at: Timestamp,
}

impl BatchVerdict {
    /// Why, or which attempt it was restarted as, in words.
    pub fn why(&self) -> String {
        let reason = self.reason.as_deref().unwrap_or_default();
        match (self.verdict, self.attempt) {
            (VerdictKind::Restarted, Some(attempt)) => format!("attempt {attempt}"),
            (VerdictKind::Dlq, _) => DeadLetterReason::parse(reason)
                .map_or_else(|| reason.to_owned(), |reason| reason.in_words().to_owned()),
            (VerdictKind::Error, _) => reason.to_owned(),
            _ => reason.replace('_', " "),
        }
    }
}

/// Which dead letters. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct DeadLetterFilter {
    /// Waiting ones (`false`), decided ones (`true`), or both.
    pub resolved: Option<bool>,
    /// Failed so.
    pub failure_status: Option<String>,
    /// Of this failure group: the beginning of its fingerprint.
    pub group: Option<String>,
    /// Of this customer.
    pub customer_id: Option<String>,
    /// Whose order id begins so, whose workflow id it is, or whose customer's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub search: Option<String>,
    /// In the queue since before then.
    pub before: Option<Timestamp>,
    /// In which order.
    #[serde(skip)]
    pub order: DeadLetterOrder,
    /// Only after this entry, by its [place](crate::DeadLetter::place) in that order: the next page.
    #[serde(skip)]
    pub after: Option<(i64, i64)>,
}

/// In which order dead letters are listed: those that an index serves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum DeadLetterOrder {
    /// Those that came into the queue first come first.
    #[default]
    Oldest,
    /// Those that came into the queue last come first.
    Newest,
    /// Those that were decided last come first; those that wait are left out.
    Decided,
    /// Those that were restarted most come first, and of equals those that came last; those that are decided are left out.
    Retries,
}

/// Up to so many entries a filtered list is counted.
pub const COUNTED: u64 = 10_000;

/// How many there are of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Total {
    /// So many.
    Exactly(u64),
    /// More than so many: the rest was not counted.
    MoreThan(u64),
}

impl Total {
    /// What a count up to one more than [`COUNTED`] says.
    pub(crate) const fn of(count: u64) -> Self {
        if count > COUNTED {
            Self::MoreThan(COUNTED)
        } else {
            Self::Exactly(count)
        }
    }

    /// The number, and whether there are more.
    pub const fn told(self) -> (u64, bool) {
        match self {
            Self::Exactly(total) => (total, false),
            Self::MoreThan(total) => (total, true),
        }
    }
}

/// The dead letter queue in numbers.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeadLetterStats {
    /// Entries, ever.
    pub total_entries: u64,
    /// Those that wait.
    pub unresolved_count: u64,
    /// Those that are decided.
    pub resolved_count: u64,
    /// Waiting ones, by failure status, the most first.
    #[serde(serialize_with = "as_map")]
    pub by_failure_status: Vec<(String, u64)>,
    /// Decided ones, by how.
    #[serde(serialize_with = "as_map")]
    pub by_resolution: Vec<(Resolution, u64)>,
    /// Restarts an entry, on average over all of them.
    pub average_retries: f64,
    /// Since when the oldest one waits.
    pub oldest_unresolved_at: Option<Timestamp>,
}

/// Pairs as an object, in their order.
fn as_map<K: Serialize, S: Serializer>(
    pairs: &[(K, u64)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(pairs.iter().map(|(key, count)| (key, count)))
}

/// What batches did on one day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    /// The day, UTC.
    pub day: Date,
    /// Batches, one that still runs among them.
    pub batches: u64,
    /// Orders started again.
    pub restarted: u64,
    /// Restarts that were seen to have recovered their order.
    pub recovered: u64,
    /// Restarts that were seen to have failed again.
    pub failed_again: u64,
    /// Orders moved to the dead letter queue.
    pub sent_to_dlq: u64,
    /// Orders that could not be processed.
    pub errors: u64,
}

/// What of the audit trail. Everything that is set must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Done by this person.
    pub actor: Option<String>,
    /// Of this kind.
    pub action: Option<String>,
    /// Done at or after then.
    pub since: Option<Timestamp>,
    /// Only after this act, by its time and its key: the next page.
    pub after: Option<(Timestamp, i64)>,
}

/// What somebody did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AuditRow {
    /// The ledger's key: the next page begins after it.
    #[serde(skip)]
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// To which order, where it was one.
    pub order_id: Option<String>,
    /// Its workflow id.
    pub workflow_id: Option<WorkflowId>,
    /// Why.
    pub reason: String,
    /// What else there is to know.
    pub detail: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_count_beyond_the_bound_is_a_lower_bound() {
        assert_eq!(Total::of(0).told(), (0, false));
        assert_eq!(Total::of(COUNTED).told(), (COUNTED, false));
        assert_eq!(Total::of(COUNTED + 1).told(), (COUNTED, true));
    }
}

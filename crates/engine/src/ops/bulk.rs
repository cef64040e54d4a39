//! Decisions about many dead letters that start nothing: a page of them in a transaction, and what cannot be done to one is
//! told of that one. Whoever is interrupted asks again: what is decided already is not in the queue any more.

use std::collections::HashSet;
use std::ops::ControlFlow;

use jiff::Timestamp;
use redrive_core::ids::WorkflowId;
use redrive_ledger::{DeadLetter, DeadLetterFilter, NewAuditEvent, Resolution, Resolved};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Decision, OpsError, Records, Result};

/// Entries a transaction, and orders that are looked for at a time.
const PAGE: u32 = 500;
/// How many orders are shown before many are decided about.
pub const SHOWN: u32 = 10;

/// An order of the dead letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Named {
    /// The workflow id.
    pub workflow_id: WorkflowId,
    /// The order id.
    pub order_id: String,
}

/// Which dead letters a decision about many is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Many {
    /// Those that match and wait, the oldest first, at most so many.
    Matching(DeadLetterFilter, Option<u32>),
    /// Those of these orders.
    Named(Vec<Named>),
}

impl Many {
    /// Those that match, wait, and were in the queue at `as_of`: what came later was not looked at.
    pub fn waiting(filter: DeadLetterFilter, limit: Option<u32>, as_of: Timestamp) -> Self {
        let filter = DeadLetterFilter {
            resolved: Some(false),
            before: Some(filter.before.unwrap_or(as_of)),
            ..filter
        };
        Self::Matching(filter, limit)
    }
}

/// What a decision about many is about, as it is seen before it is carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookedAt {
    /// Which they are.
    pub many: Many,
    /// How many they are.
    pub matched: u64,
    /// The first of those that match; none where orders are named.
    pub sample: Vec<DeadLetter>,
}

/// What was done with many.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct BulkReport {
    /// How many it was about.
    pub matched: u64,
    /// With how many it was done.
    pub done: u64,
    /// With which it was not.
    pub failed: Vec<NotDone>,
    /// How many are left, where it was ended early.
    #[serde(default, skip_serializing_if = "is_none_left")]
    pub left: u64,
}

fn is_none_left(left: &u64) -> bool {
    *left == 0
}

/// One with which it was not done, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotDone {
    /// The order.
    #[serde(flatten)]
    pub order: Named,
    /// Why.
    pub reason: String,
}

/// Hears after each page how far it is (done, of how many), and says whether to go on.
pub type Told<'a> = &'a (dyn Fn(u64, u64) -> ControlFlow<()> + Send + Sync);

impl BulkReport {
    /// Tells how far it is; what is left is noted where nobody wants it to go on.
    fn tell(&mut self, told: Told<'_>) -> ControlFlow<()> {
        let dealt_with = self.done + self.failed.len() as u64;
        let goes_on = told(dealt_with, self.matched);
        if goes_on.is_break() {
            self.left = self.matched.saturating_sub(dealt_with);
        }
        goes_on
    }

    fn add(&mut self, order: &Named, resolved: Resolved) {
        let reason = match resolved {
            Resolved::Done(_) => {
                self.done += 1;
                return;
            }
            Resolved::Already(entry) => entry.decided_before(),
            Resolved::NotDeadLettered | Resolved::NoSuchOrder => {
                "it is not in the dead letter queue".to_owned()
            }
        };
        self.failed.push(NotDone {
            order: order.clone(),
            reason,
        });
    }
}

impl Records {
    /// The orders of those ids, each once.
    ///
    /// Errors: one is unknown.
    pub async fn named(&self, ids: &[String]) -> Result<Vec<Named>> {
        let (mut named, mut seen) = (Vec::with_capacity(ids.len()), HashSet::new());
        for page in ids.chunks(PAGE as usize) {
            let found = self.reader.orders_named(page).await?;
            for (id, order) in page.iter().zip(found) {
                let unknown = || OpsError::NoSuchOrder { id: id.clone() };
                let (workflow_id, order_id) = order.ok_or_else(unknown)?;
                if seen.insert(workflow_id.clone()) {
                    named.push(Named {
                        workflow_id,
                        order_id,
                    });
                }
            }
        }
        Ok(named)
    }

    /// Looks at them before anything is done.
    pub async fn look_at(&self, many: Many) -> Result<LookedAt> {
        let sample = match &many {
            Many::Named(_) => Vec::new(),
            Many::Matching(filter, limit) => {
                let shown = limit.unwrap_or(SHOWN).min(SHOWN);
                self.dead_letters(filter, shown).await?
            }
        };
        Ok(LookedAt {
            matched: self.count_of(&many).await?,
            many,
            sample,
        })
    }

    /// How many it is about now.
    pub async fn count_of(&self, many: &Many) -> Result<u64> {
        Ok(match many {
            Many::Named(orders) => orders.len() as u64,
            Many::Matching(filter, limit) => {
                let count = self.reader.count_dead_letters(filter).await?;
                count.min(limit.map_or(u64::MAX, u64::from))
            }
        })
    }

    /// Closes many entries without starting anything.
    pub async fn decide_many(
        &self,
        many: &Many,
        decision: Decision,
        by: &NewAuditEvent,
        told: Told<'_>,
    ) -> Result<BulkReport> {
        let resolution = match decision {
            Decision::Cancel => Resolution::Cancelled,
            Decision::Escalate => Resolution::Escalated,
        };
        let mut report = BulkReport {
            matched: self.count_of(many).await?,
            ..BulkReport::default()
        };
        match many {
            Many::Named(orders) => {
                for page in orders.chunks(PAGE as usize) {
                    self.decide_page(page, resolution, by, &mut report).await?;
                    if report.tell(told).is_break() {
                        break;
                    }
                }
            }
            Many::Matching(filter, limit) => {
                let mut filter = filter.clone();
                let mut left = limit.map_or(u64::MAX, u64::from);
                loop {
                    let size = left.min(PAGE.into()) as u32;
                    let page = self.reader.dead_letters(&filter, 0, size).await?;
                    filter.after = page.last().map(|entry| entry.place(filter.order));
                    let orders: Vec<Named> = page.iter().map(Named::from).collect();
                    self.decide_page(&orders, resolution, by, &mut report)
                        .await?;
                    left -= orders.len() as u64;
                    let is_last = orders.len() < size as usize || left == 0;
                    if report.tell(told).is_break() || is_last {
                        break;
                    }
                }
            }
        }
        Ok(report)
    }

    async fn decide_page(
        &self,
        page: &[Named],
        resolution: Resolution,
        by: &NewAuditEvent,
        report: &mut BulkReport,
    ) -> Result<()> {
        let ids: Vec<WorkflowId> = page.iter().map(|order| order.workflow_id.clone()).collect();
        let now = self.clock.now();
        let resolved = self
            .ledger
            .resolve_many(&self.policy, &ids, resolution, by, now)
            .await?;
        for (order, resolved) in page.iter().zip(resolved) {
            report.add(order, resolved);
        }
        Ok(())
    }
}

impl From<&DeadLetter> for Named {
    fn from(entry: &DeadLetter) -> Self {
        Self {
            workflow_id: entry.workflow_id.clone(),
            order_id: entry.order_id.clone(),
        }
    }
}

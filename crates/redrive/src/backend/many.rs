//! Decisions about many dead letters: looked at first, then carried out on what was looked at.

use redrive_engine::ops::{BulkReport, Decision, Many, Records, Told};
use redrive_ledger::{NewAuditEvent, Operation};
use redrive_web::views::{Action, ActionAnswer, ByHand, Entry};
use reqwest::Method;

use super::dead_letters::Wanted;
use super::{Backend, Remote, RemoteError};
use crate::cli::Session;

/// Where a server decides about many.
const ACTIONS: [&str; 2] = ["dead-letter-queue", "actions"];

/// What a decision about many is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum About {
    /// These orders, by their ids or workflow ids.
    Named(Vec<String>),
    /// Those that match and wait, the oldest first, at most so many.
    Matching(Wanted, Option<u32>),
}

/// What a decision about many turned out to be about, and what it was looked at with: what is carried out is that, with that.
pub struct Preview<L> {
    /// How many.
    pub matched: u64,
    /// The first of those that match.
    pub sample: Vec<Entry>,
    chosen: Chosen<L>,
}

enum Chosen<L> {
    Here(L, Many),
    /// The request that is to be sent, with what it presents.
    There(Remote, Box<Action>),
}

/// What it takes to look here.
pub trait Looks: Clone {
    /// The verbs over the ledger.
    fn records(&self) -> &Records;
}

impl Looks for Records {
    fn records(&self) -> &Records {
        self
    }
}

impl Looks for Session {
    fn records(&self) -> &Records {
        &self.ops.records
    }
}

impl<L: Looks> Backend<L> {
    /// Looks what it is about.
    ///
    /// Errors: an order that is named is unknown.
    pub async fn preview(
        &self,
        about: About,
        resolution: ByHand,
        by: &NewAuditEvent,
    ) -> anyhow::Result<Preview<L>> {
        match self {
            Self::Local(here) => looked_at(here, about).await,
            Self::Remote(remote) => {
                let mut action = action(about, resolution, by);
                let answer: ActionAnswer = remote.send(Method::POST, &ACTIONS, &action).await?;
                action.token = answer.token;
                Ok(Preview {
                    matched: answer.matched,
                    sample: answer.sample,
                    chosen: Chosen::There(remote.clone(), Box::new(action)),
                })
            }
        }
    }
}

impl Preview<Records> {
    /// Closes them without starting anything.
    pub async fn decide(
        self,
        decision: Decision,
        by: &NewAuditEvent,
        told: Told<'_>,
    ) -> anyhow::Result<BulkReport> {
        Ok(match self.chosen {
            Chosen::Here(records, many) => records.decide_many(&many, decision, by, told).await?,
            Chosen::There(remote, action) => decided(&remote, *action, told).await?,
        })
    }
}

impl Preview<Session> {
    /// Opens an operation that retries them, at most so many a second.
    pub async fn retry(
        self,
        per_second: Option<f64>,
        by: NewAuditEvent,
    ) -> anyhow::Result<Operation> {
        match self.chosen {
            Chosen::Here(session, many) => Ok(session.ops.retry_many(many, per_second, by).await?),
            Chosen::There(remote, action) => {
                let action = Action {
                    per_second,
                    ..*action
                };
                let answer: ActionAnswer = remote.send(Method::POST, &ACTIONS, &action).await?;
                let begun = answer.operation;
                Ok(begun.ok_or_else(|| remote.foreign(&"it has begun no operation"))?)
            }
        }
    }
}

async fn looked_at<L: Looks>(here: &L, about: About) -> anyhow::Result<Preview<L>> {
    let records = here.records();
    let now = records.clock.now();
    let many = match about {
        About::Named(ids) => Many::Named(records.named(&ids).await?),
        About::Matching(wanted, most) => Many::waiting(wanted.filter(Some(false), now), most, now),
    };
    let seen = records.look_at(many).await?;
    let sample = seen.sample.into_iter().map(|entry| Entry::of(entry, now));
    Ok(Preview {
        matched: seen.matched,
        sample: sample.collect(),
        chosen: Chosen::Here(here.clone(), seen.many),
    })
}

fn action(about: About, resolution: ByHand, by: &NewAuditEvent) -> Action {
    let (orders, wanted, limit) = match about {
        About::Named(ids) => (Some(ids), Wanted::default(), None),
        About::Matching(wanted, most) => (None, wanted, most),
    };
    Action {
        resolution,
        filter: (&wanted).into(),
        orders,
        limit,
        per_second: None,
        notes: by.reason.clone(),
        resolved_by: by.actor.clone(),
        token: None,
    }
}

/// Has a decision carried out by as many requests as it takes: a server decides for some time, and tells what is left.
async fn decided(
    remote: &Remote,
    mut action: Action,
    told: Told<'_>,
) -> Result<BulkReport, RemoteError> {
    let mut all: Option<BulkReport> = None;
    loop {
        let answer: ActionAnswer = remote.send(Method::POST, &ACTIONS, &action).await?;
        let report = answer.report;
        let mut next = report.ok_or_else(|| remote.foreign(&"it has decided nothing"))?;
        action.limit = u32::try_from(next.left).ok();
        action.token = answer.token;
        if let Some(before) = all {
            next = joined(before, next);
        }
        let dealt_with = next.done + next.failed.len() as u64;
        let goes_on = told(dealt_with, next.matched).is_continue() && next.left > 0;
        if !goes_on {
            return Ok(next);
        }
        all = Some(next);
    }
}

/// Both, as one.
fn joined(before: BulkReport, next: BulkReport) -> BulkReport {
    BulkReport {
        matched: before.matched,
        done: before.done + next.done,
        failed: [before.failed, next.failed].concat(),
        left: next.left,
    }
}

#[cfg(test)]
mod tests {
    use redrive_engine::ops::{Named, NotDone};

    use super::*;

    #[test]
    fn what_took_several_requests_is_one_report() {
        let failed = |id: &str| NotDone {
            order: Named {
                workflow_id: id.into(),
                order_id: id.into(),
            },
            reason: "decided before".into(),
        };
        let first = BulkReport {
            matched: 10,
            done: 5,
            failed: vec![failed("a")],
            left: 4,
        };
        let last = BulkReport {
            matched: 3,
            done: 2,
            failed: vec![failed("b")],
            left: 0,
        };
        let all = joined(first, last);
        assert_eq!((all.matched, all.done, all.left), (10, 7, 0));
        assert_eq!(all.failed, [failed("a"), failed("b")]);
    }
}

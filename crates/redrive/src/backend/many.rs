//! Decisions about many dead letters: looked at first, then carried out on what was looked at.

use redrive_engine::ops::{BulkReport, Decision, Many, Records, Told};
use redrive_ledger::{DeadLetterFilter, NewAuditEvent, Operation};
use redrive_web::views::{Action, ActionAnswer, ByHand, Entry};
use reqwest::Method;

use super::dead_letters::Wanted;
use super::{Backend, Remote, RemoteError};
use crate::cli::Session;

/// How many entries a preview shows: as many as a server does.
const SHOWN: u32 = 10;
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

/// What a decision about many turned out to be about; what is carried out is that.
#[derive(Debug)]
pub struct Preview {
    /// How many.
    pub matched: u64,
    /// The first of those that match.
    pub sample: Vec<Entry>,
    chosen: Chosen,
}

#[derive(Debug)]
enum Chosen {
    Here(Many),
    /// The request that is to be sent, with what it presents.
    There(Box<Action>),
}

const ELSEWHERE: &str = "what was looked at one way is carried out that way";

impl Preview {
    fn here(self) -> Many {
        match self.chosen {
            Chosen::Here(many) => many,
            Chosen::There(_) => unreachable!("{ELSEWHERE}"),
        }
    }

    fn there(self) -> Action {
        match self.chosen {
            Chosen::There(action) => *action,
            Chosen::Here(_) => unreachable!("{ELSEWHERE}"),
        }
    }
}

impl Backend<Records> {
    /// Looks what it is about.
    ///
    /// Errors: an order that is named is unknown.
    pub async fn preview(
        &self,
        about: About,
        resolution: ByHand,
        by: &NewAuditEvent,
    ) -> anyhow::Result<Preview> {
        match self {
            Self::Local(records) => looked_at(records, about).await,
            Self::Remote(remote) => {
                let mut action = action(about, resolution, by);
                let answer: ActionAnswer = remote.send(Method::POST, &ACTIONS, &action).await?;
                action.token = answer.token;
                Ok(Preview {
                    matched: answer.matched,
                    sample: answer.sample,
                    chosen: Chosen::There(Box::new(action)),
                })
            }
        }
    }

    /// Closes many entries without starting anything.
    pub async fn decide_many(
        &self,
        preview: Preview,
        decision: Decision,
        by: &NewAuditEvent,
        told: Told<'_>,
    ) -> anyhow::Result<BulkReport> {
        match self {
            Self::Local(records) => {
                let many = preview.here();
                Ok(records.decide_many(&many, decision, by, told).await?)
            }
            Self::Remote(remote) => Ok(decided(remote, preview.there(), told).await?),
        }
    }
}

impl Backend<Session> {
    /// Opens an operation that retries many, at most so many a second.
    pub async fn retry_many(
        &self,
        preview: Preview,
        per_second: Option<f64>,
        by: NewAuditEvent,
    ) -> anyhow::Result<Operation> {
        match self {
            Self::Local(session) => {
                let many = preview.here();
                Ok(session.ops.retry_many(many, per_second, by).await?)
            }
            Self::Remote(remote) => {
                let action = Action {
                    per_second,
                    ..preview.there()
                };
                let answer: ActionAnswer = remote.send(Method::POST, &ACTIONS, &action).await?;
                let begun = answer.operation;
                Ok(begun.ok_or_else(|| remote.foreign(&"it has begun no operation"))?)
            }
        }
    }
}

async fn looked_at(records: &Records, about: About) -> anyhow::Result<Preview> {
    let now = records.clock.now();
    let (many, sample) = match about {
        About::Named(ids) => (Many::Named(records.named(&ids).await?), Vec::new()),
        About::Matching(wanted, most) => {
            let filter = wanted.filter(Some(false), now);
            // What comes later was not looked at.
            let filter = DeadLetterFilter {
                before: Some(filter.before.unwrap_or(now)),
                ..filter
            };
            let shown = most.unwrap_or(SHOWN).min(SHOWN);
            let sample = records.dead_letters(&filter, shown).await?;
            (Many::Matching(filter, most), sample)
        }
    };
    let sample = sample.into_iter().map(|entry| Entry::of(entry, now));
    Ok(Preview {
        matched: records.count_of(&many).await?,
        sample: sample.collect(),
        chosen: Chosen::Here(many),
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

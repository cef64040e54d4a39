//! The folios of one transaction, and what is done with many of them: the bodies of the contract's large methods, without
//! their SQL.

use std::collections::{HashMap, HashSet};

use redrive_core::ids::{RunId, WorkflowId};

use crate::folio::{Folio, Learning};
use crate::record::Seen;
use crate::transition::{commit, observe, settle};
use crate::{Checked, Commit, Committed, Failure, LedgerError, ObserveSummary, OrderPk, Outcome};

/// The orders that a transaction has read.
#[derive(Debug, Default)]
pub(crate) struct Book {
    /// Their folios, to be written back.
    pub folios: Vec<Folio>,
    by_pk: HashMap<OrderPk, usize>,
    by_workflow: HashMap<WorkflowId, usize>,
}

impl Book {
    /// A book of these folios.
    pub fn new(folios: impl IntoIterator<Item = Folio>) -> Self {
        let mut book = Self::default();
        for folio in folios {
            book.add(folio);
        }
        book
    }

    fn add(&mut self, folio: Folio) {
        let at = self.folios.len();
        self.by_pk.insert(folio.order.row.pk, at);
        self.by_workflow
            .insert(folio.order.row.workflow_id.clone(), at);
        self.folios.push(folio);
    }

    fn by_pk(&mut self, pk: OrderPk) -> Option<&mut Folio> {
        let at = *self.by_pk.get(&pk)?;
        Some(&mut self.folios[at])
    }

    fn by_workflow(&mut self, workflow_id: &WorkflowId) -> Option<&mut Folio> {
        let at = *self.by_workflow.get(workflow_id)?;
        Some(&mut self.folios[at])
    }

    /// Lets failures in through the one door, those in `unknown` only, the earliest close first. Orders not known before
    /// take their keys from `fresh`.
    pub fn observe<'f>(
        &mut self,
        failures: impl IntoIterator<Item = (&'f Failure, Seen)>,
        mut unknown: HashSet<RunId>,
        fresh: impl IntoIterator<Item = OrderPk>,
        learning: &Learning<'_>,
    ) -> Result<ObserveSummary, LedgerError> {
        let mut fresh = fresh.into_iter();
        let mut summary = ObserveSummary::default();
        let mut failures: Vec<_> = failures.into_iter().collect();
        failures.sort_by_key(|(_, seen)| seen.row.closed_at);
        for (failure, seen) in failures {
            if !unknown.remove(&failure.run_id) {
                continue;
            }
            summary.new_failures += 1;
            if let Some(folio) = self.by_workflow(&failure.workflow_id) {
                let taken = observe::observe(folio, seen, learning)?;
                summary.failed_again += u64::from(taken.failed_again);
            } else {
                let pk = fresh.next().expect("a fresh key for every failure");
                self.add(observe::first(pk, failure, seen, learning));
                summary.new_orders += 1;
            }
        }
        let new = self.folios.iter().filter(|folio| folio.new);
        summary.eligible_orders = new.filter(|folio| folio.order.row.eligible).count() as u64;
        Ok(summary)
    }

    /// Takes up pending failures, given in the order of their closes. Returns how many of them wait no longer, too.
    pub fn take_up(
        &mut self,
        pending: impl IntoIterator<Item = (OrderPk, Seen)>,
        learning: &Learning<'_>,
    ) -> Result<(ObserveSummary, u64), LedgerError> {
        let (mut summary, mut taken_up) = (ObserveSummary::default(), 0);
        for (pk, seen) in pending {
            let Some(folio) = self.by_pk(pk) else {
                continue;
            };
            let taken = observe::observe(folio, seen, learning)?;
            folio.requests = folio.requests.max(crate::edit::Requests::KeepFailedRun);
            summary.failed_again += u64::from(taken.failed_again);
            taken_up += u64::from(!taken.pending);
        }
        Ok((summary, taken_up))
    }

    /// Applies descriptions. Returns how many attempts ended.
    pub fn settle(
        &mut self,
        checked: &[Checked],
        learning: &Learning<'_>,
    ) -> Result<u64, LedgerError> {
        let mut ended = 0;
        for checked in checked {
            let Some(folio) = self.by_pk(checked.check.pk) else {
                continue;
            };
            let seen = brought(checked.failure.as_deref(), learning)?;
            ended += settle::settle(folio, checked, seen, learning)?;
        }
        Ok(ended)
    }

    /// Applies outcomes, in their order. Returns what became of each.
    pub fn commit(
        &mut self,
        commits: &[Commit],
        learning: &Learning<'_>,
    ) -> Result<Vec<Committed>, LedgerError> {
        let mut committed = Vec::with_capacity(commits.len());
        for one in commits {
            let Some(folio) = self.by_pk(one.pk) else {
                committed.push(Committed::Fenced);
                continue;
            };
            let failure = match &one.outcome {
                Outcome::Elsewhere { failure, .. } => failure.as_deref(),
                _ => None,
            };
            committed.push(commit::commit(
                folio,
                one,
                brought(failure, learning)?,
                learning,
            )?);
        }
        Ok(committed)
    }
}

fn brought(
    failure: Option<&Failure>,
    learning: &Learning<'_>,
) -> Result<Option<Seen>, LedgerError> {
    failure
        .map(|failure| Seen::new(failure, learning.policy.keep_start_requests, learning.now()))
        .transpose()
}

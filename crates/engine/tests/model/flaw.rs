//! Pieces of the protocol taken away on purpose, around the real code: the checker must see each of them missing.

use redrive_core::moment::Moment;
use redrive_core::policy::Policy;
use redrive_ledger::{ClaimRequest, Claimed, Commit, Committed, LedgerError, Outcome};

use crate::world::World;

/// What is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// The description before a start: it always says that the failed run is the latest.
    NoDescribe,
    /// The look-back: it never finds anything.
    NoLookBack,
    /// The fence: whoever commits is believed.
    NoFence,
    /// The intent before the start: it is written with the outcome.
    LateIntent,
}

impl World {
    /// Remembers who owns what now.
    pub fn remember(&self, claimed: &Claimed) {
        let mut owners = self.owners.lock().unwrap();
        for order in claimed.inherited.iter().chain(&claimed.fresh) {
            owners.insert(order.pk, order.clone());
        }
    }

    /// The commits under the fences of whoever owns the orders now.
    pub fn unfenced(&self, commits: &[Commit]) -> Vec<Commit> {
        let owners = self.owners.lock().unwrap();
        let fence = |commit: &Commit| {
            owners
                .get(&commit.pk)
                .map_or(commit.fence, |owner| owner.fence)
        };
        commits
            .iter()
            .map(|commit| Commit {
                fence: fence(commit),
                ..commit.clone()
            })
            .collect()
    }

    /// Claims, and takes the intents back: the chunk goes on as if they stood in the ledger.
    pub async fn claim_without_intent(
        &self,
        policy: &Policy,
        request: &ClaimRequest,
        moment: Moment,
    ) -> Result<Claimed, LedgerError> {
        let claimed = self
            .ledger
            .claim(policy, &self.home, request, moment)
            .await?;
        self.remember(&claimed);
        let released = claimed.fresh.iter();
        let released: Vec<Commit> = released
            .map(|order| Commit {
                pk: order.pk,
                fence: order.fence,
                outcome: Outcome::Released,
            })
            .collect();
        self.ledger
            .commit(policy, &request.batch, request.chunk, &released, moment)
            .await?;
        Ok(claimed)
    }

    /// Writes each intent now, and its outcome with it.
    pub async fn commit_with_intent(
        &self,
        policy: &Policy,
        request: &ClaimRequest,
        commits: &[Commit],
        moment: Moment,
    ) -> Result<Vec<Committed>, LedgerError> {
        let mut committed = Vec::new();
        for commit in commits
            .iter()
            .filter(|commit| commit.outcome != Outcome::Released)
        {
            let order = self.owners.lock().unwrap().get(&commit.pk).cloned();
            let only = order.map(|order| order.workflow_id);
            let request = ClaimRequest {
                only,
                operation: None,
                ..request.clone()
            };
            let claimed = self
                .ledger
                .claim(policy, &self.home, &request, moment)
                .await?;
            let mut own = claimed
                .inherited
                .iter()
                .chain(&claimed.fresh)
                .filter(|order| order.pk == commit.pk);
            if let Some(order) = own.next() {
                let now = [Commit {
                    fence: order.fence,
                    ..commit.clone()
                }];
                committed.extend(
                    self.ledger
                        .commit(policy, &request.batch, request.chunk, &now, moment)
                        .await?,
                );
            }
        }
        Ok(committed)
    }
}

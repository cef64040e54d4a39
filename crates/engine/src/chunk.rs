//! A chunk: claims orders, brings each to its outcome, several at a time, and commits outcomes as they come in.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::StreamExt;
use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::BatchId;
use redrive_flows::activities::{Chunk, ChunkReport, Stopped};
use redrive_ledger::{ClaimRequest, ClaimedOrder, Commit, Outcome};
use tokio::sync::mpsc;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::one_order::Limits;
use crate::pulse::Pulse;
use crate::turns::Line;

/// Orders of one chunk at the same time.
const AT_ONCE: usize = 16;
/// Outcomes a commit: what has come in, at most so many, in one transaction.
const COMMIT_AT_MOST: usize = 64;
/// How long the first of them waits for others: a transaction costs more than an outcome, and what is not committed when
/// a worker dies is found out by the next owner's descriptions.
const GATHERED_WITHIN: Duration = Duration::from_secs(2);
/// How often a chunk says that it lives, while nothing else happens.
const BEAT: Duration = Duration::from_secs(5);
/// How long past the deadline a chunk asks for the answers to the starts it has made.
const ANSWER_GRACE: SignedDuration = SignedDuration::from_secs(10);

/// Whom the outcomes are committed for.
#[derive(Debug)]
pub(crate) struct Owner {
    pub batch: BatchId,
    pub chunk: u32,
    pub stops_at: Timestamp,
    /// The line of an operation with a rate of its own.
    pub line: Option<Line>,
}

/// How many chunks at a time keep a worker busy that handles so many orders at once: twice as many as fill its room, for those that
/// began together are at their last orders together. What it took beyond that, another one without work could not take.
pub(crate) fn chunks_at_once(orders_at_once: u32) -> usize {
    (orders_at_once as usize).div_ceil(AT_ONCE) * 2
}

impl Engine {
    /// Claims a chunk and processes it. A second try takes over what the first one left.
    pub async fn process_chunk(
        &self,
        input: &Chunk,
        pulse: &dyn Pulse,
    ) -> Result<ChunkReport, EngineError> {
        let owner = Owner {
            batch: input.batch.clone(),
            chunk: input.chunk,
            stops_at: input.stops_at,
            line: input.operation.as_ref().and_then(Line::of_operation),
        };
        let request = ClaimRequest {
            batch: input.batch.clone(),
            chunk: input.chunk,
            limit: self.claim_limit(input, pulse).await?,
            due_by: input.due_by,
            rules: input.rules.clone(),
            only: input.only.clone(),
            operation: input
                .operation
                .as_ref()
                .map(|operation| operation.id.clone()),
        };
        let claimed = self
            .ledger
            .claim(
                &self.policy,
                self.gateway.home(),
                &request,
                self.clock.moment(),
            )
            .await?;
        fail::fail_point!("after-claim");
        let count = claimed.done as usize + claimed.inherited.len() + claimed.fresh.len();
        let released = self
            .process(&owner, claimed.inherited, claimed.fresh, pulse)
            .await?;
        let stopped = if released > 0 || request.limit < input.limit {
            self.why_stopped(&owner, pulse).await?
        } else {
            None
        };
        // An operation goes on at once only where something was done.
        let claimed = match &input.operation {
            Some(_) => count.saturating_sub(released),
            None => count,
        };
        Ok(ChunkReport {
            claimed: u32::try_from(claimed).unwrap_or(u32::MAX),
            stopped,
        })
    }

    /// What the chunk may claim: nothing new once it has to stop.
    async fn claim_limit(&self, input: &Chunk, pulse: &dyn Pulse) -> Result<u32, EngineError> {
        let stop = pulse.cancelled() || self.clock.now() >= input.stops_at || self.halted().await?;
        Ok(if stop { 0 } else { input.limit })
    }

    async fn why_stopped(
        &self,
        owner: &Owner,
        pulse: &dyn Pulse,
    ) -> Result<Option<Stopped>, EngineError> {
        Ok(Some(if pulse.cancelled() {
            Stopped::Cancelled
        } else if self.clock.now() >= owner.stops_at {
            Stopped::Deadline
        } else {
            Stopped::Halted
        }))
    }

    /// Brings claimed orders to their outcomes and commits them. Returns how many were given back.
    ///
    /// After an error that concerns every order, and where outcomes cannot be committed, nothing more is begun: what is
    /// untouched is given back (if that can be written), the rest stays claimed, and the error is returned.
    pub(crate) async fn process(
        &self,
        owner: &Owner,
        inherited: Vec<ClaimedOrder>,
        fresh: Vec<ClaimedOrder>,
        pulse: &dyn Pulse,
    ) -> Result<usize, EngineError> {
        let (send, receive) = mpsc::unbounded_channel();
        let broken = AtomicBool::new(false);
        let inherited = inherited.into_iter().map(|order| (order, false));
        let orders: Vec<_> = inherited
            .chain(fresh.into_iter().map(|order| (order, true)))
            .collect();
        let work = async {
            let send = send;
            let mut error = None;
            let mut running = futures::stream::iter(orders)
                .map(|(order, fresh)| self.in_turn(owner, order, fresh, pulse, &broken))
                .buffer_unordered(AT_ONCE);
            while let Some(done) = running.next().await {
                match done {
                    Ok(commit) => drop(send.send(commit)),
                    Err(cause) => {
                        broken.store(true, Ordering::Relaxed);
                        error.get_or_insert(cause);
                    }
                }
            }
            error
        };
        let commits = async {
            let committed = self.commit_as_they_come(owner, receive, pulse).await;
            if committed.is_err() {
                broken.store(true, Ordering::Relaxed);
            }
            committed
        };
        let (error, committed) = futures::join!(work, commits);
        match error {
            Some(error) => Err(error),
            None => committed,
        }
    }

    /// One order, when there is room in this process.
    async fn in_turn(
        &self,
        owner: &Owner,
        order: ClaimedOrder,
        fresh: bool,
        pulse: &dyn Pulse,
        broken: &AtomicBool,
    ) -> Result<Commit, EngineError> {
        let stop = || pulse.cancelled() || broken.load(Ordering::Relaxed);
        let mut limits = Limits {
            stops_at: owner.stops_at,
            gives_up_at: owner.stops_at + ANSWER_GRACE,
        };
        // A slow operation waits outside: there is room for others meanwhile. Whose turn does not come is not begun.
        if let Some(line) = &owner.line
            && self.turn_in(line, limits, &stop).await?.is_none()
        {
            limits.stops_at = self.clock.now();
        }
        let _room = self.room.acquire().await;
        let outcome = self
            .handle(&order, &owner.batch, fresh, limits, &stop)
            .await?;
        tracing::debug!(
            batch.id = %owner.batch,
            workflow.id = %order.workflow_id,
            outcome = outcome.name(),
            "an order is done with"
        );
        Ok(Commit {
            pk: order.pk,
            fence: order.fence,
            outcome,
        })
    }

    async fn commit_as_they_come(
        &self,
        owner: &Owner,
        mut outcomes: mpsc::UnboundedReceiver<Commit>,
        pulse: &dyn Pulse,
    ) -> Result<usize, EngineError> {
        let mut released = 0;
        let mut ready = Vec::with_capacity(COMMIT_AT_MOST);
        loop {
            let received = tokio::select! {
                received = outcomes.recv_many(&mut ready, COMMIT_AT_MOST) => received,
                () = self.clock.sleep(BEAT) => {
                    pulse.beat().await;
                    continue;
                }
            };
            if received == 0 {
                return Ok(released);
            }
            self.gather(&mut outcomes, &mut ready).await;
            released += ready
                .iter()
                .filter(|commit| commit.outcome == Outcome::Released)
                .count();
            self.ledger
                .commit(
                    &self.policy,
                    &owner.batch,
                    owner.chunk,
                    &ready,
                    self.clock.moment(),
                )
                .await?;
            ready.clear();
            pulse.beat().await;
        }
    }

    /// Takes what comes in for a while, or until a commit is full or no more will come.
    async fn gather(
        &self,
        outcomes: &mut mpsc::UnboundedReceiver<Commit>,
        ready: &mut Vec<Commit>,
    ) {
        let mut over = self.clock.sleep(GATHERED_WITHIN);
        while ready.len() < COMMIT_AT_MOST {
            let room = COMMIT_AT_MOST - ready.len();
            let more = tokio::select! {
                biased;
                more = outcomes.recv_many(ready, room) => more,
                () = &mut over => 0,
            };
            if more == 0 {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_takes_twice_as_many_chunks_as_fill_its_room() {
        for (orders, chunks) in [(1, 2), (8, 2), (16, 2), (17, 4), (32, 4), (1000, 126)] {
            assert_eq!(chunks_at_once(orders), chunks, "{orders} orders at once");
        }
    }
}

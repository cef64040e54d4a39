//! Coming to rest: the operator is gone, nothing fails any more, visibility has caught up, and clean batches run until
//! nothing is left to do.

use std::time::Duration;

use rand::Rng;
use redrive_core::decide::RunStatus;
use redrive_engine::EngineError;

use crate::activity::{Done, Step, Try};
use crate::batch::Batch;
use crate::gate::{Gate, Pass};
use crate::sim::End;
use crate::walk::Walk;

/// Clean batches that are enough for any walk: a budget, its dead letter, and what came before.
const BATCHES: usize = 9;
/// The time between two of them: everything is due again, and the scan sweeps.
const BETWEEN: Duration = Duration::from_secs(2 * 60 * 60);

impl Walk {
    /// Comes to rest.
    pub async fn rest(&mut self) {
        let calls = if self.rng.random_bool(0.5) { 200 } else { 0 };
        self.drain(calls).await;
        for place in 0..self.batches.len() {
            if self.batches[place].open {
                self.close(place, RunStatus::Terminated);
            }
        }
        self.world.time.advance(Batch::longest());
        let mut idle = 0;
        for _ in 0..BATCHES {
            let ended = self.end_runs();
            let done = self.clean_batch().await;
            idle = if done && !ended { idle + 1 } else { 0 };
            // What the first of them saw late is described again by the second.
            if idle == 2 {
                return;
            }
        }
        self.world.problem("the walk does not come to rest");
    }

    /// Ends every run, and lets visibility catch up. Returns whether any ran.
    fn end_runs(&mut self) -> bool {
        let (now, mut any) = (self.world.time.now(), false);
        let mut server = self.world.server.lock().unwrap();
        let running = server
            .histories
            .iter()
            .filter(|history| history.latest().status == RunStatus::Running);
        let running: Vec<_> = running.map(|history| history.workflow_id.clone()).collect();
        for order in running {
            let end = if self.rng.random_bool(0.5) {
                End::Completes
            } else {
                End::Fails
            };
            self.world.note(format!("{order}: {end:?}"));
            server.end(&order, end, now);
            any = true;
        }
        for run in server
            .histories
            .iter_mut()
            .flat_map(|history| &mut history.runs)
        {
            run.shown = Some(run.status);
        }
        any
    }

    /// A batch that nothing disturbs. Returns whether it left nothing to do.
    async fn clean_batch(&mut self) -> bool {
        self.world.time.advance(BETWEEN);
        self.open(None);
        let place = self.batches.len() - 1;
        while let Some(job) = self.batches[place].job() {
            self.world.time.advance(Duration::from_millis(1));
            let name = format!("{} {:?}", self.batches[place].id, self.batches[place].stage);
            self.world.note(name.clone());
            let one = Try::begin(&self.world, name, place, job, Gate::default()).await;
            let result = undisturbed(one).await;
            if let Err(error) = &result {
                self.world.problem(format!("a clean batch fails: {error}"));
            }
            self.batches[place].hear(result);
        }
        self.close(place, RunStatus::Completed);
        let left = self.world.ledger.next_work_at().await;
        left.is_ok_and(|left| left.is_none())
    }
}

/// Lets every call of a try pass.
async fn undisturbed(mut one: Try) -> Result<Done, EngineError> {
    loop {
        match one.advance().await {
            Step::Ended(result) => return result,
            Step::Died => unreachable!("nothing dies by itself"),
            Step::Waits => one.gate.pass(one.gate.waiting()[0].0, Pass::Act),
        }
    }
}

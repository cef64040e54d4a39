//! What must hold of every start, judged as it is made.

use jiff::SignedDuration;
use redrive_engine::gateway::Restart;

use crate::gateway::SimGateway;
use crate::sim::{History, Run};

/// A description older than this must not be acted on.
const FRESH: SignedDuration = SignedDuration::from_secs(2);

impl SimGateway {
    /// Judges a start that has made a new run, after those before.
    pub fn judge(&self, restart: &Restart, history: &History, before: &[Run]) {
        let latest = before.last().expect("a history begins with a run");
        let described = self
            .described
            .lock()
            .unwrap()
            .get(&restart.workflow_id)
            .copied();
        let seen = described.is_some_and(|(place, _)| place + 1 == before.len());
        if !seen && self.world.split {
            return self
                .world
                .excuse("a run came between the description and the start");
        }
        if !seen {
            self.world
                .problem("started on a description that was out of date");
        }
        if latest.status.is_stop() && !history.retry_asked {
            self.world
                .problem(format!("restarted {} that a person stopped", latest.id));
        }
        if latest.id != restart.mark.from_run {
            self.world.problem(format!(
                "started from {} while {} was the latest",
                restart.mark.from_run, latest.id
            ));
        }
        let from = history
            .ours()
            .filter(|run| run.from.as_ref() == Some(&restart.mark.from_run));
        if from.count() > 1 {
            self.world
                .problem(format!("two first runs from {}", restart.mark.from_run));
        }
    }

    /// A start must be asked for while its description is fresh.
    pub fn check_fresh(&self, restart: &Restart) {
        let described = self
            .described
            .lock()
            .unwrap()
            .get(&restart.workflow_id)
            .copied();
        let age = described.map(|(_, at)| self.world.time.now().duration_since(at));
        if age.is_none_or(|age| age > FRESH) {
            self.world
                .problem("started on a description that has grown old");
        }
    }
}

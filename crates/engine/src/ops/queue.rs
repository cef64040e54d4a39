//! Who works: the workers that poll the task queue of our workflows.

use super::{Ops, Result};
use crate::checkup;

impl Ops {
    /// How many workers poll the task queue of our workflows now.
    pub async fn pollers(&self) -> Result<usize> {
        let queue = &self.engine.settings.task_queue;
        let pollers = checkup::pollers(&self.client, queue, self.engine.clock.now()).await?;
        Ok(pollers.workflow)
    }
}

//! What is known of one order.

use redrive_core::ids::WorkflowId;
use redrive_ledger::Story;

use super::{Ops, OpsError, Result};

impl Ops {
    /// The order's whole story, by workflow id or order id.
    pub async fn show_order(&self, id: &str) -> Result<Story> {
        let workflow_id = self.find(id).await?;
        let story = self.engine.ledger.story(&workflow_id).await?;
        story.ok_or_else(|| OpsError::NoSuchOrder { id: id.to_owned() })
    }

    /// The workflow id of an order.
    pub(super) async fn find(&self, id: &str) -> Result<WorkflowId> {
        let found = self.engine.ledger.find_order(id).await?;
        found.ok_or_else(|| OpsError::NoSuchOrder { id: id.to_owned() })
    }
}

//! The audit: was every failed order brought back exactly once, and do the books say what happened?
//!
//! It reads Temporal's records and the warehouse's log by itself, and compares them with the ledger. None of the code
//! that it judges takes part in the reading.

mod checks;
mod collect;
mod finding;
mod records;
#[cfg(test)]
pub(crate) mod samples;

use std::path::Path;

use anyhow::Context;
use redrive_core::ids::WorkflowId;
use redrive_fulfillment::Warehouse;
use redrive_ledger::Ledger;
use temporalio_client::Client;

pub use checks::check;
pub use finding::{Audit, Compared, Finding, Kind};
pub use records::{Books, Records, Run};

/// Orders read from the ledger at a time.
const PAGE: u32 = 500;

/// Audits the orders of the warehouse in folder `warehouse`, against the ledger. Nothing may be starting orders
/// meanwhile.
///
/// Errors: the server, the ledger or the folder cannot be read; what they hold is judged, never an error.
pub async fn audit(
    client: &Client,
    ledger: &dyn Ledger,
    warehouse: &Path,
) -> anyhow::Result<Audit> {
    let (records, books) = gather(client, ledger, warehouse).await?;
    Ok(check(&records, &books))
}

/// Reads what [`check`] compares.
///
/// Errors: as [`audit`].
pub async fn gather(
    client: &Client,
    ledger: &dyn Ledger,
    warehouse: &Path,
) -> anyhow::Result<(Records, Books)> {
    let warehouse = Warehouse::open(warehouse)?;
    let books = books(ledger).await?;
    let planned = warehouse.plan().orders.iter();
    let mut orders: Vec<WorkflowId> = planned.map(|order| order.workflow_id().into()).collect();
    orders.extend(
        books
            .stories
            .iter()
            .map(|story| story.order.workflow_id.clone()),
    );
    let records = collect::collect(client, orders, warehouse.performed()?, &books)
        .await
        .context("Temporal's records cannot be read for the audit")?;
    Ok((records, books))
}

async fn books(ledger: &dyn Ledger) -> anyhow::Result<Books> {
    let mut books = Books {
        batches: ledger.batches(u32::MAX).await?,
        ..Books::default()
    };
    loop {
        let last = books
            .stories
            .last()
            .map(|story| story.order.workflow_id.clone());
        let page = ledger.stories_after(last.as_ref(), PAGE).await?;
        if page.is_empty() {
            return Ok(books);
        }
        books.stories.extend(page);
    }
}

//! Committing what became of claimed orders.

use crate::book::Book;
use crate::contract::Result;
use crate::error::Doing;
use crate::folio::Learning;
use crate::sql::load::{self, Attempts};
use crate::sql::{SqlLedger, batch, home, write};
use crate::{Commit, Committed, OrderPk, Outcome};

pub(super) async fn commit(
    ledger: &SqlLedger,
    commits: &[Commit],
    learning: &Learning<'_>,
) -> Result<Vec<Committed>> {
    if commits.is_empty() {
        return Ok(Vec::new());
    }
    let pks: Vec<OrderPk> = commits.iter().map(|commit| commit.pk).collect();
    let brings_failure = |commit: &Commit| {
        matches!(
            &commit.outcome,
            Outcome::Elsewhere {
                failure: Some(_),
                ..
            }
        )
    };
    let failures = commits.iter().any(brings_failure);
    let which = if failures {
        Attempts::All
    } else {
        Attempts::Open
    };
    let mut tx = ledger.begin().await?;
    if batch::has_ended(&mut tx, learning.batch).await? {
        tx.end().await.doing("leave claimed orders")?;
        return Ok(vec![Committed::Fenced; commits.len()]);
    }
    if failures {
        home::written_by(&mut tx, learning.policy).await?;
    }
    let mut book = Book::new(load::by_pk(&mut tx, &pks, which).await?);
    let committed = book.commit(commits, learning)?;
    write::folios(&mut tx, &book.folios, learning.now()).await?;
    fail::fail_point!("commit-within");
    write::verdicts(&mut tx, &book.folios).await?;
    tx.commit().await.doing("commit outcomes")?;
    Ok(committed)
}

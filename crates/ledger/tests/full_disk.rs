//! A full disk: a change that does not fit is refused in a sentence and leaves nothing behind; with room it is made.
//!
//! A test binary of its own, for the fail point holds for every ledger of the process.
#![cfg(feature = "failpoints")]
#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

#[expect(dead_code, reason = "most of it is for the conformance suite")]
#[path = "conformance/world.rs"]
mod world;

use fail::FailScenario;
use redrive_ledger::{Committed, NewAuditEvent, Outcome};

use world::{World, failure, first_failure, run};

/// How a test's ledger is made.
mod factory {
    use redrive_ledger::SqlLedger;

    use crate::world::{Made, made};

    /// A new ledger.
    pub async fn ledger() -> Made {
        let folder = tempfile::tempdir().unwrap();
        let ledger = SqlLedger::open(&folder.path().join("ledger.db"))
            .await
            .unwrap();
        made(&ledger, folder)
    }
}

/// More than the free pages of a new file can take.
const MANY: usize = 2_000;

#[tokio::test]
async fn what_does_not_fit_is_refused_whole_and_goes_in_later() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    world.observe(&["a", "b"].map(first_failure)).await;
    let claimed = world.claim(&world.wanted("b1", 1)).await.fresh;
    let many: Vec<_> = (0..MANY)
        .map(|number| failure(&format!("o-{number}"), &format!("o-{number}-0"), -50))
        .collect();
    let before = world.ledger.stories_after(None, 10_000).await.unwrap();

    fail::cfg("ledger-full", "return").unwrap();
    let (policy, batch) = (&world.policy, "b1".into());
    let refused = world
        .ledger
        .observe(policy, &batch, &many, world.moment())
        .await;
    let sentence = refused.unwrap_err().to_string();
    assert!(
        sentence.starts_with("the ledger failed while trying to"),
        "{sentence}"
    );
    assert!(sentence.contains("database or disk is full"), "{sentence}");
    let after = world.ledger.stories_after(None, 10_000).await.unwrap();
    assert_eq!(after, before, "nothing of it is there");
    fail::remove("ledger-full");

    assert_eq!(world.observe(&many).await.new_orders, MANY as u64);
    for order in &claimed {
        let started = Outcome::Restarted(run(&format!("{}-1", order.workflow_id)));
        assert_eq!(world.commit("b1", order, started).await, Committed::Done);
    }
    world.bystanders_are_unchanged().await;
}

/// A statement that adds one row only has no journal of its own: where it does not fit SQLite ends the whole transaction.
#[tokio::test]
async fn a_transaction_that_the_database_ends_by_itself_spoils_no_connection() {
    let _alone = FailScenario::setup();
    let world = World::new().await;
    let by = NewAuditEvent {
        actor: "operator".to_owned(),
        reason: "r".repeat(200_000),
    };
    let audit = async || world.ledger.audit("halt", None, &by, world.now()).await;

    fail::cfg("ledger-full", "return").unwrap();
    let refused = audit().await.unwrap_err().to_string();
    assert!(refused.contains("database or disk is full"), "{refused}");
    fail::remove("ledger-full");

    audit().await.unwrap();
    world.observe(&["a", "b"].map(first_failure)).await;
    assert_eq!(world.claim(&world.wanted("b1", 1)).await.fresh.len(), 2);
}

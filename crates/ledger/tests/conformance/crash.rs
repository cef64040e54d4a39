//! A process that dies within a commit: nothing of it is written, and the next owner goes on.

use redrive_ledger::{Commit, Committed, Outcome};

use super::world::{World, first_failure, run};

/// Panics at the fail point `commit-within`, on this test's thread only: others commit at the same time.
fn die_within_commits() {
    let mine = std::thread::current().id();
    let die = move || assert!(std::thread::current().id() != mine, "dead within a commit");
    fail::cfg_callback("commit-within", die).unwrap();
}

#[tokio::test]
async fn a_commit_that_dies_has_written_nothing() {
    let world = World::new().await;
    world.observe(&["a", "b"].map(first_failure)).await;
    let claimed = world.claim(&world.wanted("b1", 1)).await.fresh;
    let before = world.ledger.stories_after(None, 100).await.unwrap();
    let commit = |order: &redrive_ledger::ClaimedOrder| Commit {
        pk: order.pk,
        fence: order.fence,
        outcome: Outcome::Restarted(run(&format!("{}-1", order.workflow_id))),
    };
    let commits: Vec<_> = claimed.iter().map(commit).collect();

    die_within_commits();
    let (ledger, policy, moment) = (world.ledger.clone(), world.policy.clone(), world.moment());
    let doomed = async move {
        ledger
            .commit(&policy, &"b1".into(), 1, &commits, moment)
            .await
            .map(drop)
    };
    let died = tokio::spawn(doomed).await.unwrap_err();
    assert!(died.is_panic());
    fail::remove("commit-within");

    assert_eq!(world.ledger.stories_after(None, 100).await.unwrap(), before);
    let inherited = world.claim(&world.wanted("b1", 1)).await.inherited;
    assert_eq!(inherited.len(), 2);
    for order in &inherited {
        let outcome = commit(order).outcome;
        assert_eq!(world.commit("b1", order, outcome).await, Committed::Done);
    }
    world.bystanders_are_unchanged().await;
}

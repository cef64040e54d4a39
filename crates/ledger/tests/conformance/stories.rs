//! Reading everything: stories, counts, and whether work is left.

use redrive_core::decide::RunStatus;
use redrive_core::ids::WorkflowId;
use redrive_ledger::Outcome;

use super::world::{World, ann, at, first_failure, latest, run};

#[tokio::test]
async fn an_order_that_nobody_knows_has_no_story() {
    let world = World::new().await;
    assert_eq!(
        world
            .ledger
            .story(&WorkflowId::from("nobody"))
            .await
            .unwrap(),
        None
    );
    let pk = 987_654;
    assert_eq!(world.ledger.start_request(pk).await.unwrap(), None);
}

#[tokio::test]
async fn stories_are_read_in_pages_and_are_the_same_one_by_one() {
    let world = World::new().await;
    world.observe(&["a", "b", "c"].map(first_failure)).await;
    world.restart("b", "b-1", "b1").await;
    world
        .ledger
        .park(&"c".into(), &ann("x").into(), world.now())
        .await
        .unwrap();
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let page = world.ledger.stories_after(after.as_ref(), 2).await.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.order.workflow_id.clone());
        all.extend(page);
    }
    let ids: Vec<_> = all
        .iter()
        .map(|story| story.order.workflow_id.as_str())
        .collect();
    assert_eq!(
        ids,
        [
            "a",
            "b",
            "bystander-ignored",
            "bystander-parked",
            "bystander-recovered",
            "c"
        ]
    );
    for story in &all {
        assert_eq!(*story, world.story(story.order.workflow_id.as_str()).await);
    }
    assert_eq!((all[1].attempts.len(), all[1].verdicts.len()), (1, 1));
    assert_eq!((all[5].dead_letters.len(), all[5].audit.len()), (1, 1));
}

#[tokio::test]
async fn orders_are_counted_by_state() {
    let world = World::new().await;
    world.observe(&["a", "b", "c"].map(first_failure)).await;
    world.restart("b", "b-1", "b1").await;
    let counts = world.ledger.state_counts().await.unwrap();
    let expected = [
        ("dead_lettered", 1),
        ("failed", 3),
        ("in_flight", 1),
        ("recovered", 1),
    ];
    assert_eq!(
        counts,
        expected.map(|(state, count)| (state.to_owned(), count))
    );
}

#[tokio::test]
async fn work_is_left_while_an_order_waits_is_owned_or_is_followed() {
    let world = World::new().await;
    let next = async || world.ledger.next_work_at().await.unwrap();
    assert_eq!(
        next().await,
        None,
        "neither an ignored order nor a dead letter is waited for"
    );
    world.observe(&[first_failure("a")]).await;
    assert_eq!(next().await, Some(at(-60)));
    let claimed = world.claim_one("a", "b1").await;
    assert_eq!(
        next().await,
        Some(at(0)),
        "a claimed order's answer is looked for at once"
    );
    world
        .commit("b1", &claimed, Outcome::Restarted(run("a-1")))
        .await;
    assert_eq!(
        next().await,
        Some(world.now() + world.policy.settle.first_check)
    );
    world
        .settle("a", Some(latest("a-1", RunStatus::Completed, 0, 5)))
        .await;
    assert_eq!(next().await, None);
    world.bystanders_are_unchanged().await;
}

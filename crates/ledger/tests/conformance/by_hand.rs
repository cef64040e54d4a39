//! What runs by hand ask for: a copy, verdicts, what is due, which statuses there are, and their audit.

use redrive_core::decide::BatchRules;
use redrive_core::report::VerdictKind;
use redrive_ledger::{OrderVerdict, Outcome};

use super::world::{World, ann, first_failure, with_status};

#[tokio::test]
async fn what_happens_to_a_copy_happens_nowhere_else() {
    let world = World::new().await;
    world.observe(&["a", "b"].map(first_failure)).await;
    let before = world.ledger.stories_after(None, 100).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = world.ledger.copy_to(folder.path()).await.unwrap();
    assert_eq!(copy.stories_after(None, 100).await.unwrap(), before);
    copy.bind(&world.home).await.unwrap();
    let claimed = copy
        .claim(
            &world.policy,
            &world.home,
            &world.wanted("b1", 0),
            world.moment(),
        )
        .await
        .unwrap();
    assert_eq!(claimed.fresh.len(), 2);
    assert_eq!(world.ledger.stories_after(None, 100).await.unwrap(), before);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_batchs_verdicts_are_its_own_with_the_attempts_it_started() {
    let world = World::new().await;
    world.observe(&["a", "b", "c"].map(first_failure)).await;
    world.restart("b", "b-1", "b1").await;
    let refused = world.claim_one("a", "b1").await;
    let message = "no such search attribute".to_owned();
    world
        .commit("b1", &refused, Outcome::ItemError { message })
        .await;
    world.restart("c", "c-1", "b2").await;
    let verdict = |order: &str, verdict, reason: Option<&str>, attempt| OrderVerdict {
        order_id: format!("id-of-{order}"),
        workflow_id: order.into(),
        verdict,
        reason: reason.map(str::to_owned),
        attempt,
        failure_status: "shipping_failed".into(),
    };
    let expected = [
        verdict(
            "a",
            VerdictKind::Error,
            Some("no such search attribute"),
            None,
        ),
        verdict("b", VerdictKind::Restarted, None, Some(1)),
    ];
    let told = world.ledger.batch_verdicts(&"b1".into()).await.unwrap();
    assert_eq!(told, expected);
    let nobodys = world.ledger.batch_verdicts(&"b9".into()).await.unwrap();
    assert_eq!(nobodys, []);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn what_is_due_is_counted_for_the_batch_that_asks() {
    let world = World::new().await;
    let slam = with_status("slam_failed", first_failure("c"));
    world
        .observe(&[first_failure("a"), first_failure("b"), slam])
        .await;
    world.restart("b", "b-1", "b1").await;
    let of = |statuses: &[&str]| BatchRules {
        failure_statuses: statuses.iter().map(|status| (*status).to_owned()).collect(),
        ..BatchRules::default()
    };
    for (statuses, due) in [
        (&[][..], 2),
        (&["slam_failed"], 1),
        (&["fraud_suspected"], 1),
        (&["slam_failed", "shipping_failed"], 2),
        (&["unheard_of"], 0),
    ] {
        let count = world.ledger.due_count(&of(statuses), world.now()).await;
        assert_eq!(count.unwrap(), due, "{statuses:?}");
    }
    let before = super::world::at(-61);
    assert_eq!(world.ledger.due_count(&of(&[]), before).await.unwrap(), 0);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn failure_statuses_are_told_once_each() {
    let world = World::new().await;
    let slam = with_status("slam_failed", first_failure("c"));
    world
        .observe(&[first_failure("a"), first_failure("b"), slam])
        .await;
    assert_eq!(
        world.ledger.failure_statuses().await.unwrap(),
        ["fraud_suspected", "shipping_failed", "slam_failed"]
    );
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn what_somebody_did_to_an_order_belongs_to_its_story() {
    let world = World::new().await;
    world.observe(&[first_failure("a")]).await;
    for subject in [Some("a"), Some("a-batch"), None] {
        let by = ann("it is odd");
        world
            .ledger
            .audit("look", subject, &by, world.now())
            .await
            .unwrap();
    }
    let audit = world.story("a").await.audit;
    assert_eq!((audit.len(), audit[0].action.as_str()), (1, "look"));
    world.bystanders_are_unchanged().await;
}

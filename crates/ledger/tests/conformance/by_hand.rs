//! What runs by hand ask for: a copy, what is due, which statuses there are, and their audit.

use redrive_core::decide::BatchRules;

use super::world::{World, ann, first_failure, with_status};

#[tokio::test]
async fn what_happens_to_a_copy_happens_nowhere_else() {
    let world = World::new().await;
    world.observe(&["a", "b"].map(first_failure)).await;
    let before = world.ledger.stories_after(None, 100).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let copy = world.reader.copy_to(folder.path()).await.unwrap().ledger;
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
async fn what_is_left_is_counted_for_the_batch_that_asks() {
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
        let (batch, rules) = ("b2".into(), of(statuses));
        let left = world.reader.left_to(&batch, &rules, world.now()).await;
        assert_eq!(left.unwrap(), due, "{statuses:?}");
    }
    let left = async |batch: &str, at| {
        let left = world.reader.left_to(&batch.into(), &of(&[]), at).await;
        left.unwrap()
    };
    let before = super::world::at(-61);
    assert_eq!(left("b2", before).await, 0);
    world.claim_one("a", "b2").await;
    assert_eq!(
        (left("b2", before).await, left("b2", world.now()).await),
        (1, 2),
        "what it has claimed is left to it"
    );
    assert_eq!(left("b3", world.now()).await, 1, "and to no other");
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
        world.reader.failure_statuses().await.unwrap(),
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

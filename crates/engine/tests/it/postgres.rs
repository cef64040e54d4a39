//! Batches on a PostgreSQL ledger: a whole one, one of two workers, a rehearsal.

use redrive_core::states::State;
use redrive_engine::ops::RunRequest;
use redrive_engine::run_worker;
use serde_json::json;

use crate::batches::{failing, in_state};
use crate::rehearsal::{does_with_each_what_its_name_says, mixed_in, patient, rehearsed, runs};
use crate::workflows::run;
use crate::world::{World, policy};

#[tokio::test]
async fn two_workers_share_a_batch_and_restart_each_order_once() {
    let world = World::on_postgres("postgres", policy()).await;
    failing(&world, 40).await;
    // A client has one worker a queue.
    let client = world.bed.another_client().await;
    let workers = [
        world.worker().await,
        run_worker(world.engine.clone(), client).await.unwrap(),
    ];
    let input = json!({ "maxOrders": 30 });
    let batch = redrive_flows::BATCH_WORKFLOW;
    let result = run(&world.bed, batch, "batch-1", Some(input))
        .await
        .unwrap();
    assert_eq!(
        (
            &result["foundCount"],
            &result["restartedCount"],
            &result["backlogCount"]
        ),
        (&json!(30), &json!(30), &json!(10)),
        "{result}"
    );
    let result = run(&world.bed, batch, "batch-2", None).await.unwrap();
    assert_eq!(result["restartedCount"], json!(10), "{result}");
    for worker in workers {
        worker.stop().await.unwrap();
    }
    assert_eq!(in_state(&world, State::InFlight).await, 40);
    let started: Vec<_> = runs(&world).await.into_iter().collect();
    let orders = started.iter().filter(|(id, ..)| id.starts_with("order-"));
    assert_eq!(orders.count(), 80, "each its failed run and its restart");
}

/// All that the ledger tells, as text.
async fn everything(world: &World) -> String {
    let stories = world.ledger.stories_after(None, 1_000).await.unwrap();
    let batches = world.ledger.batches(1_000).await.unwrap();
    let audit = world
        .reader
        .audit(&Default::default(), 1_000)
        .await
        .unwrap();
    format!("{stories:?} {batches:?} {audit:?}")
}

#[tokio::test]
async fn a_rehearsal_says_what_the_batch_then_does_and_changes_nothing() {
    let world = mixed_in(World::on_postgres("postgres", patient()).await).await;
    let before = (everything(&world).await, runs(&world).await);
    let rehearsal = rehearsed(&world, &RunRequest::default()).await;
    assert_eq!((everything(&world).await, runs(&world).await), before);
    does_with_each_what_its_name_says(&world, &rehearsal).await;
}

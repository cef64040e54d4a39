//! What a batch answers while it goes on, and that operators are obeyed across attempts and continuations.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_engine::gateway::GatewayError;
use redrive_engine::run_worker;
use redrive_fulfillment::testbed::eventually;
use serde_json::{Value, json};

use crate::batches::{failing, in_state};
use crate::histories::{child_of, keep};
use crate::hooks::{Call, Fate, Hooked};
use crate::workflows::{query, result, signal, start};
use crate::world::{World, policy};

const BATCH: &str = redrive_flows::BATCH_WORKFLOW;

async fn progress(world: &World, workflow_id: &str) -> Value {
    query(&world.bed, workflow_id, "progress").await
}

#[tokio::test]
async fn a_batch_tells_how_far_it_has_come_and_continuations_count_on() {
    let small = Policy {
        batch_size: 1,
        ..policy()
    };
    let world = World::with("progress", small).await;
    failing(&world, 60).await;
    let worker = world.worker().await;
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    result(&world.bed, &batch).await.unwrap();
    let child = progress(&world, "batch-1-orchestration").await;
    assert_eq!(child["batchId"], json!(batch.run_id), "{child}");
    assert_eq!(child["claimed"], json!(60), "over both runs: {child}");
    assert_eq!(child["chunksStarted"], child["chunksDone"], "{child}");
    assert!(child["chunksDone"].as_u64().unwrap() > 60, "{child}");
    let told = progress(&world, "batch-1").await;
    assert_eq!(told["orchestrationId"], "batch-1-orchestration");
    assert_eq!(told["batchId"], child["batchId"], "{told}");
    assert_eq!(told["phase"], "recording", "{told}");
    assert_eq!(told["claimed"], json!(60), "{told}");
    assert_eq!(told["paused"], json!(false), "{told}");
    worker.stop().await.unwrap();
}

/// While `broken`, no description is answered; after that no count is, until `released`.
fn hook(
    broken: &Arc<AtomicBool>,
    released: &Arc<AtomicBool>,
    described: &Arc<AtomicUsize>,
) -> impl Fn(Call) -> Fate + Send + Sync + 'static {
    let (broken, released) = (Arc::clone(broken), Arc::clone(released));
    let described = Arc::clone(described);
    move |call| match call {
        Call::Describe if broken.load(Ordering::SeqCst) => {
            described.fetch_add(1, Ordering::SeqCst);
            Fate::Fails(GatewayError::Unknown("no answer".into()))
        }
        Call::CountFailed if !released.load(Ordering::SeqCst) => {
            Fate::Fails(GatewayError::Throttle("slow down".into()))
        }
        _ => Fate::Passes,
    }
}

#[tokio::test]
async fn a_pause_holds_for_the_childs_second_attempt() {
    let world = World::new("pause-again").await;
    failing(&world, 5).await;
    // A batch that died: the child has to ask about it, and fails for want of an answer.
    world.open_batch("dead").await;
    let (broken, released) = (Arc::new(AtomicBool::new(true)), Arc::default());
    let described = Arc::default();
    let hooked = Hooked::new(world.gateway.clone(), hook(&broken, &released, &described));
    let engine = world.engine_with(hooked, policy()).await;
    let worker = run_worker(engine, world.bed.client.clone()).await.unwrap();
    let batch = start(&world.bed, BATCH, "batch-1", None).await;
    eventually("the child to ask", || async {
        (described.load(Ordering::SeqCst) > 0).then_some(())
    })
    .await;
    let child = "batch-1-orchestration";
    let first = world.latest_run(child).await;
    signal(&world.bed, "batch-1", "pause").await;
    eventually("the second attempt", || async {
        (world.latest_run(child).await != first).then_some(())
    })
    .await;
    broken.store(false, Ordering::SeqCst);
    eventually("the second attempt to be paused", || async {
        let paused = progress(&world, child).await["paused"] == json!(true);
        paused.then_some(())
    })
    .await;
    released.store(true, Ordering::SeqCst);
    eventually("the second attempt to wait", || async {
        let told = progress(&world, "batch-1").await;
        (told["phase"] == "restarting" && told["paused"] == json!(true)).then_some(())
    })
    .await;
    assert_eq!(in_state(&world, State::InFlight).await, 0);
    signal(&world.bed, "batch-1", "resume").await;
    let result = result(&world.bed, &batch).await.unwrap();
    assert_eq!(result["restartedCount"], json!(5), "{result}");
    keep(&world, "paused-again-batch", &batch).await;
    keep(
        &world,
        "paused-again-orchestration",
        &child_of(&world, &batch).await,
    )
    .await;
    worker.stop().await.unwrap();
}

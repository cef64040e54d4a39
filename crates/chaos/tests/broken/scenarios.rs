//! The scenarios: what may happen to one order at the worst moment. Each ends with an audit.
//!
//! `R` is the order's first failed run; `A` what the first worker starts from it.

use redrive::audit::Audit;
use redrive_engine::Steady;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::Flaw;
use crate::gateway::{dies, hangs, hears_late};
use crate::world::{Cancel, End, World};

/// A worker is killed after it has started `A`. Before anybody takes over, an operator terminates `A` and starts the order
/// by hand; that run fails too.
pub async fn an_operator_comes_between(flaw: Flaw) -> Audit {
    let world = World::new("between", flaw, &[End::Runs, End::Fails, End::Completes]).await;
    killed_after_its_start(&world).await;
    world.await_stages(2).await;
    world.terminate().await;
    world.await_latest(Status::Terminated).await;
    world.start_by_hand().await;
    world.await_latest(Status::Failed).await;
    world.to_the_end(2).await
}

/// A worker is killed after it has started `A`. Its batch dies with it, and `A` fails before the next batch looks.
pub async fn a_worker_dies_and_its_restart_fails(flaw: Flaw) -> Audit {
    let world = World::new("dies", flaw, &[End::Fails, End::Completes]).await;
    killed_after_its_start(&world).await;
    world.await_failures(2).await;
    world.to_the_end(2).await
}

/// A worker claims the order, and hangs. Its chunk is tried again elsewhere, which starts `A`; `A` fails. Another batch has
/// claimed the order and just started it, when the first worker wakes up, hears that it is cancelled, and gives the order
/// back. What the other batch started fails, too.
pub async fn a_worker_comes_back_late(flaw: Flaw) -> Audit {
    let world = World::new("late", flaw, &[End::Fails, End::Fails, End::Completes]).await;
    let ((rein, mut hanging), cancel) = (hangs(), Cancel::default());
    world.open("b1").await;
    let first = world.chunk(&world.worker(Some(rein)).await, "b1", cancel.clone());
    hanging.has_come().await;
    world
        .chunk(&world.worker(None).await, "b1", Steady)
        .await
        .unwrap();
    world.await_failures(2).await;
    let (rein, mut starting) = hears_late();
    let other = world.worker(Some(rein)).await;
    // Its batch goes on: it is adopted only once it has closed.
    world.open("b2").await;
    world.scan_and_settle(&other, "b2").await;
    let second = world.chunk(&other, "b2", Steady);
    starting.has_come().await;
    cancel.now();
    hanging.go();
    first.await.unwrap();
    starting.go();
    second.await.unwrap();
    world.finish("b1").await;
    world.finish("b2").await;
    world.await_failures(3).await;
    world.to_the_end(3).await
}

/// Batch `b1` begins, and its worker is killed when the server has taken its first start.
async fn killed_after_its_start(world: &World) {
    let (rein, mut dying) = dies();
    world.open("b1").await;
    let worker = world.chunk(&world.worker(Some(rein)).await, "b1", Steady);
    dying.has_come().await;
    worker.abort();
    assert!(worker.await.unwrap_err().is_cancelled());
}

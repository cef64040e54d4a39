//! Every activity run twice changes nothing the second time.

use redrive_core::policy::Policy;
use redrive_core::states::State;
use redrive_engine::{Clock, Steady};
use redrive_flows::activities::FinishOperation;
use redrive_ledger::{BatchEnd, BatchRow, Operation, ScanWindow, Story};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::silent_after_a_start;
use crate::operations;
use crate::world::{End, TYPE, World, policy};

/// All that an activity may change.
#[derive(Debug, PartialEq)]
struct Everything {
    stories: Vec<Story>,
    latest_runs: Vec<String>,
    batches: Vec<BatchRow>,
    scanned: Option<ScanWindow>,
    operations: Vec<Operation>,
}

/// What the ledger and the server hold.
async fn everything(world: &World) -> Everything {
    let mut stories = world.ledger.stories_after(None, 100).await.unwrap();
    for story in &mut stories {
        // When an order is looked at again is no change of what is known of it.
        story.order.next_check_at = None;
    }
    let mut latest_runs = Vec::new();
    for story in &stories {
        latest_runs.push(world.latest_run(story.order.workflow_id.as_str()).await);
    }
    Everything {
        stories,
        latest_runs,
        batches: world.ledger.batches(100).await.unwrap(),
        scanned: world.ledger.scan_window(TYPE).await.unwrap(),
        operations: world.reader.operations(None, 10).await.unwrap(),
    }
}

/// Runs an activity, and again; the second time must change nothing.
async fn twice<F: Future<Output = ()>>(world: &World, what: &str, activity: impl Fn() -> F) {
    activity().await;
    let after_once = everything(world).await;
    activity().await;
    assert_eq!(
        everything(world).await,
        after_once,
        "{what} did something the second time"
    );
}

#[tokio::test]
async fn every_activity_run_twice_changes_nothing_the_second_time() {
    let world = World::new("twice").await;
    for n in 0..4 {
        world
            .start(
                &format!("order-{n}"),
                &[End::Fails, if n % 2 == 0 { End::Runs } else { End::Fails }],
            )
            .await;
    }
    world.visibility_shows(4).await;
    let engine = &world.engine;
    twice(&world, "open", || world.open_batch("b1")).await;
    twice(&world, "adopt", || async {
        engine
            .adopt_claims(&world.phase("b1"), &Steady)
            .await
            .unwrap();
    })
    .await;
    // How far it has scanned is where the clock stands.
    world.clock.stop();
    twice(&world, "scan", || async {
        engine
            .scan_failures(&world.phase("b1"), &Steady)
            .await
            .unwrap();
    })
    .await;
    world.clock.go();
    let chunk = world.chunk("b1", 0);
    twice(&world, "chunk", || async {
        engine.process_chunk(&chunk, &Steady).await.unwrap();
    })
    .await;
    for n in [1, 3] {
        world
            .await_status(&format!("order-{n}"), Status::Failed)
            .await;
    }
    twice(&world, "settle", || world.settle("b1")).await;
    twice(&world, "finish", || async {
        let end = BatchEnd::default();
        let row = world
            .ledger
            .finish_batch(&"b1".into(), &end, world.engine.clock.now())
            .await
            .unwrap();
        assert_eq!(
            (
                row.result.found_count,
                row.result.restarted_count,
                row.result.failed_again_count
            ),
            (4, 4, 2)
        );
    })
    .await;
}

#[tokio::test]
async fn adopting_a_dead_batch_twice_changes_nothing_the_second_time() {
    let world = World::new("adopt-twice").await;
    for n in 0..3 {
        let id = format!("order-{n}");
        world.failed_order(&id, &[End::Runs]).await;
    }
    world.open_batch("dead").await;
    // One start acts, and then nothing is answered until it is too late: all stay claimed, with open intents.
    let silent = silent_after_a_start(&world);
    let engine = world.engine_with(silent, policy()).await;
    let chunk = world.chunk("dead", 0);
    engine.process_chunk(&chunk, &Steady).await.unwrap();
    let claimed = crate::batches::in_state(&world, State::Claimed).await;
    assert!(claimed > 0, "it died in mid-chunk");
    world.open_batch("b1").await;
    twice(&world, "adopt", || async {
        let phase = world.phase("b1");
        world.engine.adopt_claims(&phase, &Steady).await.unwrap();
    })
    .await;
    assert_eq!(crate::batches::in_state(&world, State::Claimed).await, 0);
}

#[tokio::test]
async fn a_chunk_of_dead_letters_twice_changes_nothing_the_second_time() {
    let spent = Policy {
        max_retries: 0,
        ..policy()
    };
    let world = World::with("dlq-twice", spent).await;
    for n in 0..3 {
        let id = format!("order-{n}");
        world.failed_order(&id, &[End::Runs]).await;
    }
    world.open_batch("b1").await;
    let chunk = world.chunk("b1", 0);
    twice(&world, "chunk", || async {
        world.engine.process_chunk(&chunk, &Steady).await.unwrap();
    })
    .await;
    let buried = crate::batches::in_state(&world, State::DeadLettered).await;
    assert_eq!(buried, 3);
}

#[tokio::test]
async fn the_activities_of_an_operation_twice_change_nothing_the_second_time() {
    let world = World::new("operation-twice").await;
    for n in 0..3 {
        world
            .failed_order(&format!("order-{n}"), &[End::Runs])
            .await;
    }
    operations::park_all(&world, 3).await;
    operations::open(&world, "o", None).await;
    let engine = &world.engine;
    let begin = operations::begin("o", world.clock.now());
    twice(&world, "begin", || async {
        engine.begin_operation(&begin).await.unwrap();
    })
    .await;
    twice(&world, "page", || async {
        let report = engine.next_page(&operations::page("o", 0)).await.unwrap();
        assert_eq!((report.counts.waiting, report.exhausted), (3, true));
    })
    .await;
    let chunk = operations::chunk(&world, "o");
    twice(&world, "chunk", || async {
        let report = engine.process_chunk(&chunk, &Steady).await.unwrap();
        assert_eq!(report.claimed, 3);
    })
    .await;
    twice(&world, "page that learns", || async {
        let report = engine.next_page(&operations::page("o", 1)).await.unwrap();
        assert_eq!((report.counts.waiting, report.counts.started), (0, 3));
    })
    .await;
    let end = FinishOperation {
        id: "o".into(),
        batch: operations::batch("o"),
        stopped: false,
        error: None,
    };
    twice(&world, "finish", || async {
        assert!(engine.finish_operation(&end).await.unwrap().ended);
    })
    .await;
}

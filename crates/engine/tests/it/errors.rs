//! Each class of error: an item's is the order's own, a throttle is waited out, a system's stops the batch, an unknown
//! answer is asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use redrive_core::states::State;
use redrive_engine::Steady;
use redrive_engine::gateway::GatewayError;
use redrive_ledger::{AttemptOutcome, BatchEnd};
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus as Status;

use crate::hooks::{Call, Fate, Hooked, silent_after_a_start};
use crate::ledger_hooks::{self, HookedLedger};
use crate::world::{End, World, policy};

/// The first `times` starts meet that fate.
fn starts(times: usize, fate: Fate) -> impl Fn(Call) -> Fate + Send + Sync {
    let made = AtomicUsize::new(0);
    move |call| match call {
        Call::Start if made.fetch_add(1, Ordering::SeqCst) < times => fate.clone(),
        _ => Fate::Passes,
    }
}

#[tokio::test]
async fn an_item_error_spends_no_attempt_and_five_running_are_a_dead_letter() {
    let world = World::new("item-error").await;
    world.failed_order("order-1", &[End::Completes]).await;
    let refuses = Fate::Fails(GatewayError::Item(
        "search attribute Gone is not defined".into(),
    ));
    let engine = world
        .engine_with(
            Hooked::new(world.gateway.clone(), starts(usize::MAX, refuses)),
            policy(),
        )
        .await;
    for n in 1..=5 {
        let batch = format!("b{n}");
        world.open_batch(&batch).await;
        engine
            .process_chunk(&world.chunk(&batch, 0), &Steady)
            .await
            .unwrap();
        let story = world.story("order-1").await;
        assert_eq!(
            (story.order.state, story.order.item_errors),
            (State::Failed, n)
        );
        assert_eq!(story.order.retry_count, 0);
    }
    assert!(world.verdicts("order-1").await[0].contains("search attribute Gone"));
    world.open_batch("b6").await;
    engine
        .process_chunk(&world.chunk("b6", 0), &Steady)
        .await
        .unwrap();
    assert_eq!(
        world.verdicts("order-1").await.pop().unwrap(),
        "dlq: cannot_start"
    );
}

#[tokio::test]
async fn an_item_error_stops_nothing_else() {
    let world = World::new("item-beside").await;
    world.failed_order("order-1", &[End::Completes]).await;
    world.failed_order("order-2", &[End::Completes]).await;
    let refuses = Fate::Fails(GatewayError::Item("no".into()));
    let engine = world
        .engine_with(
            Hooked::new(world.gateway.clone(), starts(1, refuses)),
            policy(),
        )
        .await;
    world.open_batch("b1").await;
    engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap();
    let counts = world
        .ledger
        .batch_counts(&"b1".into(), world.engine.clock.now())
        .await
        .unwrap();
    assert_eq!(
        (
            counts.found_count,
            counts.restarted_count,
            counts.error_count
        ),
        (2, 1, 1)
    );
}

#[tokio::test]
async fn a_throttle_is_waited_out_inside_the_batch() {
    let world = World::new("throttle").await;
    world.failed_order("order-1", &[End::Completes]).await;
    let throttles = Fate::Fails(GatewayError::Throttle("slow down".into()));
    let engine = world
        .engine_with(
            Hooked::new(world.gateway.clone(), starts(2, throttles)),
            policy(),
        )
        .await;
    world.open_batch("b1").await;
    engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap();
    assert_eq!(world.verdicts("order-1").await, ["restarted"]);
}

#[tokio::test]
async fn a_system_error_gives_back_what_is_untouched_and_fails_in_a_sentence() {
    let world = World::new("system-error").await;
    for n in 0..40 {
        world
            .start(&format!("order-{n}"), &[End::Fails, End::Completes])
            .await;
    }
    world.scan_sees(40).await;
    let refuses = Fate::Fails(GatewayError::System("permission denied".into()));
    let engine = world
        .engine_with(
            Hooked::new(world.gateway.clone(), starts(usize::MAX, refuses)),
            policy(),
        )
        .await;
    world.open_batch("b1").await;
    let error = engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap_err();
    assert_eq!(error.to_string(), "Temporal refuses: permission denied");
    assert!(error.is_system());
    let states = world.ledger.state_counts().await.unwrap();
    let of = |state: State| {
        states
            .iter()
            .find(|(name, _)| name == state.as_str())
            .map_or(0, |(_, count)| *count)
    };
    assert_eq!(of(State::Failed) + of(State::Claimed), 40);
    assert!(
        of(State::Claimed) <= 16,
        "only orders whose start was under way stay claimed: {states:?}"
    );
    world
        .engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap();
    world.run_chunk("b2").await;
    assert_eq!(
        world.ledger.state_counts().await.unwrap(),
        [("in_flight".to_owned(), 40)]
    );
}

#[tokio::test]
async fn while_outcomes_cannot_be_committed_nothing_more_is_started() {
    let world = World::new("no-commits").await;
    crate::batches::failing(&world, 100).await;
    world.scan_sees(100).await;
    let ledger = HookedLedger::over(&world.ledger, |call| match call {
        "commit" => ledger_hooks::Fate::Fails,
        _ => ledger_hooks::Fate::Passes,
    });
    let made = Arc::new(AtomicUsize::new(0));
    let starts = Arc::clone(&made);
    let count = move |call| {
        if call == Call::Start {
            starts.fetch_add(1, Ordering::SeqCst);
        }
        Fate::Passes
    };
    let gateway = Hooked::new(world.gateway.clone(), count);
    let engine = world.engine_over(&ledger, gateway).await;
    world.open_batch("b1").await;
    let chunk = world.chunk("b1", 0);
    engine.process_chunk(&chunk, &Steady).await.unwrap_err();
    let made = made.load(Ordering::SeqCst);
    // A commit's worth, and those that were under way.
    assert!(
        (1..=64 + 16).contains(&made),
        "{made} starts that nobody records"
    );
    world.engine.process_chunk(&chunk, &Steady).await.unwrap();
    assert_eq!(
        world.ledger.state_counts().await.unwrap(),
        [("in_flight".to_owned(), 100)],
        "the next try finds what was started, and starts the rest"
    );
}

#[tokio::test]
async fn a_lost_answer_is_asked_for_and_the_start_counts_once() {
    let world = World::new("lost-answer").await;
    world.failed_order("order-1", &[End::Runs]).await;
    let engine = world
        .engine_with(
            Hooked::new(world.gateway.clone(), starts(1, Fate::LosesAnswer)),
            policy(),
        )
        .await;
    world.open_batch("b1").await;
    engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap();
    let story = world.story("order-1").await;
    assert_eq!(story.order.retry_count, 1);
    assert_eq!(
        story.attempts[0].run.as_ref().unwrap().as_str(),
        world.latest_run("order-1").await
    );
}

#[tokio::test]
async fn an_answer_unknown_at_the_deadline_is_skipped_and_counted_by_the_batch_that_learns_it() {
    let world = World::new("unknown").await;
    world.failed_order("order-1", &[End::Runs]).await;
    let silent = silent_after_a_start(&world);
    let engine = world.engine_with(silent, policy()).await;
    world.open_batch("b1").await;
    let chunk = world.chunk("b1", 0);
    engine.process_chunk(&chunk, &Steady).await.unwrap();
    let story = world.story("order-1").await;
    assert_eq!(story.order.state, State::Claimed, "it stays claimed");
    assert_eq!(story.attempts[0].run, None);
    let end = BatchEnd::default();
    let result = engine.finish(&"b1".into(), &end).await.unwrap().result;
    assert_eq!((result.restarted_count, result.skipped_count), (0, 1));
    world.open_batch("b2").await;
    let phase = world.phase("b2");
    world.engine.adopt_claims(&phase, &Steady).await.unwrap();
    let learnt = world.engine.finish(&"b2".into(), &end).await.unwrap();
    assert_eq!(
        (learnt.result.restarted_count, learnt.result.found_count),
        (1, 1)
    );
    let story = world.story("order-1").await;
    assert_eq!(
        (story.order.state, story.order.retry_count),
        (State::InFlight, 1)
    );
    assert_eq!(
        story.attempts[0].run.as_ref().unwrap().as_str(),
        world.latest_run("order-1").await,
        "the start that acted, and no second one"
    );
}

#[tokio::test]
async fn a_lost_answer_is_found_by_looking_back_when_an_operator_came_between() {
    let world = World::new("looked-back").await;
    world.failed_order("order-1", &[End::Fails]).await;
    // The start acts, its answer is lost, and from then on nothing is answered.
    let silent = AtomicBool::new(false);
    let lose = move |call| match call {
        Call::Start => {
            silent.store(true, Ordering::SeqCst);
            Fate::LosesAnswer
        }
        _ if silent.load(Ordering::SeqCst) => {
            Fate::Fails(GatewayError::Unknown("no answer".into()))
        }
        _ => Fate::Passes,
    };
    let losing = world
        .engine_with(Hooked::new(world.gateway.clone(), lose), policy())
        .await;
    world.open_batch("b1").await;
    let chunk = world.chunk("b1", 0);
    let lost = tokio::spawn(async move { losing.process_chunk(&chunk, &Steady).await });
    world.visibility_shows(2).await;
    lost.abort();
    drop(lost.await);
    let by_hand = world.start_by_hand("order-1", &[End::Completes]).await;
    world.await_status("order-1", Status::Completed).await;
    world
        .engine
        .process_chunk(&world.chunk("b1", 0), &Steady)
        .await
        .unwrap();
    let story = world.story("order-1").await;
    assert_eq!(story.order.state, State::Recovered);
    assert_eq!(
        story.order.retry_count, 1,
        "the restart whose answer was lost is counted"
    );
    assert_ne!(story.attempts[0].run.as_ref().unwrap().as_str(), by_hand);
    assert_eq!(story.attempts[0].outcome, Some(AttemptOutcome::FailedAgain));
    assert_eq!(world.verdicts("order-1").await, ["restarted"]);
}

#[tokio::test]
async fn a_history_that_is_gone_is_a_dead_letter_with_that_reason() {
    let world = World::new("gone").await;
    world.failed_order("order-1", &[End::Completes]).await;
    crate::retries::delete(&world, "order-1").await;
    world.run_chunk("b1").await;
    assert_eq!(world.verdicts("order-1").await, ["dlq: outcome_unknown"]);
    assert_eq!(
        world.story("order-1").await.order.state,
        State::DeadLettered
    );
}

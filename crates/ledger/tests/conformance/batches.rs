//! Batches' rows: their numbers, their status, their alerts.

use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::report::{Alert, BatchStatus};
use redrive_ledger::{BatchEnd, BatchRow, Checked, Committed, LedgerError, Outcome};

use super::world::{World, at, failure, first_failure, latest, run};

#[tokio::test]
async fn a_batch_is_opened_once() {
    let world = World::new().await;
    world.open("b1").await;
    world.wait(10);
    world.open("b1").await;
    let rows = world.ledger.batches(9).await.unwrap();
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].status, rows[0].started_at),
        (BatchStatus::Running, at(0))
    );
    assert_eq!(
        (
            rows[0].workflow_id.as_str(),
            rows[0].result.batch_id.as_str()
        ),
        ("w-b1", "b1")
    );
}

/// Five orders, one for each verdict and one that waits, in batch `b1`.
async fn mixed(world: &World) {
    let orders: Vec<_> = ["restarted", "dlq", "error", "skipped", "released"]
        .map(first_failure)
        .into();
    world.observe(&orders).await;
    let outcomes = [
        ("restarted", Outcome::Restarted(run("restarted-1"))),
        ("dlq", Outcome::DeadLettered(DeadLetterReason::BudgetSpent)),
        (
            "error",
            Outcome::ItemError {
                message: "refused".into(),
            },
        ),
        ("skipped", Outcome::AnswerUnknown),
        ("released", Outcome::Released),
    ];
    for (order, outcome) in outcomes {
        let claimed = world.claim_one(order, "b1").await;
        world.commit("b1", &claimed, outcome).await;
    }
}

#[tokio::test]
async fn counts_are_counts_of_rows_and_add_up() {
    let world = World::new().await;
    world.open("b1").await;
    mixed(&world).await;
    let live = world
        .ledger
        .batch_counts(&"b1".into(), world.now())
        .await
        .unwrap();
    let running = &world.ledger.batches(1).await.unwrap()[0];
    world.wait(5);
    let row = world.finish("b1").await;
    let result = &row.result;
    let counts = [
        result.restarted_count,
        result.dlq_count,
        result.error_count,
        result.skipped_count,
    ];
    assert_eq!(
        (counts, result.found_count),
        ([1, 1, 1, 1], 4),
        "what was released was not found"
    );
    assert_eq!((result.processed_at, result.backlog_count), (at(5), 2));
    assert_eq!(
        (row.status, result.truncated),
        (BatchStatus::Completed, false)
    );
    for earlier in [&live, &running.result] {
        assert_eq!(
            redrive_core::report::ReprocessingResult {
                processed_at: at(5),
                ..earlier.clone()
            },
            *result
        );
    }
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn a_batch_is_finished_once() {
    let world = World::new().await;
    world.open("b1").await;
    let row = world.finish("b1").await;
    world.wait(10);
    let end = BatchEnd {
        error: Some("too late".into()),
        abandoned: true,
        ..Default::default()
    };
    assert_eq!(
        world
            .ledger
            .finish_batch(&"b1".into(), &end, world.now())
            .await
            .unwrap(),
        row
    );
    assert_eq!(
        world.ledger.batches(9).await.unwrap(),
        std::slice::from_ref(&row)
    );
    assert_eq!(
        world
            .ledger
            .batch_counts(&"b1".into(), world.now())
            .await
            .unwrap(),
        row.result
    );
    world.open("b1").await;
    assert_eq!(
        world.ledger.batches(9).await.unwrap(),
        [row],
        "opening it again does not reopen it"
    );
}

#[tokio::test]
async fn a_batch_that_failed_or_was_abandoned_goes_on_when_it_is_opened_again() {
    let world = World::new().await;
    world.observe(&["a", "b"].map(first_failure)).await;
    world.open("b1").await;
    world.restart("a", "a-1", "b1").await;
    let failed = BatchEnd {
        error: Some("no server".into()),
        truncated: true,
        ..Default::default()
    };
    let abandoned = BatchEnd {
        abandoned: true,
        ..Default::default()
    };
    for end in [failed, abandoned] {
        let ended = ended(&world, "b1", end).await;
        assert_eq!(ended.result.restarted_count, 1);
        world.wait(1);
        world.open("b1").await;
        let row = world.ledger.batches(9).await.unwrap().remove(0);
        assert_eq!(
            (row.status, row.error, row.result.restarted_count),
            (BatchStatus::Running, None, 1)
        );
        assert_eq!(row.started_at, ended.started_at, "its first start");
    }
    world.restart("b", "b-1", "b1").await;
    let row = world.finish("b1").await;
    assert_eq!(
        (row.status, row.result.restarted_count),
        (BatchStatus::Completed, 2)
    );
}

#[tokio::test]
async fn a_batch_that_was_never_opened_is_an_error() {
    let world = World::new().await;
    let refused = world
        .ledger
        .finish_batch(&"none".into(), &BatchEnd::default(), world.now())
        .await
        .unwrap_err();
    assert!(matches!(refused, LedgerError::NoSuchBatch(_)), "{refused}");
    let refused = world
        .ledger
        .batch_counts(&"none".into(), world.now())
        .await
        .unwrap_err();
    assert!(matches!(refused, LedgerError::NoSuchBatch(_)), "{refused}");
}

#[tokio::test]
async fn a_phase_that_failed_is_counted_whoever_finishes_the_row() {
    let world = World::new().await;
    let errors = |row: &BatchRow| (row.result.error_count, row.result.found_count);
    let note = |batch: &'static str, scan, settle| {
        let ledger = &world.ledger;
        async move {
            ledger
                .note_failed_phases(&batch.into(), scan, settle)
                .await
                .unwrap();
        }
    };
    world.open("b1").await;
    for _ in 0..2 {
        note("b1", true, false).await;
    }
    let running = world.ledger.batches(9).await.unwrap().remove(0);
    assert_eq!(errors(&running), (1, 1), "while it runs");
    note("b1", false, true).await;
    let now = world.ledger.batch_counts(&"b1".into(), world.now()).await;
    assert_eq!(now.unwrap().error_count, 2);
    let row = world.finish("b1").await;
    assert_eq!((row.status, errors(&row)), (BatchStatus::Partial, (2, 2)));
    world.open("b2").await;
    note("b2", true, false).await;
    let abandoned = BatchEnd {
        scan_failed: true,
        abandoned: true,
        ..Default::default()
    };
    assert_eq!(
        errors(&ended(&world, "b2", abandoned).await),
        (1, 1),
        "once"
    );
    note("b2", false, true).await;
    note("none", true, true).await;
    let rows = world.ledger.batches(9).await.unwrap();
    assert_eq!(errors(&rows[0]), (1, 1), "a row that is finished stands");
    assert_eq!(rows.len(), 2);
}

async fn ended(world: &World, batch: &str, end: BatchEnd) -> BatchRow {
    world.open(batch).await;
    world.wait(1);
    world
        .ledger
        .finish_batch(&batch.into(), &end, world.now())
        .await
        .unwrap()
}

#[tokio::test]
async fn how_a_batch_ended_is_told() {
    let world = World::new().await;
    let partial = ended(
        &world,
        "b1",
        BatchEnd {
            scan_failed: true,
            settle_failed: true,
            ..Default::default()
        },
    )
    .await;
    assert_eq!(
        (
            partial.status,
            partial.result.error_count,
            partial.result.found_count
        ),
        (BatchStatus::Partial, 2, 2)
    );
    let truncated = ended(
        &world,
        "b2",
        BatchEnd {
            truncated: true,
            ..Default::default()
        },
    )
    .await;
    assert_eq!(
        (truncated.status, truncated.result.truncated),
        (BatchStatus::Partial, true)
    );
    let failed = ended(
        &world,
        "b3",
        BatchEnd {
            error: Some("no server".into()),
            ..Default::default()
        },
    )
    .await;
    assert_eq!(
        (failed.status, failed.error.as_deref()),
        (BatchStatus::Failed, Some("no server"))
    );
    let abandoned = ended(
        &world,
        "b4",
        BatchEnd {
            abandoned: true,
            ..Default::default()
        },
    )
    .await;
    assert_eq!(abandoned.status, BatchStatus::Abandoned);
    assert_eq!(
        world.ledger.batches(9).await.unwrap(),
        [abandoned, failed, truncated, partial]
    );
    assert_eq!(world.ledger.batches(2).await.unwrap().len(), 2);
}

#[tokio::test]
async fn the_list_of_batches_goes_on_after_any_of_them() {
    let world = World::new().await;
    // All at the same time, and one that ends later.
    for batch in ["b1", "b2", "b3", "b4", "b5"] {
        world.open(batch).await;
    }
    world.wait(1);
    world.finish("b2").await;
    let listed = world.ledger.batches(9).await.unwrap();
    let ids = |batches: &[BatchRow]| -> Vec<String> {
        let ids = batches.iter().map(|row| row.result.batch_id.clone());
        ids.collect()
    };
    assert_eq!(ids(&listed), ["b2", "b5", "b4", "b3", "b1"]);
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = world.reader.newest_batches(after.as_ref(), 2).await;
        let page = page.unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.place());
        walked.extend(page);
    }
    assert_eq!(walked, listed);
}

#[tokio::test]
async fn what_a_batch_learnt_of_earlier_restarts_is_counted_with_it() {
    let world = World::new().await;
    world.open("settling").await;
    world.open("scan").await;
    world.observe(&["a", "b", "c"].map(first_failure)).await;
    for order in ["a", "b", "c"] {
        world.restart(order, &format!("{order}-1"), "b1").await;
    }
    world
        .settle("a", Some(latest("a-1", RunStatus::Completed, 0, 10)))
        .await;
    world
        .settle("b", Some(latest("b-1", RunStatus::Terminated, 0, 10)))
        .await;
    world.observe(&[failure("c", "c-1", 10)]).await;
    let settling = world.finish("settling").await.result;
    assert_eq!(
        (
            settling.recovered_count,
            settling.failed_again_count,
            settling.found_count
        ),
        (1, 0, 0)
    );
    let scan = world.finish("scan").await.result;
    assert_eq!((scan.recovered_count, scan.failed_again_count), (0, 1));
}

async fn dead_letters(world: &World, batch: &str, count: usize) -> BatchRow {
    world.open(batch).await;
    let orders: Vec<_> = (0..count)
        .map(|n| first_failure(&format!("{batch}-{n}")))
        .collect();
    world.observe(&orders).await;
    let request = redrive_ledger::ClaimRequest {
        limit: 1000,
        ..world.wanted(batch, 1)
    };
    let claimed = world.claim(&request).await.fresh;
    assert_eq!(claimed.len(), count);
    let commits: Vec<_> = claimed
        .iter()
        .map(|order| redrive_ledger::Commit {
            pk: order.pk,
            fence: order.fence,
            outcome: Outcome::DeadLettered(DeadLetterReason::BudgetSpent),
        })
        .collect();
    world
        .ledger
        .commit(&world.policy, &batch.into(), 1, &commits, world.moment())
        .await
        .unwrap();
    world.wait(1);
    world.finish(batch).await
}

#[tokio::test]
async fn alerts_are_evaluated_from_the_rows_and_kept() {
    let world = World::new().await;
    assert_eq!(dead_letters(&world, "b1", 10).await.alerts, []);
    assert_eq!(
        dead_letters(&world, "b2", 11).await.alerts,
        [Alert::DlqCount { dlq_count: 11 }]
    );
    let failed_scan = ended(
        &world,
        "b3",
        BatchEnd {
            scan_failed: true,
            ..Default::default()
        },
    )
    .await;
    assert_eq!(
        failed_scan.alerts,
        [Alert::ErrorShare {
            error_count: 1,
            found_count: 1
        }]
    );
    for batch in ["b4", "b5"] {
        assert_eq!(
            dead_letters(&world, batch, 101).await.alerts,
            [Alert::DlqCount { dlq_count: 101 }]
        );
    }
    world.open("a batch that runs counts for nothing").await;
    world.open_retry("one order's retry is no lull").await;
    let retry = world.finish("one order's retry is no lull").await;
    assert!(retry.one_order && retry.alerts.is_empty());
    let third = dead_letters(&world, "b6", 102).await.alerts;
    assert_eq!(
        third,
        [
            Alert::DlqCount { dlq_count: 102 },
            Alert::Backlog { found_count: 102 }
        ]
    );
    assert_eq!(world.ledger.batches(1).await.unwrap()[0].alerts, third);
}

#[tokio::test]
async fn a_batch_that_has_ended_changes_nothing_more() {
    let world = World::new().await;
    world.open("b1").await;
    world.open("b2").await;
    world.observe(&["a", "b", "c"].map(first_failure)).await;
    world.restart("a", "a-1", "b0").await;
    let claimed = world.claim_one("b", "b1").await;
    let row = world.finish("b1").await;
    let before = world.ledger.stories_after(None, 100).await.unwrap();

    let outcome = Outcome::Restarted(run("b-1"));
    assert_eq!(
        world.commit("b1", &claimed, outcome.clone()).await,
        Committed::Fenced
    );
    let (ledger, policy, batch) = (&world.ledger, &world.policy, "b1".into());
    let request = world.wanted("b1", 1);
    let checked = Checked {
        ours: None,
        check: world.check("a").await,
        latest: None,
        attempt: None,
        failure: None,
    };
    let refused = [
        ledger
            .claim(policy, &world.home, &request, world.moment())
            .await
            .map(drop),
        ledger
            .adopt(policy, &"b0".into(), &batch, 0, 9)
            .await
            .map(drop),
        ledger
            .observe(policy, &batch, &[first_failure("d")], world.moment())
            .await
            .map(drop),
        ledger
            .settle(policy, &batch, &[checked], world.moment())
            .await
            .map(drop),
    ];
    for refused in refused {
        let refused = refused.unwrap_err();
        assert!(matches!(refused, LedgerError::BatchEnded(_)), "{refused}");
    }
    assert_eq!(world.ledger.stories_after(None, 100).await.unwrap(), before);
    assert_eq!(
        world
            .ledger
            .batch_counts(&batch, world.now())
            .await
            .unwrap(),
        row.result
    );

    let adopted = ledger
        .adopt(policy, &batch, &"b2".into(), 0, 9)
        .await
        .unwrap();
    assert_eq!(
        world.commit("b2", &adopted[0], outcome).await,
        Committed::Done
    );
}

#[tokio::test]
async fn a_batch_is_unfinished_while_it_runs_or_owns_claims() {
    let world = World::new().await;
    let unfinished = async || {
        let rows = world.ledger.unfinished_batches().await.unwrap();
        rows.into_iter()
            .map(|row| row.result.batch_id)
            .collect::<Vec<_>>()
    };
    for batch in ["b2", "b1", "b3"] {
        world.open(batch).await;
        world.wait(1);
    }
    assert_eq!(unfinished().await, ["b2", "b1", "b3"]);
    world.observe(&[first_failure("a")]).await;
    let claimed = world.claim_one("a", "b1").await;
    world.commit("b1", &claimed, Outcome::AnswerUnknown).await;
    for batch in ["b1", "b2"] {
        world.finish(batch).await;
    }
    assert_eq!(unfinished().await, ["b1", "b3"]);
    let adopted = world
        .ledger
        .adopt(&world.policy, &"b1".into(), &"b3".into(), 0, 1)
        .await
        .unwrap();
    assert_eq!(unfinished().await, ["b3"]);
    world
        .commit("b3", &adopted[0], Outcome::Restarted(run("a-1")))
        .await;
    world.finish("b3").await;
    assert!(unfinished().await.is_empty());
}

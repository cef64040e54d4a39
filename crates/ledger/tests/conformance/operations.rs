//! Operations on many dead letters: each entry is taken once, by one of them, whatever is repeated; and what became of it is
//! learnt from rows.

use jiff::SignedDuration;
use redrive_core::decide::{DeadLetterReason, RunStatus};
use redrive_core::ids::OperationId;
use redrive_core::states::State;
use redrive_ledger::{
    AuditFilter, BatchEnd, Chosen, ClaimRequest, DeadLetterFilter, Failure, LedgerError, Limited,
    Operation, OperationEnd, OperationOpening, OperationStatus, Outcome, Park, Resolution, Resolve,
    Resolved,
};

use super::world::{World, ann, first_failure, ids, latest, with_status};

/// The orders of a world: five wait in the queue, in this order.
const ORDERS: [&str; 5] = ["a", "b", "c", "d", "e"];

/// A world with [`ORDERS`] in the queue, and one of another status, which no filter here chooses.
async fn world() -> World {
    let world = World::new().await;
    for order in ORDERS {
        world.observe(&[of(order)]).await;
        bury(&world, order, "burying").await;
        world.wait(10);
    }
    world.observe(&[first_failure("other")]).await;
    bury(&world, "other", "burying").await;
    world.wait(10);
    world
}

/// The first failure of an order that the filters here choose.
fn of(order: &str) -> Failure {
    with_status("slam_failed", first_failure(order))
}

async fn bury(world: &World, order: &str, batch: &str) {
    let claimed = world.claim_one(order, batch).await;
    let buried = Outcome::DeadLettered(DeadLetterReason::BudgetSpent);
    world.commit(batch, &claimed, buried).await;
}

fn matching(limit: Option<u32>) -> Chosen {
    let filter = DeadLetterFilter {
        failure_status: Some("slam_failed".into()),
        ..DeadLetterFilter::default()
    };
    Chosen::Matching { filter, limit }
}

async fn open(world: &World, id: &str, chosen: Chosen) -> Operation {
    let opening = OperationOpening {
        id: id.into(),
        chosen,
        per_second: Some(2.5),
        by: ann("the carrier is back"),
    };
    world
        .ledger
        .open_operation(&opening, world.now())
        .await
        .unwrap()
}

/// Opens it, with a batch of its name that works for it.
async fn begin(world: &World, id: &str, chosen: Chosen) -> Operation {
    open(world, id, chosen).await;
    world.open_retry(&batch(id)).await;
    world
        .ledger
        .begin_operation(&id.into(), &batch(id).as_str().into(), world.now())
        .await
        .unwrap()
}

fn batch(id: &str) -> String {
    format!("batch-of-{id}")
}

async fn take(world: &World, id: &str, page: u32, size: u32) -> Operation {
    world
        .ledger
        .take_page(&world.policy, &id.into(), page, size, world.now())
        .await
        .unwrap()
}

async fn learn(world: &World, id: &str) -> Operation {
    world
        .ledger
        .learn_operation(&id.into(), world.now())
        .await
        .unwrap()
}

async fn set_rate(world: &World, id: &str, rate: Option<f64>) -> Operation {
    world
        .ledger
        .set_operation_rate(&id.into(), rate, &ann("gently"), world.now())
        .await
        .unwrap()
}

async fn end(world: &World, id: &str, end: OperationEnd) -> Operation {
    world
        .ledger
        .end_operation(&id.into(), &end, world.now())
        .await
        .unwrap()
}

/// What the operation may claim now.
fn taken(world: &World, id: &str) -> ClaimRequest {
    ClaimRequest {
        operation: Some(id.into()),
        ..world.wanted(&batch(id), 1)
    }
}

/// matched, waiting, started, failed, skipped.
fn counts(operation: &Operation) -> [u64; 5] {
    [
        operation.matched,
        operation.waiting,
        operation.started,
        operation.failed,
        operation.skipped,
    ]
}

/// Orders that it did not start, with whether they failed, and why; a page at a time tells the same.
async fn not_started(world: &World, id: &str) -> Vec<(String, bool, String)> {
    let (id, reader) = (OperationId::from(id), &world.reader);
    let found = reader.not_started(&id, None, 100).await.unwrap();
    let mut after = None;
    for one in &found {
        let page = reader.not_started(&id, after, 1).await.unwrap();
        assert_eq!(page, std::slice::from_ref(one));
        after = Some(one.place());
    }
    assert_eq!(reader.not_started(&id, after, 1).await.unwrap().len(), 0);
    found
        .into_iter()
        .map(|one| (one.workflow_id.to_string(), one.failed, one.reason))
        .collect()
}

#[tokio::test]
async fn an_operation_is_opened_once_and_says_what_it_is_about() {
    let world = world().await;
    let opened = open(&world, "o", matching(None)).await;
    assert_eq!(counts(&opened), [5, 0, 0, 0, 0]);
    assert_eq!(opened.status, OperationStatus::Running);
    assert_eq!((opened.per_second, opened.batch.clone()), (Some(2.5), None));
    assert_eq!(
        (opened.actor.as_str(), opened.reason.as_str()),
        ("ann", "the carrier is back")
    );
    world.wait(10);
    assert_eq!(open(&world, "o", matching(Some(1))).await, opened);
    let audit = world.reader.audit(&Default::default(), 10).await.unwrap();
    let told: Vec<_> = audit
        .iter()
        .filter(|event| event.action == "retry_many")
        .map(|event| event.detail.as_deref())
        .collect();
    assert_eq!(told, [Some("o")]);
    assert_eq!(open(&world, "few", matching(Some(2))).await.matched, 2);
    let named = Chosen::Named(vec!["a".into(), "a".into(), "other".into()]);
    assert_eq!(open(&world, "named", named).await.matched, 2);
    let listed = world.reader.operations(None, 10).await.unwrap();
    let ids: Vec<&str> = listed.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(
        ids,
        ["few", "named", "o"],
        "two of the same time by their ids"
    );
    for (number, one) in (1..).zip(&listed) {
        let after = Some((one.created_at, &one.id));
        let next = world.reader.operations(after, 10).await.unwrap();
        assert_eq!(next, listed[number..], "after {}", one.id);
    }
    let found = world.reader.operation(&"o".into()).await.unwrap();
    assert_eq!(found, Some(opened));
    assert_eq!(world.reader.operation(&"x".into()).await.unwrap(), None);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn an_operation_that_is_not_there_is_an_error() {
    let world = world().await;
    let id = OperationId::from("nobody");
    let ledger = &world.ledger;
    let now = world.now();
    for refused in [
        ledger.begin_operation(&id, &"b".into(), now).await,
        ledger.note_operation(&id, true, now).await,
        ledger
            .set_operation_rate(&id, None, &ann("gently"), now)
            .await,
        ledger.learn_operation(&id, now).await,
        ledger.take_page(&world.policy, &id, 0, 10, now).await,
        ledger.end_operation(&id, &OperationEnd::Stopped, now).await,
    ] {
        assert!(
            matches!(&refused, Err(LedgerError::NoSuchOperation(missing)) if *missing == id),
            "{refused:?}"
        );
    }
    let turns = ledger.operation_turns(&id, 1, now).await;
    assert!(
        matches!(turns, Err(LedgerError::NoSuchOperation(_))),
        "{turns:?}"
    );
}

#[tokio::test]
async fn a_page_is_taken_once_in_the_order_of_age() {
    let world = world().await;
    begin(&world, "o", matching(None)).await;
    let first = take(&world, "o", 0, 2).await;
    assert_eq!(counts(&first), [5, 2, 0, 0, 0]);
    assert_eq!((first.pages, first.exhausted), (1, false));
    world.wait(10);
    assert_eq!(take(&world, "o", 0, 2).await, first, "its answer was lost");
    assert_eq!(take(&world, "o", 7, 2).await, first, "no such page yet");
    for (order, state) in [
        ("a", State::Failed),
        ("b", State::Failed),
        ("c", State::DeadLettered),
    ] {
        assert_eq!(world.order(order).await.state, state, "{order}");
    }
    let story = world.story("a").await;
    assert_eq!((story.order.generation, story.order.manual), (2, true));
    assert_eq!(
        story.dead_letters[0].resolution,
        Some(Resolution::ManualRetry)
    );
    assert_eq!(story.audit.len(), 1, "one event an order");
    assert_eq!(story.audit[0].action, "manual_retry");
    assert_eq!(story.audit[0].reason, "the carrier is back");
    let last = take(&world, "o", 1, 10).await;
    assert_eq!(counts(&last), [5, 5, 0, 0, 0]);
    assert!(last.exhausted);
    assert_eq!(take(&world, "o", 2, 10).await, last);
    assert_eq!(world.order("other").await.state, State::DeadLettered);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn no_more_are_taken_than_were_asked_for() {
    let world = world().await;
    begin(&world, "o", matching(Some(3))).await;
    assert!(!take(&world, "o", 0, 2).await.exhausted);
    let last = take(&world, "o", 1, 2).await;
    assert_eq!((counts(&last), last.exhausted), ([3, 3, 0, 0, 0], true));
    assert_eq!(world.order("d").await.state, State::DeadLettered);
}

#[tokio::test]
async fn its_batch_claims_what_it_has_taken_and_nothing_else() {
    let world = world().await;
    world.observe(&[first_failure("scheduled")]).await;
    begin(&world, "o", matching(None)).await;
    begin(&world, "p", Chosen::Named(vec!["other".into()])).await;
    assert!(world.claim(&taken(&world, "o")).await.fresh.is_empty());
    take(&world, "o", 0, 2).await;
    take(&world, "p", 0, 2).await;
    let claimed = world.claim(&taken(&world, "o")).await.fresh;
    assert_eq!(ids(&claimed), ["a", "b"]);
    assert!(claimed.iter().all(|order| order.manual));
    let again = world.claim(&taken(&world, "o")).await;
    assert_eq!((again.fresh.len(), again.inherited.len()), (0, 2));
    let others = world.claim(&taken(&world, "p")).await.fresh;
    assert_eq!(ids(&others), ["other"]);
    // What waits under the schedule is the schedule's.
    assert_eq!(world.order("scheduled").await.state, State::Failed);
}

#[tokio::test]
async fn what_became_of_orders_is_learnt_once() {
    let world = world().await;
    begin(&world, "o", matching(None)).await;
    take(&world, "o", 0, 10).await;
    let claimed = world.claim(&taken(&world, "o")).await.fresh;
    let refused = Outcome::ItemError {
        message: "no attribute Tier".into(),
    };
    let running = Outcome::Elsewhere {
        latest: latest("c-op", RunStatus::Running, 100, 0),
        ours: None,
        failure: None,
    };
    let outcomes = [
        Outcome::Restarted("a-1".into()),
        refused,
        running,
        Outcome::AnswerUnknown,
        Outcome::Released,
    ];
    for (order, outcome) in claimed.iter().zip(outcomes) {
        world.commit(&batch("o"), order, outcome).await;
    }
    let learnt = learn(&world, "o").await;
    assert_eq!(counts(&learnt), [5, 2, 1, 1, 1], "d is claimed, e waits");
    assert_eq!(learn(&world, "o").await, learnt);
    assert_eq!(
        not_started(&world, "o").await,
        [
            ("b".to_owned(), true, "no attribute Tier".to_owned()),
            ("c".to_owned(), false, "already running".to_owned()),
        ]
    );
    // Another batch has got to it first: that is a start, too.
    world.restart("e", "e-1", "scheduled").await;
    assert_eq!(counts(&learn(&world, "o").await), [5, 1, 2, 1, 1]);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn of_two_operations_one_takes_an_entry_and_the_other_tells_who_did() {
    let world = world().await;
    begin(&world, "o", matching(None)).await;
    begin(&world, "p", matching(None)).await;
    begin(
        &world,
        "q",
        Chosen::Named(vec!["a".into(), "e".into(), "bystander-recovered".into()]),
    )
    .await;
    take(&world, "o", 0, 2).await;
    let p = take(&world, "p", 0, 10).await;
    assert_eq!((counts(&p), p.exhausted), ([5, 3, 0, 0, 2], true));
    let by_ann = "it was decided before: manual retry by ann";
    let skipped = |order: &str| (order.to_owned(), false, by_ann.to_owned());
    assert_eq!(not_started(&world, "p").await, [skipped("a"), skipped("b")]);
    let o = take(&world, "o", 1, 10).await;
    assert_eq!((counts(&o), o.exhausted), ([5, 2, 0, 0, 3], true));
    let q = take(&world, "q", 0, 10).await;
    assert_eq!((counts(&q), q.exhausted), ([3, 0, 0, 0, 3], true));
    for order in ORDERS {
        assert_eq!(world.story(order).await.audit.len(), 1, "{order}");
        assert_eq!(world.order(order).await.generation, 2, "{order}");
    }
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn an_order_that_was_named_when_it_was_closed_is_reopened_and_one_that_is_closed_later_is_not()
 {
    let world = world().await;
    world.cancel("a").await;
    world.cancel("b").await;
    let named = Chosen::Named(["a", "b", "c", "d"].map(Into::into).to_vec());
    begin(&world, "o", named).await;
    world.cancel("c").await;
    // Somebody else takes b up again meanwhile, and gives it up again.
    let retry = Resolve {
        workflow_id: "b".into(),
        resolution: Resolution::ManualRetry,
        by: ann("once more"),
    };
    let retried = world.ledger.resolve(&world.policy, &retry, world.now());
    assert!(matches!(retried.await, Ok(Resolved::Done(_))));
    let park = Park::from(ann("no"));
    let parked = world
        .ledger
        .park(&"b".into(), &park, world.now())
        .await
        .unwrap();
    assert!(parked.is_some());
    world.cancel("b").await;
    let o = take(&world, "o", 0, 10).await;
    assert_eq!((counts(&o), o.exhausted), ([4, 2, 0, 0, 2], true));
    let by_ann = "it was decided before: cancelled by ann";
    let skipped = |order: &str| (order.to_owned(), false, by_ann.to_owned());
    assert_eq!(not_started(&world, "o").await, [skipped("b"), skipped("c")]);
    for (order, state) in [
        ("a", State::Failed),
        ("b", State::Resolved),
        ("c", State::Resolved),
        ("d", State::Failed),
    ] {
        assert_eq!(world.order(order).await.state, state, "{order}");
    }
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn an_order_that_comes_back_is_not_retried_by_the_same_operation() {
    let world = world().await;
    begin(&world, "o", matching(None)).await;
    take(&world, "o", 0, 1).await;
    world.restart("a", "a-1", &batch("o")).await;
    let again = super::world::failure("a", "a-1", 100);
    world.observe(&[with_status("slam_failed", again)]).await;
    world.wait(100_000);
    bury(&world, "a", "burying again").await;
    let all = take(&world, "o", 1, 10).await;
    assert_eq!(counts(&all), [5, 5, 0, 0, 0], "the others, and a as before");
    assert_eq!(world.order("a").await.state, State::DeadLettered);
    assert_eq!(counts(&learn(&world, "o").await), [5, 4, 1, 0, 0]);
}

#[tokio::test]
async fn what_operators_told_is_noted_and_an_end_stands() {
    let world = world().await;
    begin(&world, "o", matching(None)).await;
    let note = async |paused| {
        let id = OperationId::from("o");
        let noted = world.ledger.note_operation(&id, paused, world.now());
        noted.await.unwrap()
    };
    let set = async |rate| set_rate(&world, "o", rate).await;
    assert_eq!(note(true).await.status, OperationStatus::Paused);
    let slow = set(Some(0.5)).await;
    assert_eq!(
        (slow.status, slow.per_second),
        (OperationStatus::Paused, Some(0.5))
    );
    assert_eq!(note(false).await.status, OperationStatus::Running);
    assert_eq!(set(None).await.per_second, None);
    let told = AuditFilter {
        action: Some("operation_rate".into()),
        ..AuditFilter::default()
    };
    let told = world.reader.audit(&told, 10).await.unwrap();
    assert_eq!(told.len(), 2, "one event a change");
    take(&world, "o", 0, 2).await;
    let stopped = end(&world, "o", OperationEnd::Stopped).await;
    assert_eq!(stopped.status, OperationStatus::Stopped);
    assert_eq!(stopped.ended_at, Some(world.now()));
    assert_eq!(counts(&stopped), [5, 0, 0, 2, 0]);
    let left = not_started(&world, "o").await;
    assert!(left[0].2.contains("the next one does"), "{left:?}");
    world.wait(10);
    assert_eq!(end(&world, "o", OperationEnd::Completed).await, stopped);
    assert_eq!(note(true).await, stopped);
    assert_eq!(set(Some(3.0)).await, stopped);
    assert_eq!(take(&world, "o", 1, 10).await, stopped);
    let begun = world
        .ledger
        .begin_operation(&"o".into(), &"later".into(), world.now())
        .await
        .unwrap();
    assert_eq!(begun, stopped);
    // The next batch starts what was taken.
    let next = world.claim(&world.wanted("next", 1)).await.fresh;
    assert_eq!(ids(&next), ["a", "b"]);
}

#[tokio::test]
async fn an_operation_with_a_rate_of_its_own_has_a_line_of_its_own() {
    let world = world().await;
    for id in ["o", "p"] {
        begin(&world, id, matching(None)).await;
    }
    let take = async |id: &str, count| {
        let id = OperationId::from(id);
        let turns = world.ledger.operation_turns(&id, count, world.now());
        let turns = turns.await.unwrap().times();
        turns
            .map(|turn| turn.duration_since(world.now()))
            .collect::<Vec<_>>()
    };
    let millis = |millis: &[i64]| -> Vec<_> {
        let span = |ms: &i64| SignedDuration::from_millis(*ms);
        millis.iter().map(span).collect()
    };
    // At 2.5 a second turns lie 400 ms apart, and a margin of a twentieth.
    assert_eq!(take("o", 2).await, millis(&[0]), "no more at a time");
    assert_eq!(take("o", 1).await, millis(&[420]));
    assert_eq!(take("o", 1).await, millis(&[840]));
    assert_eq!(take("p", 1).await, millis(&[0]));
    let shared = world
        .ledger
        .take_turns(Limited::Starts, 21.0, 1, world.now());
    assert_eq!(shared.await.unwrap().first, world.now());
    set_rate(&world, "o", Some(0.5)).await;
    assert_eq!(take("o", 1).await, millis(&[1_260]));
    assert_eq!(take("o", 1).await, millis(&[3_360]));
    assert_eq!(take("o", 1).await, millis(&[]), "it is too far ahead");
    set_rate(&world, "o", Some(0.002)).await;
    assert_eq!(
        take("o", 1).await,
        millis(&[5_000]),
        "at another rate it comes in five seconds at most"
    );
    set_rate(&world, "o", None).await;
    world.wait(10_000);
    assert_eq!(take("o", 3).await, millis(&[0, 0, 0]));
    assert_eq!(take("o", 1).await, millis(&[0]));
}

#[tokio::test]
async fn an_operation_fails_with_its_batch_and_goes_on_with_another() {
    let world = world().await;
    begin(&world, "o", matching(None)).await;
    take(&world, "o", 0, 2).await;
    let abandoned = BatchEnd {
        abandoned: true,
        ..BatchEnd::default()
    };
    let dead = batch("o").as_str().into();
    world
        .ledger
        .finish_batch(&dead, &abandoned, world.now())
        .await
        .unwrap();
    let failed = world.reader.operation(&"o".into()).await.unwrap().unwrap();
    assert_eq!(failed.status, OperationStatus::Failed);
    assert!(failed.error.is_some() && failed.ended_at.is_some());
    assert_eq!(
        counts(&failed),
        [5, 2, 0, 0, 0],
        "what it has taken is known"
    );
    assert_eq!(end(&world, "o", OperationEnd::Completed).await, failed);
    let same = world
        .ledger
        .begin_operation(&"o".into(), &dead, world.now())
        .await
        .unwrap();
    assert_eq!(same, failed, "its batch has ended with it");
    let resumed = world
        .ledger
        .begin_operation(&"o".into(), &"second".into(), world.now())
        .await
        .unwrap();
    assert_eq!(
        (
            resumed.status,
            resumed.error,
            resumed.ended_at,
            resumed.pages
        ),
        (OperationStatus::Running, None, None, 1)
    );
    assert_eq!(counts(&take(&world, "o", 1, 10).await), [5, 5, 0, 0, 0]);
}

#[tokio::test]
async fn many_are_decided_at_once_as_one_by_one() {
    let world = world().await;
    let decide = async |resolution| {
        let orders: Vec<_> = ["a", "bystander-recovered", "b", "nobody"]
            .into_iter()
            .map(Into::into)
            .collect();
        world
            .ledger
            .resolve_many(
                &world.policy,
                &orders,
                resolution,
                &ann("lost"),
                world.now(),
            )
            .await
            .unwrap()
    };
    let first = decide(Resolution::Cancelled).await;
    let entries: Vec<_> = first
        .iter()
        .map(|one| match one {
            Resolved::Done(entry) => entry.resolution,
            _ => None,
        })
        .collect();
    let cancelled = Some(Resolution::Cancelled);
    assert_eq!(entries, [cancelled, None, cancelled, None]);
    assert_eq!(first[1], Resolved::NotDeadLettered);
    assert_eq!(first[3], Resolved::NoSuchOrder);
    world.wait(10);
    let before = world.story("a").await;
    let second = decide(Resolution::Escalated).await;
    assert!(matches!(&second[0], Resolved::Already(entry) if entry.resolution == cancelled));
    assert_eq!(world.story("a").await, before, "nothing is done twice");
    assert_eq!(world.order("b").await.state, State::Resolved);
    assert_eq!(world.order("c").await.state, State::DeadLettered);
    let waiting = DeadLetterFilter {
        resolved: Some(false),
        ..DeadLetterFilter::default()
    };
    assert_eq!(world.reader.count_dead_letters(&waiting).await.unwrap(), 5);
    world.bystanders_are_unchanged().await;
}

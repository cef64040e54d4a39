//! The reading side: lists in their order, narrowed by filters, and numbers that agree with the rows.

use jiff::Timestamp;
use redrive_core::report::VerdictKind;
use redrive_core::states::State;
use redrive_ledger::{
    AuditFilter, BatchVerdict, DeadLetterFilter, DeadLetterOrder, EligibleFilter, FailureFilter,
    GroupFilter, OrderFilter, Outcome, Overview, Resolution, Resolve, Total,
};

use super::world::{World, ann, at, failure, first_failure, run, with_status};

/// The bystanders, and: `a` waits, `b` waits with another status, `c` is in flight, `d` is a dead letter of batch `b1`.
async fn world() -> World {
    let world = World::new().await;
    let mut slam = with_status("slam_failed", failure("b", "b-0", -30));
    slam.classification.fingerprint = "fedcba9876543210".into();
    world
        .observe(&[
            first_failure("a"),
            slam,
            failure("c", "c-0", -20),
            failure("d", "d-0", -10),
        ])
        .await;
    world.open("b1").await;
    world.restart("c", "c-1", "b1").await;
    let claimed = world.claim_one("d", "b1").await;
    let refused = Outcome::ItemError {
        message: "no such queue".into(),
    };
    world.commit("b1", &claimed, refused).await;
    world
        .ledger
        .park(&"d".into(), &ann("look at it").into(), at(5))
        .await
        .unwrap();
    world.wait(60);
    world
}

/// The beginning of the quarter of an hour that the world begins in, or of one after it.
fn quarter(after: i64) -> Timestamp {
    let quarter = at(0).as_second().div_euclid(900) + after;
    Timestamp::from_second(quarter * 900).unwrap()
}

async fn orders(world: &World, filter: OrderFilter, limit: u32) -> Vec<String> {
    let orders = world.reader.orders(&filter, limit).await.unwrap();
    orders
        .iter()
        .map(|order| order.workflow_id.to_string())
        .filter(|id| !id.starts_with("bystander"))
        .collect()
}

async fn dead_letters(world: &World, filter: DeadLetterFilter) -> Vec<String> {
    let entries = world.reader.dead_letters(&filter, 0, 9).await.unwrap();
    entries
        .iter()
        .map(|entry| entry.workflow_id.to_string())
        .collect()
}

async fn total(world: &World, filter: &DeadLetterFilter) -> Total {
    world.reader.total_dead_letters(filter).await.unwrap()
}

#[tokio::test]
async fn orders_are_listed_the_latest_failure_first_and_narrowed() {
    let world = world().await;
    assert_eq!(
        orders(&world, OrderFilter::default(), 99).await,
        ["d", "c", "b", "a"]
    );
    assert_eq!(orders(&world, OrderFilter::default(), 2).await, ["d", "c"]);
    let of = |states: &[State]| OrderFilter {
        states: states.to_vec(),
        ..OrderFilter::default()
    };
    assert_eq!(orders(&world, of(&[State::Failed]), 99).await, ["b", "a"]);
    assert_eq!(
        orders(&world, of(&[State::InFlight, State::DeadLettered]), 99).await,
        ["d", "c"]
    );
    let slam = OrderFilter {
        failure_status: Some("slam_failed".into()),
        ..OrderFilter::default()
    };
    assert_eq!(orders(&world, slam.clone(), 99).await, ["b"]);
    for (group, states, found) in [
        ("fedc", vec![], vec!["b"]),
        ("0123456789abcdef", vec![State::InFlight], vec!["c"]),
        ("0123", vec![], vec!["d", "c", "a"]),
        ("0", vec![State::Recovered, State::DeadLettered], vec!["d"]),
        ("77", vec![], vec![]),
    ] {
        let filter = OrderFilter {
            group: Some(group.into()),
            states,
            ..OrderFilter::default()
        };
        assert_eq!(orders(&world, filter, 99).await, found, "{group}");
    }
    let both = OrderFilter {
        group: Some("0123".into()),
        ..slam
    };
    assert!(orders(&world, both, 99).await.is_empty());
    for (group, states, found) in [
        (None, vec![], vec!["c"]),
        (Some("0123"), vec![State::InFlight], vec!["c"]),
        (Some("fedc"), vec![], vec![]),
        (None, vec![State::Failed], vec![]),
    ] {
        let filter = OrderFilter {
            customer_id: Some("customer-of-c".into()),
            group: group.map(str::to_owned),
            states,
            ..OrderFilter::default()
        };
        assert_eq!(orders(&world, filter, 99).await, found, "{group:?}");
    }
    let before = OrderFilter {
        failed_before: Some(at(-20)),
        ..OrderFilter::default()
    };
    assert_eq!(orders(&world, before, 99).await, ["b", "a"]);
    let all = world.reader.orders(&OrderFilter::default(), 99).await;
    let all = all.unwrap();
    for (place, order) in all.iter().enumerate() {
        let next = OrderFilter {
            after: Some((order.failed_at, order.pk)),
            ..OrderFilter::default()
        };
        let rest = world.reader.orders(&next, 99).await.unwrap();
        assert_eq!(rest, all[place + 1..], "after {}", order.workflow_id);
    }
}

#[tokio::test]
async fn the_overview_counts_what_the_rows_say() {
    let world = world().await;
    let overview = world.reader.overview(at(-1)).await.unwrap();
    let expected = Overview {
        backlog: 2,
        in_flight: 1,
        claimed: 0,
        held: 0,
        dead_lettered: 2,
        left_alone: 1,
        oldest_dead_letter_at: Some(at(0)),
        recovered: 1,
        failed_again: 0,
        older_failures: 0,
    };
    assert_eq!(overview, expected);
    let window = redrive_ledger::ScanWindow {
        workflow_type: "W".into(),
        first_look_at: at(0),
        older_count: 50,
        watermark: at(0),
        swept_at: at(0),
    };
    world.ledger.save_scan_window(&window).await.unwrap();
    assert_eq!(
        world.reader.overview(at(0)).await.unwrap().older_failures,
        50
    );
    for (since, recovered) in [(at(1), 0), (at(-899), 1), (quarter(0), 1), (quarter(1), 0)] {
        let overview = world.reader.overview(since).await.unwrap();
        assert_eq!(overview.recovered, recovered, "since {since}");
    }
    let counts = world.ledger.state_counts().await.unwrap();
    assert!(counts.contains(&("dead_lettered".into(), overview.dead_lettered)));
}

#[tokio::test]
async fn failures_are_listed_with_their_orders_and_grouped() {
    let world = world().await;
    let listed = world
        .reader
        .failures(&FailureFilter::default(), 3)
        .await
        .unwrap();
    let runs: Vec<_> = listed
        .iter()
        .map(|entry| (entry.failure.run_id.as_str(), entry.state))
        .collect();
    assert_eq!(
        runs,
        [
            ("d-0", State::DeadLettered),
            ("c-0", State::InFlight),
            ("b-0", State::Failed)
        ]
    );
    let slam = FailureFilter {
        failure_status: Some("slam_failed".into()),
        group: Some("fe".into()),
        since: Some(at(-30)),
        after: None,
    };
    assert_eq!(world.reader.failures(&slam, 9).await.unwrap().len(), 1);
    let later = FailureFilter {
        since: Some(at(-29)),
        ..slam
    };
    assert!(world.reader.failures(&later, 9).await.unwrap().is_empty());
    let one = world.reader.failure(&run("b-0")).await.unwrap().unwrap();
    assert_eq!(one.order_id, "id-of-b");
    assert_eq!(world.reader.failure(&run("none")).await.unwrap(), None);

    world.observe(&[failure("c", "c-1", 50)]).await;
    let groups = world
        .reader
        .failure_groups(&GroupFilter::default(), 9)
        .await
        .unwrap();
    let told: Vec<_> = groups
        .iter()
        .map(|group| {
            (
                group.failure_status.as_str(),
                group.count,
                group.open_orders,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("shipping_failed", 6, 4),
            ("slam_failed", 1, 1),
            ("fraud_suspected", 1, 1)
        ]
    );
    assert_eq!(
        (groups[0].first_seen_at, groups[0].last_seen_at),
        (at(-60), at(50))
    );
    assert_eq!(groups[0].sample, "c-1 found no carrier");
    let found = async |since: Option<Timestamp>, search: Option<&str>| {
        let filter = GroupFilter {
            since,
            search: search.map(str::to_owned),
            ..GroupFilter::default()
        };
        world.reader.failure_groups(&filter, 9).await.unwrap()
    };
    assert_eq!(found(Some(at(0)), None).await, groups[..1]);
    for (search, matching) in [
        ("NO carrier", &groups[..]),
        ("slam_", &groups[1..2]),
        ("slam%failed", &groups[..0]),
        ("no carrier there", &groups[..0]),
    ] {
        assert_eq!(found(None, Some(search)).await, matching, "{search}");
    }
    assert!(found(Some(at(0)), Some("slam")).await.is_empty());
    // What is seen again counts once.
    world.observe(&[failure("c", "c-1", 50)]).await;
    assert_eq!(found(None, None).await, groups);

    // A group by itself, whatever its status; an order that is given up is open no more.
    let group = FailureFilter {
        group: Some("fedcba".into()),
        ..FailureFilter::default()
    };
    let listed = world.reader.failures(&group, 9).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!(listed[0].order_id, "id-of-b");
    world.cancel("d").await;
    let left = found(None, None).await;
    assert_eq!((left[0].count, left[0].open_orders), (6, 3));
    assert_eq!(left[1..], groups[1..]);
}

#[tokio::test]
async fn failures_and_groups_are_listed_in_pages() {
    let world = world().await;
    // Runs and groups that only their names tell apart.
    let mut alike = ["x", "y", "z"].map(|order| failure(order, &format!("{order}-0"), 20));
    alike[1].classification.status = "slam_failed".into();
    alike[2].classification.fingerprint = "0fedcba987654321".into();
    world.observe(&alike).await;
    for group in [None, Some("0".to_owned())] {
        let filter = FailureFilter {
            group,
            ..FailureFilter::default()
        };
        let all = world.reader.failures(&filter, 99).await.unwrap();
        assert!(all.len() > 5, "{all:?}");
        for (place, entry) in all.iter().enumerate() {
            let next = FailureFilter {
                after: Some((entry.failure.closed_at, entry.failure.run_id.clone())),
                ..filter.clone()
            };
            let rest = world.reader.failures(&next, 99).await.unwrap();
            assert_eq!(rest, all[place + 1..], "after {entry:?}");
        }
    }
    let every = GroupFilter::default();
    let all = world.reader.failure_groups(&every, 99).await.unwrap();
    assert!(all.len() > 4, "{all:?}");
    for (place, group) in all.iter().enumerate() {
        let next = GroupFilter {
            after: Some(group.place()),
            ..GroupFilter::default()
        };
        let rest = world.reader.failure_groups(&next, 99).await.unwrap();
        assert_eq!(rest, all[place + 1..], "after {group:?}");
    }
}

#[tokio::test]
async fn fingerprints_are_counted_by_how_they_begin_and_each_once() {
    let world = world().await;
    let mut seen = ["x", "y", "z"].map(|order| failure(order, &format!("{order}-0"), 20));
    seen[0].classification.fingerprint = "0fedcba987654321".into();
    seen[1].classification.fingerprint = "0fedcba900000000".into();
    seen[2].classification.status = "slam_failed".into();
    world.observe(&seen).await;
    for (beginning, most, count) in [
        ("", 9, 4),
        ("0", 9, 3),
        ("0", 3, 3),
        ("0", 2, 2),
        ("0fedcba9", 9, 2),
        ("0fedcba987654321", 9, 1),
        // Of three statuses.
        ("0123456789abcdef", 9, 1),
        ("f", 9, 1),
        ("00", 9, 0),
        ("%", 9, 0),
    ] {
        let counted = world.reader.fingerprints_beginning(beginning, most);
        assert_eq!(counted.await.unwrap(), count, "{beginning} up to {most}");
    }
}

#[tokio::test]
async fn a_group_tells_how_often_it_failed_in_each_hour() {
    let world = World::new().await;
    let hour = |hours: i64| {
        let hour = at(0).as_second().div_euclid(3_600) + hours;
        Timestamp::from_second(hour * 3_600).unwrap()
    };
    let seconds = |until: Timestamp| until.duration_since(at(0)).as_secs();
    let mut other = failure("d", "d-0", seconds(hour(1)));
    other.classification.fingerprint = "fedcba9876543210".into();
    let seen = [
        failure("a", "a-0", seconds(hour(1))),
        failure("b", "b-0", seconds(hour(2)) - 1),
        failure("c", "c-0", seconds(hour(3))),
        other,
    ];
    world.observe(&seen).await;
    // What is seen again counts once.
    world.observe(&seen).await;
    let told = async |fingerprints: &[&str], since: Timestamp| {
        let fingerprints: Vec<String> = fingerprints.iter().map(|&one| one.to_owned()).collect();
        let hours = world.reader.failure_hours(&fingerprints, since).await;
        let told = hours.unwrap().into_iter();
        told.map(|hour| (hour.hour, hour.count)).collect::<Vec<_>>()
    };
    let shipping = "0123456789abcdef";
    assert_eq!(
        told(&[shipping], hour(1)).await,
        [(hour(1), 2), (hour(3), 1)]
    );
    let later = hour(2) + jiff::SignedDuration::from_secs(60);
    assert_eq!(told(&[shipping], later).await, [(hour(3), 1)]);
    assert_eq!(
        told(&[shipping, "fedcba9876543210"], hour(1)).await,
        [(hour(1), 2), (hour(3), 1), (hour(1), 1)]
    );
    assert_eq!(told(&["fedc"], hour(0)).await, [], "a whole fingerprint");
    assert_eq!(told(&[], hour(0)).await, []);
}

#[tokio::test]
async fn a_batch_is_found_by_either_id_and_tells_each_verdict() {
    let world = world().await;
    let running = world.reader.batch("b1").await.unwrap().unwrap();
    assert_eq!(
        (running.result.restarted_count, running.result.error_count),
        (1, 1),
        "while it runs, its numbers as they stand"
    );
    world.finish("b1").await;
    let found = world.reader.batch("w-b1").await.unwrap().unwrap();
    assert_eq!(found.result.batch_id, "b1");
    assert_eq!(world.reader.batch("b0").await.unwrap(), None);
    let page = world
        .reader
        .verdicts(&"b1".into(), None, None, 1)
        .await
        .unwrap();
    let rest = world
        .reader
        .verdicts(&"b1".into(), None, Some(page[0].pk), 9)
        .await
        .unwrap();
    let told = |verdict: &BatchVerdict| {
        let reason = verdict.reason.clone();
        (
            verdict.order_id.clone(),
            verdict.verdict,
            reason,
            verdict.attempt,
        )
    };
    assert_eq!(
        [told(&page[0]), told(&rest[0])],
        [
            ("id-of-c".into(), VerdictKind::Restarted, None, Some(1)),
            (
                "id-of-d".into(),
                VerdictKind::Error,
                Some("no such queue".into()),
                None,
            ),
        ]
    );
    assert_eq!((page.len(), rest.len()), (1, 1));
    let errors = Some(VerdictKind::Error);
    let wanted = world.reader.verdicts(&"b1".into(), errors, None, 9).await;
    assert_eq!(wanted.unwrap(), rest);
    let skipped = Some(VerdictKind::Skipped);
    let wanted = world.reader.verdicts(&"b1".into(), skipped, None, 9).await;
    assert_eq!(wanted.unwrap(), []);
    let days = world.reader.daily(at(-3600)).await.unwrap();
    assert_eq!(
        (
            days[0].batches,
            days[0].restarted,
            days[0].errors,
            days.len()
        ),
        (1, 1, 1, 1)
    );
    assert_eq!(
        days[0].day,
        at(60).to_zoned_datetime(jiff::tz::TimeZone::UTC).date()
    );
    assert!(world.reader.daily(at(61)).await.unwrap().is_empty());
}

#[tokio::test]
async fn orders_that_are_due_are_listed_the_longest_due_first() {
    let world = world().await;
    let due = |statuses: &[&str], max_retries| EligibleFilter {
        failure_statuses: statuses.iter().map(|&status| status.to_owned()).collect(),
        max_retries,
        due_by: world.now(),
    };
    let all = eligible(&world, &due(&[], 5)).await;
    assert_eq!(
        all,
        ["a", "b"],
        "neither what is in flight nor what waits for a decision"
    );
    assert_eq!(eligible(&world, &due(&["slam_failed"], 5)).await, ["b"]);
    let both = due(&["shipping_failed", "slam_failed"], 5);
    assert_eq!(eligible(&world, &both).await, ["a", "b"]);
    assert!(eligible(&world, &due(&[], 0)).await.is_empty());
    let (page, total) = world.reader.eligible(&both, 1).await.unwrap();
    assert_eq!(page.len(), 1);
    assert!(matches!(total, Total::Exactly(2..)), "{total:?}");
    let nothing_yet = EligibleFilter {
        due_by: at(-3_600),
        ..both
    };
    assert!(eligible(&world, &nothing_yet).await.is_empty());

    // An operator's retry goes first, and whatever the policy says of its status.
    let retry = Resolve {
        workflow_id: "d".into(),
        resolution: Resolution::ManualRetry,
        by: ann("again"),
    };
    world
        .ledger
        .resolve(&world.policy, &retry, world.now())
        .await
        .unwrap();
    assert_eq!(eligible(&world, &due(&[], 5)).await, ["d", "a", "b"]);
    let shipping = due(&["shipping_failed"], 5);
    assert_eq!(eligible(&world, &shipping).await, ["d", "a"]);
}

async fn eligible(world: &World, filter: &EligibleFilter) -> Vec<String> {
    let (orders, _) = world.reader.eligible(filter, 99).await.unwrap();
    let ids = orders.iter().map(|order| order.workflow_id.to_string());
    ids.filter(|id| !id.starts_with("bystander")).collect()
}

/// Given the entry of `bystander-parked` that waits, and the younger one of `d` that is decided.
async fn is_listed_in_every_order(world: &World) {
    for (order, listed) in [
        (DeadLetterOrder::Oldest, vec!["bystander-parked", "d"]),
        (DeadLetterOrder::Newest, vec!["d", "bystander-parked"]),
        (DeadLetterOrder::Decided, vec!["d"]),
        (DeadLetterOrder::Retries, vec!["bystander-parked"]),
    ] {
        let mut filter = DeadLetterFilter {
            order,
            ..DeadLetterFilter::default()
        };
        assert_eq!(
            dead_letters(world, filter.clone()).await,
            listed,
            "{order:?}"
        );
        let first = world.reader.dead_letters(&filter, 0, 1).await.unwrap();
        filter.after = Some(first[0].place(order));
        assert_eq!(dead_letters(world, filter).await, listed[1..], "{order:?}");
    }
}

#[tokio::test]
async fn the_queue_is_listed_by_restarts() {
    let world = World::new().await;
    let slam = |failure| with_status("slam_failed", failure);
    let first = [
        slam(first_failure("a")),
        slam(first_failure("b")),
        first_failure("c"),
    ];
    world.observe(&first).await;
    world.open("b1").await;
    world.restart("b", "b-1", "b1").await;
    world.observe(&[slam(failure("b", "b-1", 30))]).await;
    for order in ["a", "b", "c"] {
        let park = ann("look at it").into();
        let parked = world.ledger.park(&order.into(), &park, world.now()).await;
        let retries = u32::from(order == "b");
        assert_eq!(parked.unwrap().unwrap().retry_count, retries, "{order}");
    }
    let by_retries = DeadLetterFilter {
        order: DeadLetterOrder::Retries,
        ..DeadLetterFilter::default()
    };
    let of_slam = DeadLetterFilter {
        failure_status: Some("slam_failed".into()),
        ..by_retries.clone()
    };
    let listed = ["b", "c", "a", "bystander-parked"];
    for (mut filter, listed) in [(by_retries.clone(), &listed[..]), (of_slam, &["b", "a"])] {
        assert_eq!(dead_letters(&world, filter.clone()).await, listed);
        let whole = filter.clone();
        for (offset, order) in (0..).zip(listed) {
            let page = world.reader.dead_letters(&whole, offset, 1).await.unwrap();
            let next = world.reader.dead_letters(&filter, 0, 1).await.unwrap();
            assert_eq!(page, next, "by its number and by its place");
            assert_eq!(next[0].workflow_id.as_str(), *order);
            filter.after = Some(next[0].place(filter.order));
        }
        assert_eq!(dead_letters(&world, filter).await, [""; 0]);
    }
    world.cancel("b").await;
    assert_eq!(dead_letters(&world, by_retries).await, listed[1..]);
}

#[tokio::test]
async fn the_queue_is_listed_the_oldest_first_and_narrowed() {
    let world = world().await;
    let waiting = DeadLetterFilter {
        resolved: Some(false),
        ..DeadLetterFilter::default()
    };
    assert_eq!(
        dead_letters(&world, waiting.clone()).await,
        ["bystander-parked", "d"]
    );
    let first = world.reader.dead_letters(&waiting, 0, 1).await.unwrap();
    let next = DeadLetterFilter {
        after: Some(first[0].place(DeadLetterOrder::Oldest)),
        ..waiting.clone()
    };
    assert_eq!(dead_letters(&world, next.clone()).await, ["d"]);
    let second = world.reader.dead_letters(&waiting, 1, 9).await.unwrap();
    assert_eq!(second[0].order_id, "id-of-d");
    assert_eq!(
        total(&world, &next).await,
        Total::Exactly(2),
        "whatever page it is"
    );
    let old = DeadLetterFilter {
        before: Some(at(5)),
        ..waiting.clone()
    };
    assert_eq!(dead_letters(&world, old).await, ["bystander-parked"]);
    let none = DeadLetterFilter {
        failure_status: Some("slam_failed".into()),
        ..waiting.clone()
    };
    assert!(dead_letters(&world, none).await.is_empty());
    let customer = DeadLetterFilter {
        customer_id: Some("customer-of-d".into()),
        ..waiting.clone()
    };
    assert_eq!(total(&world, &customer).await, Total::Exactly(1));
    assert_eq!(dead_letters(&world, customer).await, ["d"]);
    let group = DeadLetterFilter {
        failure_status: Some("shipping_failed".into()),
        group: Some("01".into()),
        ..waiting.clone()
    };
    assert_eq!(dead_letters(&world, group).await.len(), 2);
    for (search, found) in [
        ("id-of-d", vec!["d"]),
        ("id-of-", vec!["bystander-parked", "d"]),
        ("d", vec!["d"]),
        ("customer-of-d", vec!["d"]),
        ("customer-of-", vec![]),
        ("%", vec![]),
    ] {
        let search = DeadLetterFilter {
            search: Some(search.into()),
            ..waiting.clone()
        };
        assert_eq!(
            dead_letters(&world, search.clone()).await,
            found,
            "{search:?}"
        );
        let counted = Total::Exactly(found.len() as u64);
        assert_eq!(total(&world, &search).await, counted, "{search:?}");
    }
    let beginning = async |prefix: &str| world.reader.orders_beginning(prefix).await.unwrap();
    assert_eq!(beginning("id-of-d").await, Total::Exactly(1));
    assert_eq!(beginning("nobody").await, Total::Exactly(0));

    world.cancel("d").await;
    assert_eq!(dead_letters(&world, waiting).await, ["bystander-parked"]);
    let decided = DeadLetterFilter {
        resolved: Some(true),
        ..DeadLetterFilter::default()
    };
    assert_eq!(total(&world, &decided).await, Total::Exactly(1));
    assert_eq!(dead_letters(&world, decided).await, ["d"]);
    is_listed_in_every_order(&world).await;
    let stats = world.reader.dead_letter_stats().await.unwrap();
    assert_eq!(
        (
            stats.total_entries,
            stats.unresolved_count,
            stats.resolved_count
        ),
        (2, 1, 1)
    );
    assert_eq!(stats.by_failure_status, [("shipping_failed".into(), 1)]);
    assert_eq!(stats.by_resolution, [(Resolution::Cancelled, 1)]);
    assert_eq!(
        (stats.average_retries, stats.oldest_unresolved_at),
        (0.0, Some(at(0)))
    );
}

#[tokio::test]
async fn the_audit_trail_is_listed_the_latest_first_and_narrowed() {
    let world = world().await;
    let bob = redrive_ledger::NewAuditEvent {
        actor: "bob".into(),
        reason: "carrier down".into(),
    };
    world.ledger.halt(&bob, world.now()).await.unwrap();
    let all = world
        .reader
        .audit(&AuditFilter::default(), 9)
        .await
        .unwrap();
    let told: Vec<_> = all
        .iter()
        .map(|row| {
            (
                row.actor.as_str(),
                row.action.as_str(),
                row.order_id.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("bob", "halt", None),
            ("ann", "park", Some("id-of-d")),
            ("ann", "park", Some("id-of-bystander-parked"))
        ]
    );
    let ann = AuditFilter {
        actor: Some("ann".into()),
        action: Some("park".into()),
        since: Some(at(5)),
        after: None,
    };
    assert_eq!(world.reader.audit(&ann, 9).await.unwrap(), all[1..2]);
    for (place, row) in all.iter().enumerate() {
        let next = AuditFilter {
            after: Some((row.at, row.id)),
            ..AuditFilter::default()
        };
        let rest = world.reader.audit(&next, 9).await.unwrap();
        assert_eq!(rest, all[place + 1..], "after {row:?}");
    }
}

#[tokio::test]
async fn a_check_up_learns_where_it_belongs_and_what_could_be_lost() {
    let world = world().await;
    assert_eq!(world.reader.home().await.unwrap(), None);
    world.ledger.bind(&world.home).await.unwrap();
    assert_eq!(world.reader.home().await.unwrap(), Some(world.home.clone()));
    assert_eq!(
        world.reader.waiting_by_status().await.unwrap(),
        [
            ("fraud_suspected".into(), 1),
            ("shipping_failed".into(), 1),
            ("slam_failed".into(), 1)
        ]
    );
    assert_eq!(world.reader.without_start_request(at(99)).await.unwrap(), 0);
    let forgetful = World::with_policy(redrive_core::policy::Policy {
        keep_start_requests: false,
        ..redrive_core::policy::Policy::default()
    })
    .await;
    forgetful
        .observe(&[first_failure("a"), failure("b", "b-0", 20)])
        .await;
    let lost = async |before| {
        forgetful
            .reader
            .without_start_request(before)
            .await
            .unwrap()
    };
    let bystanders = 2;
    assert_eq!(
        (lost(at(0)).await, lost(at(21)).await),
        (bystanders + 1, bystanders + 2)
    );
}

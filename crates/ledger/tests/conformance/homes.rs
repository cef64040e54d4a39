//! Where the ledger belongs, its policy, and how far it has scanned.

use redrive_core::ids::Home;
use redrive_core::policy::{Policy, StatusPolicy};
use redrive_ledger::{LedgerError, ScanWindow};

use super::world::{World, at, first_failure, run, with_status};

#[tokio::test]
async fn a_ledger_belongs_to_the_first_home_it_is_bound_to() {
    let world = World::new().await;
    world.ledger.bind(&world.home).await.unwrap();
    world.ledger.bind(&world.home).await.unwrap();
    for other in [
        Home {
            namespace: "other".into(),
            ..world.home.clone()
        },
        Home {
            cluster_id: "other".into(),
            ..world.home.clone()
        },
    ] {
        let refused = world.ledger.bind(&other).await.unwrap_err();
        assert!(
            matches!(refused, LedgerError::OtherHome { .. }),
            "{refused}"
        );
    }
    world.ledger.bind(&world.home).await.unwrap();
}

#[tokio::test]
async fn a_changed_policy_changes_whose_turn_it_is() {
    let world = World::new().await;
    let child = redrive_ledger::Failure {
        has_parent: true,
        ..first_failure("child")
    };
    let fraud = with_status("fraud_suspected", first_failure("fraud"));
    world.observe(&[first_failure("a"), fraud, child]).await;
    // The ledger has not seen a policy yet; the orders stand as this one wants them.
    assert_eq!(world.ledger.apply_policy(&world.policy).await.unwrap(), 0);

    let mut wider = Policy {
        restart_children: true,
        ..world.policy.clone()
    };
    wider.statuses.insert(
        "fraud_suspected".into(),
        StatusPolicy {
            reprocess: true,
            ..Default::default()
        },
    );
    // `fraud`, `child` and the bystander that was ignored.
    assert_eq!(world.ledger.apply_policy(&wider).await.unwrap(), 3);
    assert_eq!(world.ledger.apply_policy(&wider).await.unwrap(), 0);
    for order in ["a", "fraud", "child"] {
        assert!(world.order(order).await.eligible, "{order}");
    }

    assert_eq!(world.ledger.apply_policy(&world.policy).await.unwrap(), 3);
    assert!(!world.order("fraud").await.eligible);
    assert!(!world.order("child").await.eligible);
    assert!(world.order("a").await.eligible);
    world.bystanders_are_unchanged().await;
}

#[tokio::test]
async fn what_an_old_policy_writes_after_a_new_one_was_applied_is_brought_in_line_by_the_next_to_start()
 {
    let world = World::new().await;
    let mut new = world.policy.clone();
    new.statuses.insert(
        "fraud_suspected".into(),
        StatusPolicy {
            reprocess: true,
            ..Default::default()
        },
    );
    let applied = async |policy: &Policy| world.ledger.apply_policy(policy).await.unwrap();
    applied(&new).await;
    // A worker that has the old policy scans.
    let fraud = with_status("fraud_suspected", first_failure("fraud"));
    world.observe(&[fraud]).await;
    assert!(!world.order("fraud").await.eligible);
    assert_eq!(applied(&new).await, 1, "that worker has the new one now");
    assert!(world.order("fraud").await.eligible);
    assert_eq!(applied(&new).await, 0);
    assert_eq!(applied(&world.policy).await, 2, "and the bystander");
    world.bystanders_are_unchanged().await;
}

fn window(workflow_type: &str, watermark: i64, swept: i64) -> ScanWindow {
    ScanWindow {
        workflow_type: workflow_type.into(),
        first_look_at: at(-86_400),
        older_count: 3,
        watermark: at(watermark),
        swept_at: at(swept),
    }
}

#[tokio::test]
async fn a_watermark_never_goes_back() {
    let world = World::new().await;
    let read = async |workflow_type: &str| world.ledger.scan_window(workflow_type).await.unwrap();
    assert_eq!(read("A").await, None);
    world
        .ledger
        .save_scan_window(&window("A", 100, 50))
        .await
        .unwrap();
    world
        .ledger
        .save_scan_window(&window("B", 7, 7))
        .await
        .unwrap();
    assert_eq!(read("A").await, Some(window("A", 100, 50)));
    world
        .ledger
        .save_scan_window(&window("A", 90, 60))
        .await
        .unwrap();
    assert_eq!(read("A").await, Some(window("A", 100, 60)));
    world
        .ledger
        .save_scan_window(&window("A", 110, 55))
        .await
        .unwrap();
    assert_eq!(read("A").await, Some(window("A", 110, 60)));
    assert_eq!(read("B").await, Some(window("B", 7, 7)));
}

#[tokio::test]
async fn what_a_clock_that_went_wrong_has_noted_of_scans_goes_back() {
    let world = World::new().await;
    for noted in [
        window("A", 9_000, 50),
        window("A", 100, 9_000),
        window("A", 110, 40),
    ] {
        world.ledger.save_scan_window(&noted).await.unwrap();
    }
    let kept = world.ledger.scan_window("A").await.unwrap();
    assert_eq!(kept, Some(window("A", 110, 40)));
}

#[tokio::test]
async fn who_has_looked_back_furthest_says_how_much_is_older() {
    let world = World::new().await;
    let known = window("A", 100, 50);
    let further = ScanWindow {
        first_look_at: at(-90_000),
        older_count: 1,
        ..known.clone()
    };
    // A scan that began before somebody took older failures in saves what it knew then.
    for window in [&known, &further, &known] {
        world.ledger.save_scan_window(window).await.unwrap();
    }
    let kept = world.ledger.scan_window("A").await.unwrap();
    assert_eq!(kept, Some(further));
}

#[tokio::test]
async fn runs_are_unknown_until_they_are_observed() {
    let world = World::new().await;
    let runs = ["z-0", "a-0", "q-0"].map(run);
    assert_eq!(world.ledger.unknown_runs(&runs).await.unwrap(), runs);
    world.observe(&[first_failure("a")]).await;
    assert_eq!(
        world.ledger.unknown_runs(&runs).await.unwrap(),
        ["z-0", "q-0"].map(run)
    );
    assert!(world.ledger.unknown_runs(&[]).await.unwrap().is_empty());
}

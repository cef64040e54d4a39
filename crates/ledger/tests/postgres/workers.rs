//! Several workers at once, each with connections of its own: nothing is done twice, lost, or counted wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use redrive_core::ids::BatchId;
use redrive_ledger::{
    Act, BatchEnd, ClaimRequest, ClaimedOrder, Commit, Committed, GroupFilter, Ledger, LedgerError,
    Limited, Outcome, SqlLedger,
};
use redrive_test_postgres::Database;

use crate::conformance::world::{World, ann, first_failure, made, run};
use crate::factory;

/// A world on a server, and as many workers as are asked for beside it.
async fn workers(count: usize) -> (Database, World, Vec<Arc<SqlLedger>>) {
    let database = Database::new().await;
    let ledger = Arc::new(factory::open(&database).await);
    let world = World::on(Default::default(), made(&ledger, ())).await;
    let mut workers = Vec::new();
    for _ in 0..count {
        workers.push(Arc::new(factory::open(&database).await));
    }
    (database, world, workers)
}

async fn fail(world: &World, count: usize) {
    let failures: Vec<_> = (0..count)
        .map(|n| first_failure(&format!("o{n:04}")))
        .collect();
    world.observe(&failures).await;
}

/// What a worker claims, chunk by chunk, until one gets less than it asked for.
async fn claim_all(
    ledger: Arc<SqlLedger>,
    world: &World,
    batch: &str,
    first_chunk: u32,
    limit: u32,
) -> Vec<ClaimedOrder> {
    let mut all = Vec::new();
    for chunk in first_chunk.. {
        let request = ClaimRequest {
            limit,
            ..world.wanted(batch, chunk)
        };
        let claimed = ledger
            .claim(&world.policy, &world.home, &request, world.moment())
            .await
            .unwrap();
        let got = claimed.fresh.len();
        all.extend(claimed.fresh);
        if got < limit as usize {
            return all;
        }
    }
    all
}

fn restarted(order: &ClaimedOrder) -> Commit {
    Commit {
        pk: order.pk,
        fence: order.fence,
        outcome: Outcome::Restarted(run(&format!("{}-1", order.workflow_id))),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn chunks_of_one_batch_share_the_orders_and_none_stops_short() {
    let (_database, world, workers) = workers(4).await;
    fail(&world, 500).await;
    world.open("b1").await;
    let claims = workers.iter().enumerate().map(|(n, worker)| {
        let first_chunk = u32::try_from(n).unwrap() * 1_000;
        claim_all(Arc::clone(worker), &world, "b1", first_chunk, 7)
    });
    let claimed: Vec<ClaimedOrder> = futures::future::join_all(claims).await.concat();
    let orders: BTreeSet<i64> = claimed.iter().map(|order| order.pk).collect();
    assert_eq!((claimed.len(), orders.len()), (500, 500));
    world.bystanders_are_unchanged().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_batches_at_once_never_touch_the_same_order() {
    let (_database, world, workers) = workers(2).await;
    fail(&world, 400).await;
    for batch in ["b1", "b2"] {
        world.open(batch).await;
    }
    let (one, two) = tokio::join!(
        claim_all(Arc::clone(&workers[0]), &world, "b1", 0, 20),
        claim_all(Arc::clone(&workers[1]), &world, "b2", 0, 20),
    );
    let keys = |orders: &[ClaimedOrder]| orders.iter().map(|o| o.pk).collect::<BTreeSet<_>>();
    assert!(keys(&one).is_disjoint(&keys(&two)));
    assert_eq!(one.len() + two.len(), 400);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn scans_that_meet_observe_each_run_once() {
    let (_database, world, workers) = workers(4).await;
    let failures: Vec<_> = (0..200).map(|n| first_failure(&format!("o{n}"))).collect();
    let (failures, batch) = (&failures, &BatchId::from("b1"));
    let scans = workers
        .iter()
        .map(|worker| worker.observe(&world.policy, batch, failures, world.moment()));
    let seen = futures::future::join_all(scans).await;
    let new: Vec<u64> = seen
        .into_iter()
        .map(|sum| sum.unwrap().new_orders)
        .collect();
    assert_eq!(new.iter().sum::<u64>(), 200, "{new:?}");
    let group = &world
        .reader
        .failure_groups(&GroupFilter::default(), 9)
        .await
        .unwrap()[0];
    assert_eq!(group.count, 202, "with two bystanders");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_batch_that_is_finished_meanwhile_counts_what_was_committed_and_no_more() {
    let (_database, world, workers) = workers(4).await;
    fail(&world, 200).await;
    world.open("b1").await;
    let claimed = claim_all(Arc::clone(&workers[0]), &world, "b1", 1, 200).await;
    assert_eq!(claimed.len(), 200);
    let (policy, batch) = (&world.policy, &BatchId::from("b1"));
    let commits = claimed.chunks(5).enumerate().map(|(n, orders)| {
        let worker = Arc::clone(&workers[n % 4]);
        let commits: Vec<Commit> = orders.iter().map(restarted).collect();
        let moment = world.moment();
        async move {
            worker
                .commit(policy, batch, 1, &commits, moment)
                .await
                .unwrap()
        }
    });
    let end = BatchEnd::default();
    let finish = workers[3].finish_batch(batch, &end, world.now());
    let (committed, row) = tokio::join!(futures::future::join_all(commits), finish);
    let done = committed.concat();
    let done = done.iter().filter(|one| **one == Committed::Done).count();
    assert_eq!(row.unwrap().result.restarted_count as usize, done);
    let stories = world.ledger.stories_after(None, 999).await.unwrap();
    let verdicts = stories.iter().flat_map(|story| &story.verdicts);
    assert_eq!(verdicts.filter(|said| said.0 == *batch).count(), done);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn counters_add_up_whoever_writes() {
    let (_database, world, workers) = workers(4).await;
    fail(&world, 120).await;
    world.open("b1").await;
    let claimed = claim_all(Arc::clone(&workers[0]), &world, "b1", 1, 100).await;
    let (policy, batch) = (&world.policy, &BatchId::from("b1"));
    let commits = claimed.iter().enumerate().map(|(n, order)| {
        let worker = Arc::clone(&workers[n % 4]);
        let moment = world.moment();
        let commit = [restarted(order)];
        async move {
            worker
                .commit(policy, batch, 1, &commit, moment)
                .await
                .unwrap()
        }
    });
    let park = ann("look at it").into();
    let parks = (0..120).map(|n| {
        let worker = Arc::clone(&workers[n % 4]);
        let (park, now) = (&park, world.now());
        async move {
            let order = format!("o{n:04}").as_str().into();
            worker.park(&order, park, now).await.unwrap()
        }
    });
    let (_, parked) = tokio::join!(
        futures::future::join_all(commits),
        futures::future::join_all(parks)
    );
    let parked = parked.into_iter().flatten().count() as u64;
    for finished in [false, true] {
        // Finishing a batch adds the counters' rows up.
        if finished {
            world.finish("b1").await;
        }
        let overview = world.reader.overview(world.now()).await.unwrap();
        let counted: BTreeMap<String, u64> = world
            .ledger
            .state_counts()
            .await
            .unwrap()
            .into_iter()
            .collect();
        assert_eq!(overview.in_flight, counted["in_flight"]);
        assert_eq!(overview.dead_lettered, counted["dead_lettered"]);
        assert_eq!(overview.dead_lettered, parked + 1, "with a bystander");
        let stats = world.reader.dead_letter_stats().await.unwrap();
        assert_eq!(stats.unresolved_count, parked + 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn operators_and_a_scan_that_lock_the_same_orders_both_get_through() {
    let (_database, world, workers) = workers(4).await;
    fail(&world, 60).await;
    let by = ann("wait for the carrier");
    let names: Vec<String> = (0..60).map(|n| format!("o{n:04}")).collect();
    let acts = names.iter().enumerate().map(|(n, order)| {
        let worker = Arc::clone(&workers[n % 3]);
        let (by, policy, now) = (&by, &world.policy, world.now());
        async move {
            worker
                .act(policy, &order.as_str().into(), Act::Hold, by, now)
                .await
        }
    });
    let again: Vec<_> = (names.iter().rev())
        .map(|order| crate::conformance::world::failure(order, &format!("{order}-by-hand"), -30))
        .collect();
    let batch = BatchId::from("scan");
    let scan = workers[3].observe(&world.policy, &batch, &again, world.moment());
    let (acted, seen) = tokio::join!(futures::future::join_all(acts), scan);
    assert_eq!(seen.unwrap().new_failures, 60);
    for acted in acted {
        acted.unwrap();
    }
}

#[tokio::test]
async fn a_batch_that_has_ended_is_refused_by_every_worker() {
    let (_database, world, workers) = workers(1).await;
    fail(&world, 1).await;
    world.open("b1").await;
    world.finish("b1").await;
    let refused = workers[0]
        .claim(
            &world.policy,
            &world.home,
            &world.wanted("b1", 1),
            world.moment(),
        )
        .await;
    assert!(matches!(refused, Err(LedgerError::BatchEnded(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_line_of_turns_is_one_for_all_workers() {
    let (_database, world, workers) = workers(4).await;
    // At 21 a second turns lie 50 ms apart.
    let turns = (0..40).map(|n| {
        let worker = Arc::clone(&workers[n % 4]);
        let now = world.now();
        async move {
            let turns = worker.take_turns(Limited::Starts, 21.0, 2, now);
            turns.await.unwrap().times().collect::<Vec<_>>()
        }
    });
    let turns = futures::future::join_all(turns).await;
    let turns: BTreeSet<_> = turns.into_iter().flatten().collect();
    assert_eq!(turns.len(), 80, "no turn was given twice");
    let (first, last) = (turns.first().unwrap(), turns.last().unwrap());
    assert_eq!(last.as_millisecond() - first.as_millisecond(), 79 * 50);
}

//! Making a plan from a seed: fixed shares of each class, dealt to the orders by the seed.

use std::collections::BTreeMap;

use rand::{Rng, SeedableRng, rngs::StdRng, seq::SliceRandom};

use super::{Class, FaultPlan, PlannedOrder, Window};
use crate::Stage;

/// Percent of the orders in each class that fails; the rest succeeds at once.
const SHARES: [(Kind, usize); 6] = [
    (Kind::Transient, 14),
    (Kind::Outage, 8),
    (Kind::Poison, 5),
    (Kind::RetryPolicy, 5),
    (Kind::Slow, 4),
    (Kind::ContinuesAsNew, 4),
];

/// Fewer than the default budget of five retries, so that a transient order recovers.
const MOST_TRANSIENT_RUNS: u32 = 3;

/// Long beside the tenth of a second that an order takes on an idle server, so that a restart on a busy one is not
/// timed out too; short for who waits for it.
const SLOW_RUN_TIMEOUT_MS: u64 = 6_000;

/// The carrier is down from the start, and longer than 300 orders take to get to it (16 s on two cores).
const OUTAGE: Window = Window::Between {
    from_ms: 0,
    until_ms: 20_000,
};

/// Where something happens now and then; the carrier has its outage.
const TROUBLED: [Stage; 5] = [
    Stage::Validation,
    Stage::Planning,
    Stage::WesExecution,
    Stage::Slam,
    Stage::Sortation,
];

#[derive(Clone, Copy)]
enum Kind {
    Smooth,
    Transient,
    Outage,
    Poison,
    Slow,
    RetryPolicy,
    ContinuesAsNew,
}

pub(super) fn order_id(seed: u64, n: usize) -> String {
    format!("ORD-{seed}-{n:05}")
}

pub(super) fn plan(seed: u64, orders: usize) -> FaultPlan {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut kinds = kinds(orders);
    kinds.shuffle(&mut rng);
    let orders = kinds
        .into_iter()
        .enumerate()
        .map(|(n, kind)| PlannedOrder {
            order_id: order_id(seed, n),
            class: class(kind, &mut rng),
        })
        .collect();
    FaultPlan {
        seed,
        outages: BTreeMap::from([(Stage::Shipping, OUTAGE)]),
        orders,
    }
}

/// Rounded up, so that even a small plan has every class.
fn kinds(orders: usize) -> Vec<Kind> {
    let failing = SHARES
        .iter()
        .flat_map(|(kind, percent)| vec![*kind; (orders * percent).div_ceil(100)]);
    failing
        .chain(std::iter::repeat(Kind::Smooth))
        .take(orders)
        .collect()
}

fn class(kind: Kind, rng: &mut StdRng) -> Class {
    let stage = TROUBLED[rng.random_range(0..TROUBLED.len())];
    match kind {
        Kind::Smooth => Class::Smooth,
        Kind::Transient => Class::Transient {
            stage,
            runs: rng.random_range(1..=MOST_TRANSIENT_RUNS),
        },
        Kind::Outage => Class::Outage {
            stage: Stage::Shipping,
        },
        Kind::Poison => Class::Poison { stage },
        Kind::Slow => Class::Slow {
            stage,
            run_timeout_ms: SLOW_RUN_TIMEOUT_MS,
        },
        Kind::RetryPolicy => retry_policy(stage, rng),
        Kind::ContinuesAsNew => Class::ContinuesAsNew {
            stage: stage.max(Stage::WesExecution),
        },
    }
}

/// As many failing runs as attempts exhaust the chain; fewer recover in it.
fn retry_policy(stage: Stage, rng: &mut StdRng) -> Class {
    let maximum_attempts = rng.random_range(2..=3);
    Class::RetryPolicy {
        stage,
        runs: rng.random_range(1..=maximum_attempts),
        maximum_attempts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(plan: &FaultPlan) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for order in &plan.orders {
            *counts.entry(order.class.name()).or_default() += 1;
        }
        counts
    }

    #[test]
    fn the_same_seed_gives_the_same_plan() {
        assert_eq!(plan(7, 300), plan(7, 300));
        assert_ne!(plan(7, 300).orders, plan(8, 300).orders);
    }

    #[test]
    fn three_hundred_orders_have_the_shares() {
        let expected = BTreeMap::from([
            ("smooth", 180),
            ("transient", 42),
            ("outage", 24),
            ("poison", 15),
            ("retry_policy", 15),
            ("slow", 12),
            ("continues_as_new", 12),
        ]);
        for seed in 1..=10 {
            assert_eq!(count(&plan(seed, 300)), expected);
        }
    }

    #[test]
    fn a_small_plan_has_every_class() {
        assert_eq!(count(&plan(1, 20)).len(), 7);
        assert_eq!(plan(1, 0).orders, []);
        assert_eq!(plan(1, 3).orders.len(), 3);
    }

    #[test]
    fn some_retry_policies_recover_and_some_exhaust() {
        let exhausting = |class: &Class| match class {
            Class::RetryPolicy {
                runs,
                maximum_attempts,
                ..
            } => Some(runs == maximum_attempts),
            _ => None,
        };
        let plan = plan(7, 300);
        let ends: Vec<bool> = plan
            .orders
            .iter()
            .filter_map(|order| exhausting(&order.class))
            .collect();
        assert!(ends.contains(&true) && ends.contains(&false));
    }

    #[test]
    fn orders_that_continue_as_new_fail_after_planning() {
        for order in plan(7, 1000).orders {
            if let Class::ContinuesAsNew { stage } = order.class {
                assert!(stage > Stage::Planning);
            }
        }
    }

    #[test]
    fn survives_json() {
        let plan = plan(7, 50);
        let json = serde_json::to_string(&plan).unwrap();
        assert_eq!(serde_json::from_str::<FaultPlan>(&json).unwrap(), plan);
    }
}

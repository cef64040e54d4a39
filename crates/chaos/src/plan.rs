//! What a seed fixes: the orders and their faults, and which of them an operator lays hands on, how and when.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use redrive_fulfillment::{Class, FaultPlan, PlannedOrder, Stage};

use crate::settings::MAX_RETRIES;

/// What an operator does to an order of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Act {
    /// Starts it by hand, once a run of it has failed.
    StartByHand,
    /// Terminates a restart of it while it runs.
    Terminate,
    /// Cancels a restart of it while it runs.
    Cancel,
    /// Resets its latest run, running or failed.
    Reset,
    /// Retries its dead letter.
    RetryDeadLetter,
    /// Cancels its dead letter.
    CancelDeadLetter,
}

impl Act {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::StartByHand,
        Self::Terminate,
        Self::Cancel,
        Self::Reset,
        Self::RetryDeadLetter,
        Self::CancelDeadLetter,
    ];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::StartByHand => "start by hand",
            Self::Terminate => "terminate",
            Self::Cancel => "cancel",
            Self::Reset => "reset",
            Self::RetryDeadLetter => "dlq retry",
            Self::CancelDeadLetter => "dlq cancel",
        }
    }

    /// Whether its orders run until the operator ends them.
    pub const fn is_held(self) -> bool {
        matches!(self, Self::Terminate | Self::Cancel)
    }

    /// The faults of an order that is to come into that operator's hands.
    fn class(self, stage: Stage) -> Class {
        match self {
            Self::StartByHand | Self::Reset => Class::Transient {
                stage,
                runs: MAX_RETRIES,
            },
            Self::Terminate | Self::Cancel => Class::Transient { stage, runs: 1 },
            Self::RetryDeadLetter => Class::Transient {
                stage,
                runs: MAX_RETRIES + 1,
            },
            Self::CancelDeadLetter => Class::Poison { stage },
        }
    }
}

/// One thing that an operator does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Deed {
    /// What.
    pub act: Act,
    /// To which order.
    pub order: PlannedOrder,
    /// Not before so long after the storm's beginning.
    pub after: Duration,
}

/// Everything that the seed fixes but for deaths and sizes of batches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The orders: each fails at least once.
    pub faults: FaultPlan,
    /// The operators' deeds, each on an order of its own, which are among the plan's orders too.
    pub deeds: Vec<Deed>,
    /// When every start is halted, and for how long.
    pub halts: Vec<(Duration, Duration)>,
}

/// Orders an act: one in so many.
const ORDERS_AN_ACT: usize = 100;
/// Within so long the operators begin: while the orders still fail.
const DEEDS_WITHIN_MS: u64 = 15_000;
/// So often every start is halted.
const HALTS: u64 = 2;
/// The time in which a slow order's first run gives up.
const SLOW_MS: u64 = 4_000;
/// The same where the server is killed: a run whose answer died with it is asked again after ten seconds, and must not have
/// timed out by then.
const SLOW_IN_OUTAGES_MS: u64 = 25_000;
/// Where something goes wrong; held orders wait at the last stage.
const TROUBLED: [Stage; 5] = [
    Stage::Validation,
    Stage::Planning,
    Stage::WesExecution,
    Stage::Slam,
    Stage::Sortation,
];

impl Plan {
    /// A plan of so many orders, and those of the operators beside them.
    pub fn new(seed: u64, orders: usize, outages: bool) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let slow_ms = if outages { SLOW_IN_OUTAGES_MS } else { SLOW_MS };
        let plain = (0..orders).map(|number| PlannedOrder {
            order_id: format!("ORD-{seed}-{number:05}"),
            class: class(&mut rng, slow_ms),
        });
        let mut all: Vec<_> = plain.collect();
        let deeds = deeds(seed, orders.div_ceil(ORDERS_AN_ACT), &mut rng);
        all.extend(deeds.iter().map(|deed| deed.order.clone()));
        all.shuffle(&mut rng);
        let halts = (0..HALTS)
            .map(|number| {
                let at = Duration::from_millis(rng.random_range(5_000..15_000) + number * 15_000);
                (at, Duration::from_millis(rng.random_range(1_500..3_000)))
            })
            .collect();
        Self {
            faults: FaultPlan {
                seed,
                outages: BTreeMap::new(),
                orders: all,
            },
            deeds,
            halts,
        }
    }

    /// The deed on an order, if there is one.
    pub fn deed_on(&self, order_id: &str) -> Option<&Deed> {
        self.deeds
            .iter()
            .find(|deed| deed.order.order_id == order_id)
    }
}

fn deeds(seed: u64, each: usize, rng: &mut StdRng) -> Vec<Deed> {
    let acts = Act::ALL.into_iter().flat_map(|act| vec![act; each]);
    acts.enumerate()
        .map(|(number, act)| Deed {
            act,
            order: PlannedOrder {
                order_id: format!("OPS-{seed}-{number:03}"),
                class: act.class(stage(rng)),
            },
            after: Duration::from_millis(rng.random_range(0..DEEDS_WITHIN_MS)),
        })
        .collect()
}

/// In a hundred: 76 fail one to three times, 8 always, 6 exhaust their own retry policy first, 5 fail after they continued
/// as new, 5 run into their timeout.
fn class(rng: &mut StdRng, slow_ms: u64) -> Class {
    let stage = stage(rng);
    match rng.random_range(0..100) {
        0..46 => Class::Transient { stage, runs: 1 },
        46..66 => Class::Transient { stage, runs: 2 },
        66..76 => Class::Transient { stage, runs: 3 },
        76..84 => Class::Poison { stage },
        84..90 => Class::RetryPolicy {
            stage,
            runs: 2,
            maximum_attempts: 2,
        },
        90..95 => Class::ContinuesAsNew {
            stage: stage.max(Stage::WesExecution),
        },
        _ => Class::Slow {
            stage,
            run_timeout_ms: slow_ms,
        },
    }
}

fn stage(rng: &mut StdRng) -> Stage {
    TROUBLED[rng.random_range(0..TROUBLED.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_fixes_the_plan() {
        assert_eq!(Plan::new(3, 100, false), Plan::new(3, 100, false));
        assert_ne!(
            Plan::new(3, 100, false).faults.orders,
            Plan::new(4, 100, false).faults.orders
        );
    }

    #[test]
    fn every_act_has_orders_of_its_own() {
        let plan = Plan::new(1, 500, false);
        assert_eq!(plan.faults.orders.len(), 500 + 6 * 5);
        for act in Act::ALL {
            assert_eq!(plan.deeds.iter().filter(|deed| deed.act == act).count(), 5);
        }
        assert!(Plan::new(1, 40, false).deeds.len() == 6);
    }

    #[test]
    fn no_order_succeeds_at_once() {
        let plan = Plan::new(5, 500, false);
        assert!(
            plan.faults
                .orders
                .iter()
                .all(|order| order.class != Class::Smooth)
        );
    }
}

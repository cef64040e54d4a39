//! The fault plan: which orders shall fail, where, how often. Data, and pure functions over it.
//!
//! *Class*: what is to become of an order. *Failed run*: a run that the warehouse refused at least once; a
//! run of a retry policy's chain is a run of its own. *Window*: when an outage lasts, counted from the plan's start.

mod seeded;
mod verdict;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{OrderInput, Stage, order};

pub(crate) use verdict::{RunStory, Verdict};

/// What every order is in for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FaultPlan {
    /// What the plan was made from; the orders' payloads follow from it too.
    pub seed: u64,
    /// When the stages of [`Class::Outage`] are down.
    pub outages: BTreeMap<Stage, Window>,
    /// The orders, in the order in which they are started.
    pub orders: Vec<PlannedOrder>,
}

/// One order of the plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedOrder {
    /// The order's id.
    pub order_id: String,
    /// What it is in for.
    pub class: Class,
}

/// What is to become of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Class {
    /// Succeeds at once.
    Smooth,
    /// Fails at `stage` in its first `runs` runs, then succeeds.
    Transient {
        /// Where.
        stage: Stage,
        /// How often.
        runs: u32,
    },
    /// Fails at `stage` as long as the plan's outage of that stage lasts.
    Outage {
        /// Where.
        stage: Stage,
    },
    /// Fails at `stage` always.
    Poison {
        /// Where.
        stage: Stage,
    },
    /// Hangs at `stage` in its first run until its run timeout, then succeeds.
    Slow {
        /// Where.
        stage: Stage,
        /// The run timeout it is started with.
        run_timeout_ms: u64,
    },
    /// Started with a workflow retry policy; fails at `stage` in its first `runs` runs. With fewer than
    /// `maximum_attempts` it recovers in its own chain; else the chain fails, and a restart succeeds.
    RetryPolicy {
        /// Where.
        stage: Stage,
        /// How often.
        runs: u32,
        /// The retry policy's maximum attempts.
        maximum_attempts: u32,
    },
    /// Continues as new after planning, then fails at `stage` once, then succeeds.
    ContinuesAsNew {
        /// Where: a stage after planning.
        stage: Stage,
    },
}

/// How an order of a class ends when everything that watches over it works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expected {
    /// Its latest run completes.
    Completes,
    /// It is given up and waits for a person.
    DeadLetter,
}

/// When an outage lasts. Releasing the stage (`Warehouse::release`) ends either at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Window {
    /// From one moment to another, in milliseconds after the plan's start.
    Between {
        /// The first millisecond down.
        from_ms: u64,
        /// The first millisecond up again.
        until_ms: u64,
    },
    /// From the plan's start until the stage is released.
    UntilReleased,
}

impl FaultPlan {
    /// A plan for `orders` orders. About 60% succeed at once; the rest is spread over the other classes in fixed
    /// shares; the seed decides which order is of which class, and where and how often it fails.
    #[must_use]
    pub fn seeded(seed: u64, orders: usize) -> Self {
        seeded::plan(seed, orders)
    }

    /// A plan whose orders all succeed at once.
    #[must_use]
    pub fn smooth(seed: u64, orders: usize) -> Self {
        Self::uniform(seed, orders, &Class::Smooth)
    }

    /// A plan whose orders are all of one class, without an outage window.
    #[must_use]
    pub fn uniform(seed: u64, orders: usize, class: &Class) -> Self {
        let orders = (0..orders)
            .map(|n| PlannedOrder {
                order_id: seeded::order_id(seed, n),
                class: class.clone(),
            })
            .collect();
        Self {
            seed,
            outages: BTreeMap::new(),
            orders,
        }
    }

    /// The same plan with another window for the outage of `stage`.
    #[must_use]
    pub fn with_outage(mut self, stage: Stage, window: Window) -> Self {
        self.outages.insert(stage, window);
        self
    }

    /// The input that `order` is started with.
    #[must_use]
    pub fn input(&self, order: &PlannedOrder) -> OrderInput {
        OrderInput::sample(self.seed, &order.order_id)
    }
}

impl PlannedOrder {
    /// The order's workflow id.
    #[must_use]
    pub fn workflow_id(&self) -> String {
        order::workflow_id(&self.order_id)
    }
}

impl Class {
    /// The class's name, for reports; the `kind` in JSON.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Smooth => "smooth",
            Self::Transient { .. } => "transient",
            Self::Outage { .. } => "outage",
            Self::Poison { .. } => "poison",
            Self::Slow { .. } => "slow",
            Self::RetryPolicy { .. } => "retry_policy",
            Self::ContinuesAsNew { .. } => "continues_as_new",
        }
    }

    /// How an order of this class ends when everything that watches over it works.
    #[must_use]
    pub const fn expected(&self) -> Expected {
        match self {
            Self::Poison { .. } => Expected::DeadLetter,
            _ => Expected::Completes,
        }
    }
}

impl Window {
    /// Whether the stage is down `elapsed_ms` after the plan's start.
    #[must_use]
    pub const fn is_down(self, elapsed_ms: u64, released: bool) -> bool {
        match self {
            _ if released => false,
            Self::Between { from_ms, until_ms } => from_ms <= elapsed_ms && elapsed_ms < until_ms,
            Self::UntilReleased => true,
        }
    }
}

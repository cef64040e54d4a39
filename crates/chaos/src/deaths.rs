//! How a worker's life is to end: by its own hand at a fail point, or by ours at a random moment.

use std::collections::BTreeMap;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

/// A place in the code where a worker can kill itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Point {
    /// A chunk's claim, with its intents, is committed.
    AfterClaim,
    /// A start is about to be sent.
    BeforeStart,
    /// The server has answered a start; nothing is committed.
    AfterStart,
    /// Outcomes are written, and their transaction is not committed.
    CommitWithin,
}

impl Point {
    /// Every fail point.
    pub const ALL: [Self; 4] = [
        Self::AfterClaim,
        Self::BeforeStart,
        Self::AfterStart,
        Self::CommitWithin,
    ];

    /// Its name in the code.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfterClaim => "after-claim",
            Self::BeforeStart => "before-start",
            Self::AfterStart => "after-start",
            Self::CommitWithin => "commit-within",
        }
    }

    /// The latest hit of a life that may be its last: there is one claim a chunk, a commit or some, and about a start an
    /// order.
    fn latest_hit(self, orders: usize) -> u32 {
        match self {
            Self::AfterClaim | Self::CommitWithin => (small(orders) / 6).max(1),
            Self::BeforeStart | Self::AfterStart => small(orders),
        }
    }
}

/// So much may happen in a life that even a small storm has work for all of them.
fn small(orders: usize) -> u32 {
    u32::try_from(orders / 25).unwrap_or(u32::MAX).clamp(2, 20)
}

/// How a life is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// The worker kills itself at the so-manyth hit of a fail point.
    At {
        /// Where.
        point: Point,
        /// At which hit, from 1.
        hit: u32,
    },
    /// We kill it, so long after it has claimed something.
    Random {
        /// How long.
        after: Duration,
    },
}

/// How long a worker which has claimed something is left alone at most, times what may happen in a life.
const LONGEST_RANDOM_MS: u32 = 75;

impl Death {
    /// What it is counted as.
    pub const fn name(self) -> &'static str {
        match self {
            Self::At { point, .. } => point.name(),
            Self::Random { .. } => RANDOM,
        }
    }
}

/// The name of a random death.
const RANDOM: &str = "random";

/// How many kills of each kind there have to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Quota {
    /// At each fail point.
    pub each_point: u32,
    /// At random.
    pub random: u32,
}

impl Quota {
    /// The deaths that fill it in a storm of so many orders, in the order that the seed gives them.
    pub fn deaths(self, seed: u64, orders: usize) -> Vec<Death> {
        let mut rng = StdRng::seed_from_u64(seed);
        let mut deaths = Vec::new();
        for point in Point::ALL {
            for _ in 0..self.each_point {
                let hit = rng.random_range(1..=point.latest_hit(orders));
                deaths.push(Death::At { point, hit });
            }
        }
        for _ in 0..self.random {
            let after = Duration::from_millis(
                rng.random_range(0..u64::from(LONGEST_RANDOM_MS * small(orders))),
            );
            deaths.push(Death::Random { after });
        }
        deaths.shuffle(&mut rng);
        deaths
    }

    /// How many of each kind, by name.
    pub fn wanted(self) -> BTreeMap<&'static str, u32> {
        let points = Point::ALL.map(|point| (point.name(), self.each_point));
        points.into_iter().chain([(RANDOM, self.random)]).collect()
    }
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;

    #[test]
    fn the_deaths_fill_the_quota_and_the_seed_orders_them() {
        let quota = Quota {
            each_point: 5,
            random: 10,
        };
        let deaths = quota.deaths(7, 500);
        let mut counted = BTreeMap::new();
        for death in &deaths {
            *counted.entry(death.name()).or_insert(0) += 1;
        }
        assert_eq!(counted, quota.wanted());
        assert_eq!(deaths, quota.deaths(7, 500));
        assert_ne!(deaths, quota.deaths(8, 500));
    }

    #[test]
    fn a_point_has_the_same_name_on_the_command_line() {
        for point in Point::ALL {
            let name = point.to_possible_value().unwrap();
            assert_eq!(name.get_name(), point.name());
        }
    }
}

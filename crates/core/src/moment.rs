//! The two things pure code may not fetch for itself: the time, and chance.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// A moment at which decisions are made: the clock was read once, and a random seed drawn once, by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The time.
    pub now: Timestamp,
    /// Where jitter comes from.
    pub seed: u64,
}

impl Moment {
    /// A fraction in `0.0..1.0`, spread evenly over keys: each order has its own jitter at the same moment.
    pub fn jitter(&self, key: &str) -> f64 {
        let hash = Sha256::new()
            .chain_update(self.seed.to_le_bytes())
            .chain_update(key)
            .finalize();
        let bits = hash
            .iter()
            .take(7)
            .fold(0_u64, |bits, byte| (bits << 8) | u64::from(*byte));
        (bits >> 3) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_is_a_fraction_that_differs_by_key_and_seed_and_by_nothing_else() {
        let moment = |seed| Moment {
            now: Timestamp::UNIX_EPOCH,
            seed,
        };
        let mut sum = 0.0;
        for n in 0..1000 {
            let jitter = moment(7).jitter(&format!("order-{n}"));
            assert!((0.0..1.0).contains(&jitter));
            sum += jitter;
        }
        assert!((450.0..550.0).contains(&sum), "not spread evenly: {sum}");
        assert_eq!(moment(7).jitter("a"), moment(7).jitter("a"));
        assert_ne!(moment(7).jitter("a"), moment(8).jitter("a"));
    }
}

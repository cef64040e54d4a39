//! What all workers of a storm have told, over all their lives.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::said::{Claim, Said};

/// A worker process, by its number: none is used twice.
pub(crate) type LifeId = u64;

/// What they told, as numbers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Mishaps {
    /// Answers lost, by the call's name.
    pub lost: BTreeMap<String, u64>,
    /// Answers late, by the call's name.
    pub late: BTreeMap<String, u64>,
    /// How often a clock stepped.
    pub steps: u64,
    /// The farthest a clock was behind and ahead, in seconds.
    pub farthest: (i64, i64),
    /// Changes that a full disk refused.
    pub refused: u64,
}

/// The listener to all of them.
#[derive(Debug, Default)]
pub(crate) struct Told(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    mishaps: Mishaps,
    /// Who has told last of a claim that it is its own: others take claims over.
    owners: HashMap<Claim, LifeId>,
}

impl Told {
    /// Takes in what one of them says.
    pub fn hear(&self, life: LifeId, said: &Said) {
        let mut inner = self.inner();
        let mishaps = &mut inner.mishaps;
        match said {
            Said::Claimed(claim) => {
                inner.owners.insert(claim.clone(), life);
            }
            Said::Lost(call) => *mishaps.lost.entry(call.clone()).or_default() += 1,
            Said::Late(call) => *mishaps.late.entry(call.clone()).or_default() += 1,
            Said::Stepped(ahead) => {
                mishaps.steps += 1;
                let (behind, before) = mishaps.farthest;
                mishaps.farthest = (behind.min(*ahead), before.max(*ahead));
            }
            Said::Full => mishaps.refused += 1,
            Said::Ready | Said::Dies(_) => {}
        }
    }

    /// The claims that nobody has made its own since that worker did.
    pub fn claims_of(&self, life: LifeId) -> BTreeSet<Claim> {
        let inner = self.inner();
        let own = inner.owners.iter().filter(|(_, owner)| **owner == life);
        own.map(|(claim, _)| claim.clone()).collect()
    }

    /// The numbers so far.
    pub fn mishaps(&self) -> Mishaps {
        self.inner().mishaps.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_the_last_ones_that_made_it() {
        let told = Told::default();
        let claim = Claim {
            batch: "b".into(),
            chunk: 1,
        };
        told.hear(1, &Said::Claimed(claim.clone()));
        assert_eq!(told.claims_of(1), BTreeSet::from([claim.clone()]));
        told.hear(2, &Said::Claimed(claim.clone()));
        assert_eq!(told.claims_of(1), BTreeSet::new());
        assert_eq!(told.claims_of(2), BTreeSet::from([claim]));
    }

    #[test]
    fn mishaps_are_counted() {
        let told = Told::default();
        for said in [
            Said::Lost("start".into()),
            Said::Lost("start".into()),
            Said::Late("list".into()),
            Said::Stepped(-9),
            Said::Stepped(4),
            Said::Full,
        ] {
            told.hear(1, &said);
        }
        let mishaps = told.mishaps();
        assert_eq!(mishaps.lost, BTreeMap::from([("start".to_owned(), 2)]));
        assert_eq!(mishaps.late, BTreeMap::from([("list".to_owned(), 1)]));
        assert_eq!((mishaps.steps, mishaps.farthest), (2, (-9, 4)));
        assert_eq!(mishaps.refused, 1);
    }
}

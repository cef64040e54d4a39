//! The tallies of a storm: its kills, mishaps, batches and deeds, counted by kind.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use serde::Serialize;

use crate::outages::Part;
use crate::plan::Act;
use crate::report::Wanted;
use crate::storm::Storm;

/// The kills of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kills {
    /// Where they hit.
    pub at: &'static str,
    /// How many there had to be.
    pub wanted: u32,
    /// How many hit while claims were open, a worker's own where one is killed: these count.
    pub counted: u32,
    /// How many did not.
    pub in_vain: u32,
    /// Claims open at those that count, together.
    pub claims: u64,
}

/// What went wrong beside kills.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Mishaps {
    /// Answers that were lost, by call.
    pub lost_replies: BTreeMap<String, u64>,
    /// Answers that were late, by call.
    pub late_replies: BTreeMap<String, u64>,
    /// Steps of clocks.
    pub clock_steps: u64,
    /// The farthest behind and ahead, in seconds.
    pub farthest: (i64, i64),
    /// How often the disk was full, and how many changes it refused each time.
    pub full_disks: Vec<u64>,
    /// Workers that ended by themselves in an outage, and were started again.
    pub fell: u64,
}

/// The batches that lost a worker while it held claims for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Orphans {
    /// How many.
    pub batches: usize,
    /// Of them, those that another worker has brought to their own end.
    pub completed: usize,
    /// Those that an operator terminated, and others adopted.
    pub terminated: usize,
}

/// The deeds of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub(crate) struct Deeds {
    /// What.
    pub act: &'static str,
    /// How many operators did it.
    pub done: usize,
    /// How many came when the order had ended.
    pub late: usize,
}

impl Mishaps {
    /// In a line.
    pub fn told(&self) -> String {
        let (behind, ahead) = self.farthest;
        let mut told = vec![
            format!("replies lost {}", totalled(&self.lost_replies)),
            format!("late {}", totalled(&self.late_replies)),
            format!(
                "clock steps {} (up to {} s behind, {ahead} s ahead)",
                self.clock_steps, -behind
            ),
            format!("workers that fell in an outage {}", self.fell),
        ];
        let full: Vec<_> = self.full_disks.iter().map(u64::to_string).collect();
        if !full.is_empty() {
            let (times, refused) = (full.len(), full.join(" + "));
            told.push(format!("full disks {times} ({refused} changes refused)"));
        }
        format!("Mishaps: {}", told.join(", "))
    }
}

impl Orphans {
    /// In a line.
    pub fn told(self) -> String {
        let Self {
            batches,
            completed,
            terminated,
        } = self;
        format!(
            "Batches that lost a worker: {batches}; finished by another worker {completed}, terminated and adopted \
             {terminated}"
        )
    }
}

/// The sum, and what it is made of.
fn totalled(counts: &BTreeMap<String, u64>) -> String {
    let total: u64 = counts.values().sum();
    format!("{total} ({})", listed(counts))
}

/// Each with its count.
pub(crate) fn listed(counts: &BTreeMap<impl Display, impl Display>) -> String {
    let told = counts.iter().map(|(name, count)| format!("{name} {count}"));
    told.collect::<Vec<_>>().join(", ")
}

/// The kills, by kind.
pub(crate) fn kills(wanted: &Wanted, storm: &Storm) -> Vec<Kills> {
    let of_workers = wanted.deaths.wanted().into_iter().map(|(at, wanted)| {
        let own = storm.kills.iter().filter(|kill| kill.death.name() == at);
        tallied(at, wanted, own.map(|kill| kill.claims))
    });
    let parts = [
        (Part::Server, wanted.server_kills),
        (Part::Postgres, wanted.postgres_kills),
    ];
    let of_parts = parts.into_iter().filter(|(_, wanted)| *wanted > 0);
    let of_parts = of_parts.map(|(part, wanted)| {
        let own = storm.outages.iter().filter(|outage| outage.part == part);
        tallied(part.name(), wanted, own.map(|outage| outage.claims))
    });
    of_workers.chain(of_parts).collect()
}

/// The kills of one kind, by the claims that were open at each.
fn tallied(at: &'static str, wanted: u32, claims: impl Iterator<Item = u64>) -> Kills {
    let mut kills = Kills {
        at,
        wanted,
        counted: 0,
        in_vain: 0,
        claims: 0,
    };
    for open in claims {
        match open {
            0 => kills.in_vain += 1,
            _ => kills.counted += 1,
        }
        kills.claims += open;
    }
    kills
}

/// The mishaps.
pub(crate) fn mishaps(storm: &Storm) -> Mishaps {
    let told = storm.mishaps.clone();
    Mishaps {
        lost_replies: told.lost,
        late_replies: told.late,
        clock_steps: told.steps,
        farthest: told.farthest,
        full_disks: storm.filled.iter().map(|filled| filled.refused).collect(),
        fell: storm.fell,
    }
}

/// What became of the batches that lost a worker.
pub(crate) fn orphans(storm: &Storm) -> Orphans {
    let lost: BTreeSet<&String> = storm.kills.iter().flat_map(|kill| &kill.batches).collect();
    let own = || {
        storm
            .ran
            .batches
            .iter()
            .filter(|ran| lost.contains(&ran.id))
    };
    Orphans {
        batches: lost.len(),
        completed: own().filter(|ran| ran.end.is_ok()).count(),
        terminated: own().filter(|ran| ran.terminated).count(),
    }
}

/// How many batches ended how.
pub(crate) fn batches(storm: &Storm) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for ran in &storm.ran.batches {
        let end = match &ran.end {
            Ok(result) if result.truncated => "truncated",
            Ok(_) => "completed",
            Err(_) if ran.terminated => "terminated",
            Err(_) => "failed",
        };
        *counts.entry(end).or_default() += 1;
    }
    counts
}

/// The deeds of one kind.
pub(crate) fn deeds(storm: &Storm, act: Act) -> Deeds {
    let own = || storm.deeds.iter().filter(move |did| did.act == act);
    let done = own().filter(|did| did.done).count();
    Deeds {
        act: act.name(),
        done,
        late: own().count() - done,
    }
}

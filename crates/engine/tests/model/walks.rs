//! The walks themselves: many seeds, none of which may break a rule.

use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use rand::Rng;

use crate::flaw::Flaw;
use crate::walk::Walk;

/// Seeds of the test suite.
const SEEDS: u64 = 700;
/// Walks at the same time.
const THREADS: usize = 2;

/// What one walk came to.
#[derive(Debug)]
pub struct Report {
    pub seed: u64,
    pub steps: usize,
    pub problems: Vec<String>,
    pub story: Vec<String>,
}

impl Report {
    fn tells_of(&self, what: &str) -> bool {
        self.story.iter().any(|line| line.contains(what))
    }
}

/// Walks one seed.
pub async fn walk(seed: u64, flaw: Flaw) -> Report {
    let mut walk = Walk::new(seed, flaw).await;
    let (world, mut steps) = (walk.world.clone(), walk.rng.random_range(60..200));
    for step in 0..steps {
        walk.step().await;
        if world.is_excused() || !world.problems().is_empty() {
            steps = step;
            break;
        }
    }
    if !world.is_excused() && world.problems().is_empty() {
        walk.rest().await;
    }
    if !world.is_excused() && world.problems().is_empty() {
        walk.check().await;
    }
    drop(walk);
    world.close().await;
    let (problems, story) = (world.problems(), world.story());
    Report {
        seed,
        steps,
        problems,
        story,
    }
}

/// Walks seeds, several at a time, until they are used up or `enough`.
pub fn explore(
    seeds: Range<u64>,
    flaw: Flaw,
    enough: impl Fn(&Report) -> bool + Sync,
) -> Vec<Report> {
    let next = AtomicU64::new(seeds.start);
    let reports = Mutex::new(Vec::new());
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        loop {
            let seed = next.fetch_add(1, Ordering::SeqCst);
            if seed >= seeds.end {
                return;
            }
            let report = runtime.block_on(walk(seed, flaw));
            if enough(&report) {
                next.store(seeds.end, Ordering::SeqCst);
            }
            reports.lock().unwrap().push(report);
        }
    };
    std::thread::scope(|scope| (0..THREADS).for_each(|_| drop(scope.spawn(work))));
    let mut reports = reports.into_inner().unwrap();
    reports.sort_by_key(|report| report.seed);
    reports
}

/// The seeds to walk: a number, or a range like `17..18`.
#[expect(
    clippy::disallowed_methods,
    reason = "how far to walk is the tester's choice"
)]
fn seeds() -> Range<u64> {
    let Ok(text) = std::env::var("REDRIVE_MODEL_SEEDS") else {
        return 0..SEEDS;
    };
    let number = |text: &str| {
        text.parse()
            .expect("REDRIVE_MODEL_SEEDS is a number, or a range like 17..18")
    };
    match text.split_once("..") {
        Some((from, to)) => number(from)..number(to),
        None => 0..number(&text),
    }
}

#[test]
fn no_walk_breaks_a_rule() {
    let reports = explore(seeds(), Flaw::None, |report| !report.problems.is_empty());
    let sum: usize = reports.iter().map(|report| report.steps).sum();
    let some = |what: &str| {
        reports
            .iter()
            .filter(|report| report.tells_of(what))
            .count()
    };
    let seen = [
        "start of",
        "Restarted(",
        "adopts",
        "Fenced",
        "start [LoseReply]",
        "start [DieAfter]",
        "look_back",
        "visibility does not show",
        "ours: Some",
        "AnswerUnknown",
        "Released",
        "DeadLettered(",
        "ItemError",
        "Reset",
        "Retry",
    ];
    let seen = seen.map(|what| (what, some(what)));
    let (walks, excused) = (reports.len(), some("excused"));
    println!("{walks} walks, {sum} steps, {excused} excused; walks with {seen:?}");
    if let Some(broken) = reports.iter().find(|report| !report.problems.is_empty()) {
        panic!(
            "seed {}: {}\n{}",
            broken.seed,
            broken.problems.join("; "),
            broken.story.join("\n")
        );
    }
    if walks as u64 >= SEEDS {
        let unseen = seen.into_iter().find(|(_, walks)| *walks == 0);
        assert_eq!(unseen, None, "no walk came to that");
    }
}

#[test]
fn a_seed_is_the_same_walk_every_time() {
    let reports = [
        explore(11..19, Flaw::None, |_| false),
        explore(11..19, Flaw::None, |_| false),
    ];
    for (one, other) in reports[0].iter().zip(&reports[1]) {
        assert_eq!(one.story, other.story, "seed {}", one.seed);
    }
}

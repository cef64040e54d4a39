//! What a storm came to: one value, printed as a table or as JSON.

use std::collections::BTreeMap;

use redrive::audit::{Audit, Books, Records, check};
use redrive::printer::{Paint, table};
use serde::Serialize;

use crate::counts::{Count, counts};
use crate::deaths::Quota;
use crate::faults::Faults;
use crate::pairs::{self, Pairs};
use crate::plan::Act;
use crate::site::Site;
use crate::storm::Storm;
use crate::tallies::{
    Deeds, Kills, Mishaps, Orphans, batches, deeds, kills, listed, mishaps, orphans,
};
use crate::{expected, halts};

/// What had to happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Wanted {
    /// The workers' deaths.
    pub deaths: Quota,
    /// Kills of the Temporal server.
    pub server_kills: u32,
    /// Kills of PostgreSQL.
    pub postgres_kills: u32,
    /// Times that the ledger's disk is full.
    pub full_disks: u32,
    /// What goes wrong within workers.
    pub faults: Faults,
}

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Whether the audit holds, every quota is met, operators got to do each act and every order ended as planned.
    pub ok: bool,
    /// The seed.
    pub seed: u64,
    /// Where the ledger was.
    pub ledger: &'static str,
    /// How many workers there were.
    pub workers: u32,
    /// How many orders there were, the operators' among them.
    pub orders: usize,
    /// How long each part took, in seconds.
    pub seconds: Seconds,
    /// The kills by where or what they hit.
    pub kills: Vec<Kills>,
    /// What else went wrong.
    pub mishaps: Mishaps,
    /// What became of batches that lost a worker.
    pub orphans: Orphans,
    /// Batches at the same time.
    pub pairs: Pairs,
    /// The sums.
    pub counts: Vec<Count>,
    /// How many batches ended how.
    pub batches: BTreeMap<&'static str, usize>,
    /// How many orders ended how, by the ledger.
    pub ends: BTreeMap<&'static str, usize>,
    /// What operators did.
    pub deeds: Vec<Deeds>,
    /// Orders that ended otherwise than planned, starts that did not hear a halt.
    pub surprises: Vec<String>,
    /// The audit.
    pub audit: Audit,
}

/// How long it took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Seconds {
    /// Until the server and the ledger were up.
    pub start: f64,
    /// The storm.
    pub storm: f64,
    /// Reading and comparing the records.
    pub audit: f64,
}

/// One operator, or two, may come too late for their order; of so many one at least must not.
const SEVERAL: usize = 3;

impl Report {
    /// The report, with the audit of what was gathered.
    pub fn new(
        site: &Site,
        wanted: &Wanted,
        storm: &Storm,
        records: &Records,
        books: &Books,
    ) -> Self {
        let audit = check(records, books);
        let kills = kills(wanted, storm);
        let pairs = pairs::judge(&storm.ran.pairs, books);
        let counts = counts(records, books);
        let mut surprises = expected::surprises(&site.plan, records, books);
        surprises.extend(halts::unheard(&storm.still, records));
        surprises.extend(pairs.same_failure.iter().cloned());
        surprises.extend(not_happened(wanted, storm));
        let inexact = counts.iter().filter(|count| !count.is_exact());
        surprises.extend(inexact.map(|count| format!("the rows count {}", count.told())));
        let deeds = Act::ALL.map(|act| deeds(storm, act)).to_vec();
        let met = kills.iter().all(|kills| kills.counted >= kills.wanted);
        let did = deeds
            .iter()
            .all(|deeds| deeds.done > 0 || deeds.late < SEVERAL);
        Self {
            ok: audit.passed() && met && did && surprises.is_empty(),
            seed: site.plan.faults.seed,
            ledger: site.options.database.name(),
            workers: site.options.workers,
            orders: site.plan.faults.orders.len(),
            seconds: Seconds::default(),
            kills,
            mishaps: mishaps(storm),
            orphans: orphans(storm),
            pairs,
            counts,
            batches: batches(storm),
            ends: ends(books),
            deeds,
            surprises,
            audit,
        }
    }

    /// The report as text.
    pub fn text(&self, paint: Paint) -> String {
        let Self {
            seed,
            ledger,
            workers,
            orders,
            seconds,
            ..
        } = self;
        let title = format_args!("Seed {seed}: {orders} orders, {workers} workers, {ledger}");
        let counts: Vec<_> = self.counts.iter().map(Count::told).collect();
        let mut lines = vec![
            paint.bold(title),
            self.kills_table(),
            self.mishaps.told(),
            format!("Batches: {}", listed(&self.batches)),
            self.orphans.told(),
            self.pairs_told(),
            format!("Counts: {}", counts.join("; ")),
            format!("Orders: {}", listed(&self.ends)),
            format!("Operators: {}", self.deeds_listed()),
            format!(
                "Seconds: start {:.1}, storm {:.1}, audit {:.1}",
                seconds.start, seconds.storm, seconds.audit
            ),
            format!("Compared: {}", self.audit.compared),
        ];
        lines.extend(
            self.surprises
                .iter()
                .map(|line| paint.red(format_args!("surprise: {line}"))),
        );
        let findings = self.audit.findings.iter();
        lines.extend(
            findings.map(|found| paint.red(format_args!("{:?}: {}", found.kind, found.sentence))),
        );
        let numbers = self.audit.numbers();
        lines.push(match self.ok {
            true => paint.green(format_args!("Audit: {numbers}")),
            false => paint.red(format_args!("Audit: {numbers}; not as it has to be")),
        });
        lines.join("\n")
    }

    fn kills_table(&self) -> String {
        let mut table = table(["killed", "wanted", "counted", "in vain", "open claims"]);
        for kills in &self.kills {
            let Kills {
                at,
                wanted,
                counted,
                in_vain,
                claims,
            } = kills;
            table.add_row([
                (*at).to_owned(),
                wanted.to_string(),
                counted.to_string(),
                in_vain.to_string(),
                claims.to_string(),
            ]);
        }
        table.trim_fmt()
    }

    fn pairs_told(&self) -> String {
        let Pairs {
            pairs,
            both_at_work,
            in_turn,
            same_failure,
        } = &self.pairs;
        format!(
            "At the same time: {pairs} pairs of batches, both at work in {both_at_work}; {in_turn} orders tried by both in \
             turn, {} failures by both",
            same_failure.len()
        )
    }

    fn deeds_listed(&self) -> String {
        let told = self.deeds.iter().map(|deeds| match deeds.late {
            0 => format!("{} {}", deeds.act, deeds.done),
            late => format!("{} {} ({late} too late)", deeds.act, deeds.done),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

fn ends(books: &Books) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for story in &books.stories {
        *counts.entry(story.order.state.as_str()).or_default() += 1;
    }
    counts
}

/// What was to go wrong, and never did: a storm without it proves nothing.
fn not_happened(wanted: &Wanted, storm: &Storm) -> Vec<String> {
    let (faults, mishaps) = (wanted.faults, &storm.mishaps);
    let full = storm.filled.iter().filter(|filled| filled.refused > 0);
    [
        (
            faults.lost_replies > 0.0 && mishaps.lost.is_empty(),
            "no reply was lost",
        ),
        (
            faults.clock_steps > 0 && mishaps.steps == 0,
            "no clock stepped",
        ),
        (
            full.count() < wanted.full_disks as usize,
            "a full disk refused nothing, or did not come",
        ),
    ]
    .into_iter()
    .filter(|(missing, _)| *missing)
    .map(|(_, what)| what.to_owned())
    .collect()
}

//! What a storm came to: one value, printed as a table or as JSON.

use std::collections::BTreeMap;

use redrive::audit::{Audit, Books, Records, check};
use redrive::printer::{Paint, table};
use serde::Serialize;

use crate::deaths::Quota;
use crate::plan::{Act, Plan};
use crate::storm::Storm;
use crate::{expected, halts};

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// Whether the audit holds, every quota is met, operators got to do each act and every order ended as planned.
    pub ok: bool,
    /// The seed.
    pub seed: u64,
    /// How many orders there were, the operators' among them.
    pub orders: usize,
    /// How long each part took, in seconds.
    pub seconds: Seconds,
    /// The kills by where they hit.
    pub kills: Vec<Kills>,
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
    /// Until the server was up and the orders were started.
    pub start: f64,
    /// The storm.
    pub storm: f64,
    /// Reading and comparing the records.
    pub audit: f64,
}

/// The kills of one kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Kills {
    /// Where they hit.
    pub at: &'static str,
    /// How many there had to be.
    pub wanted: u32,
    /// How many hit a worker while claims of its own were open: these count.
    pub counted: u32,
    /// How many did not.
    pub in_vain: u32,
    /// Claims open at those that count, together.
    pub claims: u64,
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

/// One operator, or two, may come too late for their order; of so many one at least must not.
const SEVERAL: usize = 3;

impl Report {
    /// The report, with the audit of what was gathered.
    pub fn new(plan: &Plan, quota: Quota, storm: &Storm, records: &Records, books: &Books) -> Self {
        let audit = check(records, books);
        let kills = kills(quota, storm);
        let mut surprises = expected::surprises(plan, records, books);
        surprises.extend(halts::unheard(&storm.still, records));
        let deeds = Act::ALL.map(|act| deeds(storm, act)).to_vec();
        let met = kills.iter().all(|kills| kills.counted >= kills.wanted);
        let did = deeds
            .iter()
            .all(|deeds| deeds.done > 0 || deeds.late < SEVERAL);
        Self {
            ok: audit.passed() && met && did && surprises.is_empty(),
            seed: plan.faults.seed,
            orders: plan.faults.orders.len(),
            seconds: Seconds::default(),
            kills,
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
            orders,
            seconds,
            ..
        } = self;
        let mut lines = vec![
            paint.bold(format_args!("Seed {seed}: {orders} orders")),
            self.kills_table(),
            format!("Batches: {}", listed(&self.batches)),
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

    fn deeds_listed(&self) -> String {
        let told = self.deeds.iter().map(|deeds| match deeds.late {
            0 => format!("{} {}", deeds.act, deeds.done),
            late => format!("{} {} ({late} too late)", deeds.act, deeds.done),
        });
        told.collect::<Vec<_>>().join(", ")
    }
}

fn listed(counts: &BTreeMap<&'static str, usize>) -> String {
    let told = counts.iter().map(|(name, count)| format!("{name} {count}"));
    told.collect::<Vec<_>>().join(", ")
}

fn kills(quota: Quota, storm: &Storm) -> Vec<Kills> {
    let of = |(at, wanted): (&'static str, u32)| {
        let own = || {
            storm
                .kills
                .iter()
                .filter(move |kill| kill.death.name() == at)
        };
        let count = |counts: bool| own().filter(|kill| kill.counts() == counts).count();
        Kills {
            at,
            wanted,
            counted: u32::try_from(count(true)).unwrap_or(u32::MAX),
            in_vain: u32::try_from(count(false)).unwrap_or(u32::MAX),
            claims: own().map(|kill| kill.claims).sum(),
        }
    };
    quota.wanted().into_iter().map(of).collect()
}

fn batches(storm: &Storm) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for ran in &storm.batches {
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

fn ends(books: &Books) -> BTreeMap<&'static str, usize> {
    let mut counts = BTreeMap::new();
    for story in &books.stories {
        *counts.entry(story.order.state.as_str()).or_default() += 1;
    }
    counts
}

fn deeds(storm: &Storm, act: Act) -> Deeds {
    let own = || storm.deeds.iter().filter(move |did| did.act == act);
    let done = own().filter(|did| did.done).count();
    Deeds {
        act: act.name(),
        done,
        late: own().count() - done,
    }
}

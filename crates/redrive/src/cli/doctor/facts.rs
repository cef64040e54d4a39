//! What the doctor knows: facts, gathered without a judgement. What cannot be asked is an answer, too.

use jiff::{SignedDuration, Timestamp};
use redrive_core::ids::Home;
use redrive_engine::{Checkup, Clock, checkup};
use redrive_ledger::{BatchRow, Halt, LedgerError, LedgerUrl, SqlLedger};

use crate::cli::schedule;
use crate::config::Config;
use crate::connect::Target;
use crate::ledger::{self, Opened};
use crate::problem::Problem;

/// How many batches are looked at.
const BATCHES: u32 = 10;

/// The facts.
pub struct Facts {
    /// Where Temporal is, as far as its configuration can be read.
    pub address: Result<(String, String), Problem>,
    /// What it says; `None` where no connection was made, and why.
    pub temporal: Result<Checkup, Problem>,
    /// The ledger.
    pub ledger: LedgerFacts,
}

/// The ledger, as far as it can be looked at without changing it.
pub enum LedgerFacts {
    /// There is none; its name.
    Missing(String),
    /// Its schema is older than this binary's, by so many migrations.
    Behind(usize),
    /// It cannot be opened, or is newer than this binary.
    Broken(LedgerError),
    /// It is open.
    Open(Box<LedgerContents>),
}

/// What was read, or why it could not be read: one question that fails says nothing of the others.
pub type Read<T> = Result<T, LedgerError>;

/// What stands in it.
pub struct LedgerContents {
    /// Where it belongs.
    pub home: Read<Option<Home>>,
    /// Whether starts are halted.
    pub halted: Read<Option<Halt>>,
    /// The newest batches.
    pub batches: Read<Vec<BatchRow>>,
    /// Waiting orders by failure status.
    pub waiting: Read<Vec<(String, u64)>>,
    /// Open orders whose history the server is about to delete or has deleted, and whose start request is not kept; `None`
    /// where the retention is not known.
    pub unsaved: Read<Option<u64>>,
}

/// Gathers them: where `target` leads, by `clock`.
pub async fn gather(target: Result<Target, Problem>, config: &Config, clock: &dyn Clock) -> Facts {
    let address = target
        .as_ref()
        .map(|target| (target.address(), target.namespace().to_owned()))
        .map_err(Clone::clone);
    let temporal = match target {
        Ok(target) => ask(&target, config, clock).await,
        Err(problem) => Err(problem),
    };
    Facts {
        address,
        ledger: open(config, about_to_go(&temporal, clock.now())).await,
        temporal,
    }
}

/// What closed before is deleted within a day.
fn about_to_go(temporal: &Result<Checkup, Problem>, now: Timestamp) -> Option<Timestamp> {
    let retention = temporal.as_ref().ok()?.retention.as_ref().ok()?;
    let retention = SignedDuration::try_from((*retention)?).ok()?;
    let deleted = now.checked_sub(retention).ok()?;
    deleted.checked_add(SignedDuration::from_hours(24)).ok()
}

async fn ask(target: &Target, config: &Config, clock: &dyn Clock) -> Result<Checkup, Problem> {
    let client = target.connect().await?;
    let watched = config
        .policy
        .watch
        .iter()
        .map(|watch| watch.workflow_type.as_str());
    let watched: Vec<&str> = watched.collect();
    Ok(checkup(&client, &schedule::settings(config), &watched, clock).await)
}

async fn open(config: &Config, about_to_go: Option<Timestamp>) -> LedgerFacts {
    match look(config, about_to_go).await {
        Ok(facts) => facts,
        Err(error) => LedgerFacts::Broken(error),
    }
}

async fn look(config: &Config, about_to_go: Option<Timestamp>) -> Result<LedgerFacts, LedgerError> {
    let url = LedgerUrl::parse(&config.ledger.url)?;
    let schema = SqlLedger::schema(&url).await?;
    if schema.found == 0 && !ledger::exists(&url).await? {
        return Ok(LedgerFacts::Missing(url.to_string()));
    }
    if !schema.pending.is_empty() {
        return Ok(LedgerFacts::Behind(schema.pending.len()));
    }
    let Opened { ledger, reader, .. } = ledger::open(&config.ledger.url).await?;
    Ok(LedgerFacts::Open(Box::new(LedgerContents {
        home: reader.home().await,
        halted: ledger.halted().await,
        batches: ledger.batches(BATCHES).await,
        waiting: reader.waiting_by_status().await,
        unsaved: match about_to_go {
            Some(before) => reader.without_start_request(before).await.map(Some),
            None => Ok(None),
        },
    })))
}

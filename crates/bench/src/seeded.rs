//! Ledgers filled with orders, in either database: one after the other, as many as a measurement uses up.

use std::any::Any;

use anyhow::Context;
use redrive::ledger::{self, Opened};
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{LedgerUrl, SqlLedger};
use redrive_test_postgres::Database;

/// Of so many orders ...
const OF: u64 = 20;
/// ... so many are due.
const DUE: u64 = 8;

/// A kind of database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A file.
    Sqlite,
    /// A database on the server at that URL, of a user who may make databases.
    Postgres(String),
}

impl Kind {
    /// Its name for people.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres(_) => "PostgreSQL",
        }
    }

    /// Its name for programs.
    pub fn id(&self) -> &'static str {
        match self {
            Self::Sqlite => "sqlite",
            Self::Postgres(_) => "postgres",
        }
    }
}

/// A ledger filled with orders. It goes with this value.
pub(crate) struct Seeded {
    /// The ledger.
    pub opened: Opened,
    /// Where it is.
    pub url: String,
    /// What it is in.
    _home: Box<dyn Any>,
}

impl Seeded {
    /// Makes one with so many orders.
    pub async fn new(kind: &Kind, orders: u64) -> anyhow::Result<Self> {
        let (home, url): (Box<dyn Any>, String) = match kind {
            Kind::Sqlite => {
                let folder = tempfile::tempdir().context("a ledger needs a folder")?;
                let url = format!("sqlite:{}", folder.path().join("ledger.db").display());
                (Box::new(folder), url)
            }
            Kind::Postgres(server) => {
                let database = Database::on(server.clone()).await;
                let url = database.whole_url();
                (Box::new(database), url)
            }
        };
        let filled = SqlLedger::open(LedgerUrl::parse(&url)?).await?;
        filled.seed(orders, SystemClock.now()).await?;
        filled.close().await;
        Ok(Self {
            opened: ledger::open(&url).await?,
            url,
            _home: home,
        })
    }
}

/// Ledgers of one kind and size.
pub(crate) struct Supply {
    kind: Kind,
    size: u64,
    at_hand: Option<Seeded>,
    /// Orders that are due in it.
    due: u64,
}

impl Supply {
    /// Of that kind and size; none is made yet.
    pub fn new(kind: &Kind, size: u64) -> Self {
        Self {
            kind: kind.clone(),
            size,
            at_hand: None,
            due: 0,
        }
    }

    /// The most orders that one of them has due.
    pub fn most(&self) -> u64 {
        self.size / OF * DUE
    }

    /// A ledger of which so many due orders will be used up, and how many those are: fewer only where a new one has no more.
    pub async fn with_due(&mut self, orders: u64) -> anyhow::Result<(&Seeded, u64)> {
        let orders = orders.min(self.most());
        let seeded = match self.at_hand.take().filter(|_| self.due >= orders) {
            Some(seeded) => seeded,
            None => {
                self.due = self.most();
                Seeded::new(&self.kind, self.size).await?
            }
        };
        self.due -= orders;
        Ok((self.at_hand.insert(seeded), orders))
    }

    /// The last one.
    pub fn last(self) -> Option<Seeded> {
        self.at_hand
    }
}

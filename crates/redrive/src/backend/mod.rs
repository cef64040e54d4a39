//! What answers a command: the ledger and Temporal themselves, or a server that has them. Each verb stands in both ways side by
//! side, and answers the same: what the API answers.

mod audit;
mod batches;
mod brakes;
mod classification;
pub mod dead_letters;
mod failures;
mod lists;
pub mod many;
mod older;
mod operations;
mod orders;
mod remote;
mod schedule;
mod tokens;

use redrive_engine::ops::Records;

pub use self::classification::classified;
pub use self::orders::NotDone;
pub use self::remote::{Remote, RemoteError};
use crate::cli::{Global, Session, Verb, records};

/// What answers, where `L` is what it takes to answer here.
#[derive(Clone)]
pub enum Backend<L> {
    /// The ledger, and Temporal where it takes that.
    Local(L),
    /// A server.
    Remote(Remote),
}

impl Backend<Records> {
    /// What answers a command that needs the ledger only, and that there be one.
    pub async fn records(global: &Global) -> anyhow::Result<Self> {
        Ok(match Remote::named(global)? {
            Some(remote) => Self::Remote(remote),
            None => Self::Local(records(global).await?),
        })
    }
}

impl Backend<Session> {
    /// What answers a command that needs Temporal, too.
    pub async fn session(global: &Global, verb: Verb) -> anyhow::Result<Self> {
        Ok(match Remote::named(global)? {
            Some(remote) => Self::Remote(remote),
            None => Self::Local(Session::open(global, verb).await?),
        })
    }

    /// The same, for what needs the ledger only.
    pub fn records(&self) -> Backend<Records> {
        match self {
            Self::Local(session) => Backend::Local(session.ops.records.clone()),
            Self::Remote(remote) => Backend::Remote(remote.clone()),
        }
    }
}

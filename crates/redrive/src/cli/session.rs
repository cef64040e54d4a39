//! What most commands begin with: the configuration, the way to Temporal, the ledger, and the verbs over them.

use redrive_engine::ops::{Ops, Records};
use redrive_ledger::{LedgerUrl, NewAuditEvent};

use super::Global;
use crate::config::{self, Config};
use crate::connect::{self, Target};
use crate::problem::Problem;
use crate::{environment, ledger};

/// Whether a command may make a new ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// It asks or decides about what is there: a mistyped path must not become an empty ledger.
    OnExisting,
    /// It works, and makes the ledger where there is none.
    Making,
}

/// A command's surroundings.
#[derive(Clone)]
pub struct Session {
    /// The configuration.
    pub config: Config,
    /// Where Temporal is.
    pub target: Target,
    /// The verbs.
    pub ops: Ops,
}

impl Session {
    /// Opens what Temporal's configuration and ours name.
    pub async fn open(global: &Global, verb: Verb) -> anyhow::Result<Self> {
        let config = config::load(&global.overrides())?;
        // A mistake in it is told before the server is looked for.
        LedgerUrl::parse(&config.ledger.url)?;
        if verb == Verb::OnExisting {
            must_exist(&config).await?;
        }
        Self::over(config, Target::configured()?).await
    }

    /// Opens `config`'s ledger over the server of `target`.
    pub async fn over(config: Config, target: Target) -> anyhow::Result<Self> {
        let client = target.connect().await?;
        let ops = connect::ops(&target, client, &config).await?;
        Ok(Self {
            config,
            target,
            ops,
        })
    }
}

/// The verbs that need the ledger only, on the ledger that our configuration names: for commands that must work while
/// Temporal does not.
pub async fn records(global: &Global) -> anyhow::Result<Records> {
    let config = config::load(&global.overrides())?;
    must_exist(&config).await?;
    connect::records(&config).await
}

async fn must_exist(config: &Config) -> anyhow::Result<()> {
    let url = LedgerUrl::parse(&config.ledger.url)?;
    if ledger::exists(&url).await? {
        return Ok(());
    }
    Err(Problem::user(
        format!("there is no ledger {}.", ledger::named(&url)),
        "name it with --ledger or REDRIVE_LEDGER_URL, or in the configuration; `redrive up`, `redrive worker` \
         and `redrive migrate` make a new one.",
    )
    .into())
}

/// Who does something, and why, for the audit trail.
#[derive(Debug, Clone, clap::Args)]
pub struct Who {
    /// Who decides this [default: your user name]
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
}

impl Who {
    /// The audit event of a command that gives `reason`.
    pub fn because(self, reason: String) -> Result<NewAuditEvent, Problem> {
        let actor = self
            .by
            .or_else(environment::user)
            .filter(|name| !name.trim().is_empty());
        let actor = actor.ok_or_else(|| {
            Problem::user(
                "nobody knows who decides this.",
                "name yourself with --by NAME.",
            )
        })?;
        Ok(NewAuditEvent { actor, reason })
    }
}

/// The same with a reason that need not be given.
#[derive(Debug, Clone, clap::Args)]
pub struct Why {
    /// Why
    #[arg(
        long,
        value_name = "TEXT",
        default_value = "",
        hide_default_value = true
    )]
    reason: String,
    #[command(flatten)]
    who: Who,
}

impl Why {
    /// The audit event of the command.
    pub fn event(self) -> Result<NewAuditEvent, Problem> {
        self.who.because(self.reason)
    }
}

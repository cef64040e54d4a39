//! `redrive migrate`: the ledger's schema, brought up to date.

use std::process::ExitCode;

use clap::Args;
use redrive_ledger::{LedgerUrl, Migration, Schema, SqlLedger};
use serde::Serialize;

use super::Global;
use crate::printer::{Paint, Printer};
use crate::{config, ledger};

/// Bring the ledger's schema up to date; make the ledger where there is none
///
/// A command that opens a new ledger makes it; one that is older than this redrive is refused by every command but this one. All
/// migrations are applied, or none. Stop the workers first: an older redrive does not know the newer schema. Temporal is not
/// needed.
#[derive(Debug, Args)]
pub struct MigrateArgs {
    /// Only tell what would be applied; change nothing, and make no file
    #[arg(long)]
    dry_run: bool,
}

/// What is done, or would be.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Migrated {
    /// The ledger's file, or its URL without a password.
    ledger: String,
    /// Whether nothing is changed.
    dry_run: bool,
    /// Whether there was no ledger.
    new: bool,
    /// The schema's version before; 0 where there was none.
    version_before: i64,
    /// The version now; of a dry run, the version there would be.
    version_after: i64,
    /// What is applied, or would be, in this order.
    migrations: Vec<Migration>,
}

/// Runs the command.
pub async fn run(
    args: MigrateArgs,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let config = config::load(&global.overrides())?;
    let url = LedgerUrl::parse(&config.ledger.url)?;
    let new = !ledger::exists(&url).await?;
    let before = match args.dry_run {
        true => SqlLedger::schema(&url).await?,
        false => SqlLedger::migrate(&url).await?,
    };
    let migrated = Migrated::new(&url, args.dry_run, new, before);
    printer.data(&migrated, Migrated::text)?;
    Ok(ExitCode::SUCCESS)
}

impl Migrated {
    fn new(url: &LedgerUrl, dry_run: bool, new: bool, before: Schema) -> Self {
        Self {
            ledger: ledger::named(url),
            dry_run,
            new,
            version_before: before.found,
            version_after: before.known,
            migrations: before.pending,
        }
    }

    fn text(&self, paint: Paint) -> String {
        let (before, after) = (self.version_before, self.version_after);
        let ledger = &self.ledger;
        if self.migrations.is_empty() {
            return format!("The ledger {ledger} is up to date: its schema is version {after}.");
        }
        let done = match (self.dry_run, self.new) {
            (false, true) => format!("Made the ledger {ledger}; its schema is version {after}."),
            (false, false) => {
                format!("Brought the ledger {ledger} from version {before} to version {after}.")
            }
            (true, true) => format!(
                "There is no ledger {ledger}. It would be made, with the schema of version {after}."
            ),
            (true, false) => {
                format!("The ledger {ledger} would go from version {before} to version {after}.")
            }
        };
        let steps = self.migrations.iter().map(|step| {
            let number = format!("{:04}", step.version);
            format!("\n  {} {}", paint.cyan(number), step.description)
        });
        let applied = if self.dry_run {
            "Nothing was changed. To apply:"
        } else {
            "Applied:"
        };
        format!("{done}\n{applied}{}", steps.collect::<String>())
    }
}

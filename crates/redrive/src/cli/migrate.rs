//! `redrive migrate`: the ledger's schema, brought up to date.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use redrive_ledger::{Migration, Schema, SqliteLedger};
use serde::Serialize;

use super::Global;
use crate::printer::{Paint, Printer};
use crate::{config, ledger};

/// Bring the ledger's schema up to date; make the ledger where there is none
///
/// Commands that open a ledger do so by themselves. This one does it beforehand, and tells what is done. All migrations are
/// applied, or none. Temporal is not needed.
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
    /// The ledger's file.
    ledger: PathBuf,
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
    let path = ledger::path(&config.ledger.url)?;
    let new = !path.exists();
    let before = match args.dry_run {
        true => SqliteLedger::schema(&path).await?,
        false => SqliteLedger::migrate(&path).await?,
    };
    let migrated = Migrated::new(&path, args.dry_run, new, before);
    printer.data(&migrated, Migrated::text)?;
    Ok(ExitCode::SUCCESS)
}

impl Migrated {
    fn new(path: &Path, dry_run: bool, new: bool, before: Schema) -> Self {
        Self {
            ledger: std::path::absolute(path).unwrap_or_else(|_| path.to_owned()),
            dry_run,
            new,
            version_before: before.found,
            version_after: before.known,
            migrations: before.pending,
        }
    }

    fn text(&self, paint: Paint) -> String {
        let (before, after) = (self.version_before, self.version_after);
        let ledger = self.ledger.display();
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

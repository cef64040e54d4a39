//! `redrive config check`.

use std::path::PathBuf;
use std::process::ExitCode;

use redrive_ledger::LedgerUrl;
use serde::Serialize;

use crate::cli::{Global, web};
use crate::config;
use crate::printer::{Paint, Printer};

/// A configuration without a mistake.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Checked {
    /// The file; none where the defaults hold.
    file: Option<PathBuf>,
    /// Settings that the file sets.
    set_count: usize,
}

/// Checks.
pub fn run(global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let loaded = config::load_with_sources(&global.overrides())?;
    // What takes the place of the file's ledger is no part of the file, so nobody has looked at it yet.
    LedgerUrl::parse(&loaded.config.ledger.url)?;
    web::check(&loaded.config.web)?;
    let set_count = loaded.written_settings();
    let file = loaded.file;
    printer.data(&Checked { file, set_count }, Checked::text)?;
    Ok(ExitCode::SUCCESS)
}

impl Checked {
    fn text(&self, paint: Paint) -> String {
        let fine = paint.green("fine");
        match (&self.file, self.set_count) {
            (None, _) => format!("There is no configuration file, so the defaults hold: {fine}."),
            (Some(file), 0) => format!("{} is {fine}; it sets nothing.", file.display()),
            (Some(file), 1) => format!("{} is {fine}; it sets 1 value.", file.display()),
            (Some(file), count) => format!("{} is {fine}; it sets {count} values.", file.display()),
        }
    }
}

//! `redrive config show`.

use std::path::PathBuf;
use std::process::ExitCode;

use serde::Serialize;
use toml::Value;

use crate::cli::Global;
use crate::config::{self, ShownSetting, Source};
use crate::printer::{Paint, Printer, table};

/// The configuration that holds.
#[derive(Debug, Serialize)]
struct Shown {
    /// The file; none where there is none.
    file: Option<PathBuf>,
    /// Every setting.
    settings: Vec<ShownSetting>,
}

/// Shows.
pub fn run(global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let loaded = config::load_with_sources(&global.overrides())?;
    let settings = loaded.settings();
    let file = loaded.file;
    printer.data(&Shown { file, settings }, Shown::text)?;
    Ok(ExitCode::SUCCESS)
}

impl Shown {
    fn text(&self, paint: Paint) -> String {
        let mut table = table(["setting", "value", "source", "default"]);
        for setting in &self.settings {
            let value = in_words(&setting.value);
            let value = match setting.source {
                Source::Default => value,
                _ => paint.bold(value),
            };
            let default = setting.default.as_ref();
            table.add_row([
                paint.cyan(&setting.key),
                value,
                setting.source.to_string(),
                default.map_or_else(|| "-".to_owned(), in_words),
            ]);
        }
        table.trim_fmt()
    }
}

/// A value without quotes; a list that has nothing is none.
fn in_words(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(list) if list.is_empty() => "none".to_owned(),
        other => other.to_string(),
    }
}

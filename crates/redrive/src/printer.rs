//! What a command prints: data on stdout, talk on stderr. Nothing else in the project prints.
//!
//! *Data* is what was asked for, as text or as JSON, from one value. *Talk* is everything else: progress, hints,
//! warnings, errors; it is for a person, and may change.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anyhow::Context;
use comfy_table::{ColumnConstraint, ContentArrangement, Table};
use indicatif::ProgressDrawTarget;
use serde::Serialize;

use crate::environment;
use crate::problem::hint_of;

/// The form of the data.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people: local times, tables.
    #[default]
    Text,
    /// For programs: one JSON value, times in UTC.
    Json,
    /// For programs that read line by line: a list's items as JSON, one a line.
    Jsonl,
}

/// Prints for one command.
#[derive(Debug, Clone)]
pub struct Printer {
    format: Format,
    data: Paint,
    talk: Paint,
}

impl Printer {
    /// A printer for this terminal: in colour where it is one and `NO_COLOR` is not set.
    pub fn new(format: Format) -> Self {
        let wanted = environment::raw(environment::NO_COLOR).is_none();
        Self {
            format,
            data: Paint(wanted && io::stdout().is_terminal()),
            talk: Paint(wanted && io::stderr().is_terminal()),
        }
    }

    /// The form of the data.
    pub fn format(&self) -> Format {
        self.format
    }

    /// The same printer with another form of data.
    #[must_use]
    pub fn with_format(&self, format: Format) -> Self {
        Self {
            format,
            ..self.clone()
        }
    }

    /// Prints what was asked for: `value` as JSON, or the text that `text` makes of it.
    pub fn data<T: Serialize>(
        &self,
        value: &T,
        text: impl FnOnce(&T, Paint) -> String,
    ) -> anyhow::Result<()> {
        let data = match self.format {
            Format::Text => text(value, self.data),
            Format::Json => serde_json::to_string_pretty(value).context(NO_JSON)?,
            Format::Jsonl => lines(&serde_json::to_value(value).context(NO_JSON)?),
        };
        self.text(&data)
    }

    /// Prints what was asked for in a form of its own.
    pub fn text(&self, data: &str) -> anyhow::Result<()> {
        if data.is_empty() {
            return Ok(());
        }
        written(writeln!(io::stdout(), "{}", data.trim_end()))
    }

    /// Tells the person something.
    pub fn say(&self, sentence: impl Display) {
        self.talk_line(format_args!("{sentence}"));
    }

    /// Warns the person.
    pub fn warn(&self, sentence: impl Display) {
        self.talk_line(format_args!("{} {sentence}", self.talk.yellow("warning:")));
    }

    /// Tells the person what to do.
    pub fn hint(&self, sentence: impl Display) {
        self.talk_line(format_args!("{} {sentence}", self.talk.cyan("hint:")));
    }

    /// Tells the person what went wrong, and what to do.
    pub fn error(&self, error: &anyhow::Error) {
        self.talk_line(format_args!(
            "{} {}",
            self.talk.red("error:"),
            sentence(error)
        ));
        if let Some(hint) = hint_of(error) {
            self.hint(hint);
        }
    }

    /// Where progress bars are drawn: stderr, and only on a terminal.
    pub fn progress(&self) -> ProgressDrawTarget {
        ProgressDrawTarget::stderr()
    }

    /// The colours of talk.
    pub fn talk_paint(&self) -> Paint {
        self.talk
    }

    fn talk_line(&self, line: impl Display) {
        // Nobody is left to be told that stderr is closed.
        let _ = writeln!(io::stderr(), "{line}");
    }
}

const NO_JSON: &str = "the answer cannot be written as JSON";

/// A list's items one a line; anything else in one line.
fn lines(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Array(items) => {
            let lines: Vec<String> = items.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
        one => one.to_string(),
    }
}

/// The error and its causes, as far as they are not told yet: some of our errors tell their cause themselves.
fn sentence(error: &anyhow::Error) -> String {
    error
        .chain()
        .skip(1)
        .fold(error.to_string(), |told, cause| {
            let cause = cause.to_string();
            if told.contains(&cause) {
                told
            } else {
                format!("{told}: {cause}")
            }
        })
}

/// A reader that went away (`redrive dlq list | head`) is no error.
fn written(result: io::Result<()>) -> anyhow::Result<()> {
    match result {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(error).context("stdout cannot be written")
        }
        _ => Ok(()),
    }
}

/// Below this many columns a terminal does not tell its width, or nothing fits: lines are left long.
const NARROWEST: u16 = 40;

/// A table as we print them, with `trim_fmt`: no frame, columns that fit the terminal.
pub fn table<'a>(header: impl AsRef<[&'a str]>) -> Table {
    let mut table = Table::new();
    let fits = table.width().is_some_and(|width| width >= NARROWEST);
    let arrangement = if fits {
        ContentArrangement::Dynamic
    } else {
        ContentArrangement::Disabled
    };
    table
        .load_style(comfy_table::presets::NOTHING)
        .set_content_arrangement(arrangement)
        .set_header(header.as_ref().iter().copied());
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    // What a row is about is an id, and stays whole, so that it can be copied.
    if let Some(first) = table.column_mut(0) {
        first.set_constraint(ColumnConstraint::ContentWidth);
    }
    table
}

/// Colours, or none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Paint(bool);

impl Paint {
    /// No colours.
    pub const PLAIN: Self = Self(false);

    /// Whether it colours at all.
    pub fn is_coloured(self) -> bool {
        self.0
    }

    /// Bold.
    pub fn bold(self, text: impl Display) -> String {
        self.paint("1", text)
    }

    /// Dim.
    pub fn dim(self, text: impl Display) -> String {
        self.paint("2", text)
    }

    /// Red: lost, failed.
    pub fn red(self, text: impl Display) -> String {
        self.paint("31", text)
    }

    /// Green: well.
    pub fn green(self, text: impl Display) -> String {
        self.paint("32", text)
    }

    /// Yellow: look at it.
    pub fn yellow(self, text: impl Display) -> String {
        self.paint("33", text)
    }

    /// Cyan: names.
    pub fn cyan(self, text: impl Display) -> String {
        self.paint("36", text)
    }

    fn paint(self, code: &str, text: impl Display) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_string()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_paint_leaves_text_as_it_is() {
        assert_eq!(Paint::PLAIN.red("no"), "no");
        assert_eq!(Paint(true).red("no"), "\x1b[31mno\x1b[0m");
    }

    #[test]
    fn a_list_is_a_line_an_item() {
        let list = serde_json::json!([{"a": 1}, 2]);
        assert_eq!(lines(&list), "{\"a\":1}\n2");
        assert_eq!(lines(&serde_json::json!({"a": 1})), "{\"a\":1}");
        assert_eq!(lines(&serde_json::json!([])), "");
    }

    #[test]
    fn a_cause_is_told_once() {
        let cause = anyhow::anyhow!("no space left");
        assert_eq!(
            sentence(&cause.context("cannot write")),
            "cannot write: no space left"
        );
        let cause = anyhow::anyhow!("no space left");
        assert_eq!(
            sentence(&cause.context("cannot write: no space left")),
            "cannot write: no space left"
        );
    }

    #[test]
    fn a_reader_that_went_away_is_no_error() {
        assert!(written(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(written(Err(io::ErrorKind::StorageFull.into())).is_err());
    }

    #[test]
    fn colours_take_no_room_and_ids_are_not_cut() {
        let bold = Paint(true).bold("order-fulfillment-ORD-7");
        for id in ["order-fulfillment-ORD-7", bold.as_str()] {
            let mut table = table(["order", "message"]);
            table
                .set_content_arrangement(ContentArrangement::Dynamic)
                .set_width(40);
            table.add_row([id, "the carrier takes none"]);
            let lines: Vec<String> = table.trim_fmt().lines().map(str::to_owned).collect();
            assert_eq!(lines[0], "order                    message");
            assert_eq!(lines[1], format!("{id}  the carrier"));
        }
    }

    #[test]
    fn a_table_has_no_frame_and_no_trailing_frame() {
        let mut table = table(["order", "state"]);
        table.add_row(["ORD-1", "failed"]);
        assert_eq!(table.trim_fmt(), "order  state\nORD-1  failed");
    }
}

//! What is wrong with a configuration file, in a sentence that names the file, the line and the setting.

use std::ops::Range;

use redrive_core::suggest::unknown_setting;

use crate::problem::Problem;

/// Where to read on.
pub const EVERY_SETTING: &str = "redrive.example.toml shows every setting with its default.";

/// The sentence for an error of the TOML reader.
pub fn of(error: &toml::de::Error, text: &str, file: &str) -> Problem {
    let at = error.span().map_or(0, |span: Range<usize>| span.start);
    let line = text[..floor(text, at)].matches('\n').count() + 1;
    let place = format!("{file}, line {line}");
    let message = error.message().trim_end_matches('.');
    let what = if let Some(unknown) = unknown_setting(message) {
        match table_at(text, at) {
            Some(table) => format!("{place}: in {table}, {unknown}"),
            None => format!("{place}: {unknown}"),
        }
    } else if let Some((found, wanted)) = mismatch(message) {
        format!(
            "{place}: {} is {found}: write {wanted}",
            setting_at(text, at).unwrap_or_else(|| "the value".to_owned())
        )
    } else if let Some(setting) = setting_at(text, at) {
        format!("{place}: {setting}: {}", message.replace('\n', " "))
    } else {
        format!("{place} is not TOML: {}", message.replace('\n', ", "))
    };
    let end = if what.ends_with(['?', '.']) { "" } else { "." };
    Problem::user(format!("{what}{end}"), EVERY_SETTING)
}

/// Serde's `invalid type: FOUND, expected WANTED` (or `invalid value`), in words of a person.
fn mismatch(message: &str) -> Option<(&str, String)> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (found, wanted) = rest.split_once(", expected ")?;
    let wanted = match wanted {
        "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" => "text in quotes",
        "a sequence" => "a list, in [ ]",
        "a map" => "a table",
        struct_ if struct_.starts_with("struct ") => "a table with its settings",
        other => other,
    };
    Some((found, wanted.to_owned()))
}

/// The table that the line belongs to, as it is written: `[policy.scan]`.
fn table_at(text: &str, at: usize) -> Option<&str> {
    let before = &text[..floor(text, at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    text[..line_start]
        .lines()
        .map(str::trim)
        .rfind(|line| line.starts_with('['))
        .map(without_comment)
}

/// The setting whose value stands there, with its tables: `policy.backoff.initial`.
fn setting_at(text: &str, at: usize) -> Option<String> {
    let before = &text[..floor(text, at)];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let keys = keys_before(&before[line_start..])?;
    let table = table_at(text, at).map(|table| table.trim_matches(['[', ']']).trim());
    Some(table.map_or_else(|| keys.clone(), |table| format!("{table}.{keys}")))
}

/// The keys that lead to the end of `line`, through inline tables: `backoff = { initial = ` is `backoff.initial`.
fn keys_before(line: &str) -> Option<String> {
    let mut open: Vec<&str> = Vec::new();
    let mut last = None;
    for part in line.split_inclusive(['=', '{', '}', ',', '[']) {
        let (word, ending) = part.split_at(part.len() - 1);
        match ending {
            "=" => last = Some(word.trim().trim_matches('"')),
            "{" => open.extend(last.take()),
            "}" => drop(open.pop()),
            _ => {}
        }
    }
    open.extend(last);
    (!open.is_empty()).then(|| open.join("."))
}

fn without_comment(line: &str) -> &str {
    line.split_once('#')
        .map_or(line, |(line, _)| line.trim_end())
}

/// The nearest place at or before `at` where the text can be cut.
fn floor(text: &str, at: usize) -> usize {
    (0..=at.min(text.len()))
        .rev()
        .find(|place| text.is_char_boundary(*place))
        .unwrap_or(0)
}

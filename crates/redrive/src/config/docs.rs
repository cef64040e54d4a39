//! docs/CONFIGURATION.md, made of the list of settings, the defaults in the code, and the variables of the environment.

use std::collections::BTreeMap;
use std::fmt::Write;

use redrive_core::policy::{DEFAULT_REPROCESSABLE, DEFAULT_WORKFLOW_TYPE};
use toml::Value;

use super::shown::leaves;
use super::{Config, SETTINGS};
use crate::environment::{OURS, TEMPORALS};

/// A policy that uses every kind of condition, and gives statuses a treatment of their own.
pub(super) const EXAMPLE: &str = r#"[policy.statuses.carrier_down]      # a status of your own: it has to say whether it is reprocessed
reprocess = true
max_retries = 8
backoff = { initial = "5m", factor = 2.0, max = "4h" }

[policy.statuses.validation_failed] # one of the defaults, switched off
reprocess = false

[[policy.rules]]                    # the carrier's server is not there
name = "carrier refuses connections"
activity_type = "BookCarrier"
message = "connection (refused|reset)"
status = "carrier_down"

[[policy.rules]]                    # the carrier's server is too slow
name = "carrier hangs"
activity_type = "BookCarrier"
timeout = "start_to_close"
status = "carrier_down"

[[policy.rules]]                    # an old name of a failure
name = "slamming"
workflow_type = "OrderFulfillmentWorkflow"
failure_type = "SlamException"
status = "slam_failed"
"#;

/// The whole page.
pub fn markdown() -> String {
    [
        INTRODUCTION.to_owned(),
        format!("## Settings\n\n{}", settings()),
        statuses(),
        format!("## Rules\n\n{RULES}\n\n```toml\n{EXAMPLE}```"),
        format!(
            "## Environment\n\n{ENVIRONMENT}\n\n{}",
            table("variable", "meaning", OURS)
        ),
        format!("{TEMPORAL}\n\n{}", table("variable", "meaning", TEMPORALS)),
    ]
    .join("\n\n")
        + "\n"
}

const INTRODUCTION: &str = "\
<!-- Made from the code: REDRIVE_WRITE_DOCS=1 cargo test -p redrive --test cli docs:: -->

# Configuration

Redrive reads one TOML file: the one of `--config`, else of `REDRIVE_CONFIG`, else `redrive.toml` in the current folder if it
is there. What the file leaves out takes its default, and without a file everything does.
[redrive.example.toml](../redrive.example.toml) has every setting, commented out, to begin with.

A setting takes its value from the first of these that has one: a flag (`--ledger`), the environment
(`REDRIVE_LEDGER_URL`), the file, the default. `redrive config show` tells for each setting what holds and where it comes
from; `redrive config check` says whether a file is fine; `redrive policy test FILE` shows what a policy does.

Durations are written `\"30s\"`, `\"15m\"`, `\"1h30m\"`, `\"2 days\"`. A setting that Redrive does not know is an error, never
passed over.";

const RULES: &str = "\
A failure's status is, in this order: what the first matching rule says; `workflow_timed_out` for a run that timed out as a
whole; the type of the outermost application failure; `unclassified`. The status decides whether the order is reprocessed, how
often and how fast.

All conditions of a rule must hold, and it must have one at least. Each may be met by another cause of the failure's chain:
Temporal wraps what an activity failed with, so that the wrapper knows the activity, and the cause below it the message.

`redrive policy test redrive.toml --activity BookCarrier --message \"connection reset by peer\"` tells which rule such a failure
meets, and which condition the others miss.";

const ENVIRONMENT: &str = "A variable that is empty counts as not set.";

const TEMPORAL: &str = "\
Where Temporal is, and how to be let in, is Temporal's own configuration, the same as for its CLI and its SDKs: these
variables, over a profile of `temporal.toml`. Where nothing is set it is `localhost:7233`, namespace `default`.";

/// One table of settings for each table of the file.
fn settings() -> String {
    let defaults = defaults();
    let mut sections: Vec<(String, String)> = Vec::new();
    for setting in SETTINGS {
        let (table, name) = heading(setting.key);
        if sections.last().is_none_or(|(last, _)| *last != table) {
            sections.push((table, row("setting", "default", "unit", "meaning") + RULER));
        }
        let default = match (setting.otherwise, defaults.get(setting.key)) {
            (Some(otherwise), _) => otherwise.to_owned(),
            (None, Some(value)) => format!("`{value}`"),
            (None, None) => "none".to_owned(),
        };
        if let Some((_, rows)) = sections.last_mut() {
            *rows += &row(
                &format!("`{name}`"),
                &default,
                setting.unit,
                setting.meaning,
            );
        }
    }
    let sections = sections
        .iter()
        .map(|(table, rows)| format!("### `{table}`\n\n{}", rows.trim_end()));
    sections.collect::<Vec<_>>().join("\n\n")
}

const RULER: &str = "|---|---|---|---|\n";

fn row(name: &str, default: &str, unit: &str, meaning: &str) -> String {
    format!("| {name} | {default} | {unit} | {meaning} |\n")
}

/// The table that a setting stands under, as a file writes it, and its name there.
fn heading(key: &str) -> (String, &str) {
    // The waits of a status are written as one value, and a list of tables belongs to the tables.
    let (table, name) = match key.split_once(".NAME.") {
        Some((table, name)) => (format!("{table}.NAME"), name),
        None => match key.rsplit_once('.') {
            Some((table, name)) => (table.to_owned(), name),
            None => (String::new(), key),
        },
    };
    match table.strip_suffix("[]") {
        Some(list) => (format!("[[{list}]]"), name),
        None => (format!("[{table}]"), name),
    }
}

/// The value of each setting where nobody sets it.
fn defaults() -> BTreeMap<String, Value> {
    let leaves = leaves(&Config::default());
    leaves
        .into_iter()
        .map(|leaf| (leaf.shape, leaf.value))
        .collect()
}

fn statuses() -> String {
    let names = DEFAULT_REPROCESSABLE
        .map(|name| format!("`{name}`"))
        .join(", ");
    format!(
        "## Statuses and types without a file\n\nReprocessed are: {names}. `[policy.statuses.NAME]` changes one of \
         them, or adds another.\n\nWatched is `{DEFAULT_WORKFLOW_TYPE}` alone. A file with a `[[policy.watch]]` names \
         all the types that are watched."
    )
}

fn table(name: &str, meaning: &str, rows: &[(&str, &str)]) -> String {
    let mut text = format!("| {name} | {meaning} |\n|---|---|\n");
    for (name, meaning) in rows {
        // Writing to a text does not fail.
        let _ = writeln!(text, "| `{name}` | {meaning} |");
    }
    text.trim_end().to_owned()
}

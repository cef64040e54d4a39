//! The configuration that holds, setting by setting: its value, where that comes from, and what it is without being set.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;
use toml::{Table, Value};

use super::flat::{Leaf, flatten};
use super::{Config, Loaded, SETTINGS, Setting};
use crate::ledger;

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "name", rename_all = "camelCase")]
pub enum Source {
    /// The code.
    Default,
    /// This configuration file.
    File(PathBuf),
    /// This variable of the environment.
    Environment(&'static str),
    /// This flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(file) => write!(f, "file {}", file.display()),
            Self::Environment(variable) => write!(f, "environment {variable}"),
            Self::Flag(flag) => write!(f, "flag {flag}"),
        }
    }
}

/// A setting as it holds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ShownSetting {
    /// Its key: `policy.backoff.initial`, `policy.watch[0].order_id`.
    pub key: String,
    /// Its value.
    pub value: Value,
    /// Where the value comes from.
    pub source: Source,
    /// Its value where nobody sets it; none for what exists only where a file names it.
    pub default: Option<Value>,
    /// What the value is counted in, or how it is written.
    pub unit: &'static str,
    /// What it does.
    pub meaning: &'static str,
}

impl Loaded {
    /// How many values the file sets.
    pub fn written_settings(&self) -> usize {
        flatten(&self.written).len()
    }

    /// Every setting, in the order of [`SETTINGS`].
    pub fn settings(&self) -> Vec<ShownSetting> {
        let written: BTreeSet<String> = keys(flatten(&self.written)).collect();
        let mut defaults: BTreeMap<String, Value> = leaves(&Config::default())
            .into_iter()
            .map(|leaf| (leaf.key, leaf.value))
            .collect();
        let mut held = leaves(&self.config);
        // Settings of one table stay together where there are several such tables.
        held.sort_by_cached_key(|leaf| {
            let kind = leaf.shape.split_inclusive("[]").next().unwrap_or_default();
            let kind = kind.split_inclusive(".NAME").next().unwrap_or_default();
            let first = SETTINGS
                .iter()
                .position(|setting| setting.key.starts_with(kind));
            (first, table_of(leaf), place(&leaf.shape))
        });
        let shown = held.into_iter().map(|leaf| {
            let setting = Setting::of(&leaf.shape);
            ShownSetting {
                source: self.source(&leaf.key, &written),
                default: defaults.remove(&leaf.key),
                unit: setting.map_or("", |setting| setting.unit),
                meaning: setting.map_or("", |setting| setting.meaning),
                value: without_password(&leaf.key, leaf.value),
                key: leaf.key,
            }
        });
        shown.collect()
    }

    fn source(&self, key: &str, written: &BTreeSet<String>) -> Source {
        let over = self.overridden.iter().find(|(setting, _)| *setting == key);
        if let Some((_, source)) = over {
            return source.clone();
        }
        match &self.file {
            Some(file) if written.contains(key) => Source::File(file.clone()),
            _ => Source::Default,
        }
    }
}

/// The value as it may be shown.
fn without_password(key: &str, value: Value) -> Value {
    match value {
        Value::String(url) if key == "ledger.url" => Value::String(ledger::shown(&url)),
        value => value,
    }
}

/// Every value of a configuration.
pub(super) fn leaves(config: &Config) -> Vec<Leaf> {
    let table = Table::try_from(config).expect("a configuration is written as it is read");
    flatten(&table)
}

fn keys(leaves: Vec<Leaf>) -> impl Iterator<Item = String> {
    leaves.into_iter().map(|leaf| leaf.key)
}

/// Which of several tables alike the value stands in: `policy.watch[0]`; empty for a table that is the only one.
fn table_of(leaf: &Leaf) -> String {
    // A key has as much after its table as its shape has after the placeholder.
    let tail = leaf
        .shape
        .rsplit_once("[]")
        .or_else(|| leaf.shape.rsplit_once(".NAME"));
    tail.map_or_else(String::new, |(_, tail)| {
        leaf.key.strip_suffix(tail).unwrap_or(&leaf.key).to_owned()
    })
}

/// Where the setting stands in the list.
fn place(shape: &str) -> usize {
    let listed = SETTINGS.iter().position(|setting| setting.key == shape);
    listed.unwrap_or(SETTINGS.len())
}

//! Which configuration file is read, and what overrides it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redrive_ledger::LedgerUrl;
use toml::Table;

use super::{Config, MOST_AT_ONCE, Source, sentence};
use crate::environment;
use crate::problem::Problem;

/// The file that is read where none is named.
pub const DEFAULT_FILE: &str = "redrive.toml";
/// The shortest interval that a schedule of Temporal has.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(1);

/// What is said over the file, on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Overrides {
    /// `--config`.
    pub config: Option<PathBuf>,
    /// `--ledger`.
    pub ledger: Option<String>,
}

/// A configuration, and where each part of it comes from.
#[derive(Debug, Clone, PartialEq)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// The file it was read from, if one was.
    pub file: Option<PathBuf>,
    /// What that file says.
    pub(super) written: Table,
    /// What took the place of settings, by their keys.
    pub(super) overridden: Vec<(&'static str, Source)>,
}

/// The configuration: of `--config`, else of `REDRIVE_CONFIG`, else of `redrive.toml` in the current folder if it is there,
/// else the defaults. `--ledger`, else `REDRIVE_LEDGER_URL`, takes the place of `ledger.url`, and `REDRIVE_LISTEN` that of
/// `web.listen`.
///
/// Errors, each in a sentence: a named file that cannot be read; an unknown setting; a value that is none; settings that
/// make no sense.
pub fn load(overrides: &Overrides) -> Result<Config, Problem> {
    Ok(load_with_sources(overrides)?.config)
}

/// The same, with where it comes from.
///
/// Errors: as [`load`].
pub fn load_with_sources(overrides: &Overrides) -> Result<Loaded, Problem> {
    let named = overrides
        .config
        .clone()
        .or_else(|| environment::raw(environment::CONFIG).map(PathBuf::from));
    let file = named.or_else(|| Some(PathBuf::from(DEFAULT_FILE)).filter(|file| file.exists()));
    let (mut config, written) = match &file {
        Some(file) => read_with_text(file)?,
        None => (Config::default(), Table::new()),
    };
    let flag = overrides
        .ledger
        .clone()
        .map(|url| (url, Source::Flag("--ledger")));
    let variable = || {
        let url = environment::text(environment::LEDGER_URL)?;
        Some((url, Source::Environment(environment::LEDGER_URL)))
    };
    let mut overridden = Vec::new();
    if let Some((url, source)) = flag.or_else(variable) {
        config.ledger.url = url;
        overridden.push(("ledger.url", source));
    }
    if let Some(address) = listen()? {
        config.web.listen = address;
        overridden.push(("web.listen", Source::Environment(environment::LISTEN)));
    }
    Ok(Loaded {
        config,
        file,
        written,
        overridden,
    })
}

/// The address that the environment names.
fn listen() -> Result<Option<SocketAddr>, Problem> {
    let Some(named) = environment::text(environment::LISTEN) else {
        return Ok(None);
    };
    let address = named.parse().map_err(|_| {
        Problem::user(
            format!("{} is {named:?}, which is no address.", environment::LISTEN),
            "write it like 127.0.0.1:8420.",
        )
    })?;
    Ok(Some(address))
}

/// Reads a configuration file. A relative path in it starts at its folder: a command finds the same ledger wherever it is
/// given.
pub fn read(file: &Path) -> Result<Config, Problem> {
    Ok(read_with_text(file)?.0)
}

/// Reads a configuration file, and what of it the file itself says.
fn read_with_text(file: &Path) -> Result<(Config, Table), Problem> {
    let text = fs::read_to_string(file).map_err(|error| {
        Problem::user(
            format!("cannot read the configuration {}: {error}.", file.display()),
            "check its path; without --config and REDRIVE_CONFIG, redrive.toml in this folder is read if it is there.",
        )
    })?;
    let mut config = parse(&text, &file.display().to_string())?;
    let url = LedgerUrl::parse(&config.ledger.url);
    if let (Some(folder), Ok(LedgerUrl::File(path))) = (file.parent(), url) {
        config.ledger.url = folder.join(path).display().to_string();
    }
    let written = text
        .parse()
        .expect("what was read as a configuration is a table");
    Ok((config, written))
}

/// Reads the configuration's text; `name` is what its errors call it.
pub fn parse(text: &str, name: &str) -> Result<Config, Problem> {
    let config: Config = toml::from_str(text).map_err(|error| sentence::of(&error, text, name))?;
    match problems(&config).as_slice() {
        [] => Ok(config),
        [one] => Err(Problem::user(
            format!("{name}: {one}."),
            sentence::EVERY_SETTING,
        )),
        many => Err(Problem::user(
            format!(
                "{name} has {} mistakes:\n  - {}.",
                many.len(),
                many.join("\n  - ")
            ),
            sentence::EVERY_SETTING,
        )),
    }
}

/// One sentence for each thing that makes no sense.
fn problems(config: &Config) -> Vec<String> {
    let mut found = Vec::new();
    if let Err(error) = LedgerUrl::parse(&config.ledger.url) {
        found.push(format!(
            "ledger.url: {}",
            error.to_string().trim_end_matches('.')
        ));
    }
    for (setting, value) in [
        ("worker.task_queue", &config.worker.task_queue),
        ("schedule.id", &config.schedule.id),
    ] {
        if value.trim().is_empty() {
            found.push(format!(
                "{setting} is empty: write a name, or leave the setting away for the default"
            ));
        }
    }
    if !(1..=MOST_AT_ONCE).contains(&config.worker.orders_at_once) {
        found.push(format!(
            "worker.orders_at_once is {}: write a number from 1 to {MOST_AT_ONCE}",
            config.worker.orders_at_once
        ));
    }
    if config.schedule.interval < SHORTEST_INTERVAL {
        found.push("schedule.interval is shorter than a second: write how often a batch starts, like \"15m\"".to_owned());
    }
    let policy = config.policy.validate().err().unwrap_or_default();
    found.extend(
        policy
            .into_iter()
            .map(|problem| format!("policy: {problem}")),
    );
    found
}

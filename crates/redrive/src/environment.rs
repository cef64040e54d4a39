//! The environment, read here and nowhere else.
//!
//! Temporal's own variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, ...) are read by Temporal's client.

use std::ffi::OsString;

use nix::unistd::{Uid, User};

/// Where the configuration file is.
pub const CONFIG: &str = "REDRIVE_CONFIG";
/// Overrides `ledger.url`.
pub const LEDGER_URL: &str = "REDRIVE_LEDGER_URL";
/// What is logged, as a filter of tracing targets.
pub const LOG: &str = "REDRIVE_LOG";
/// Where the Temporal CLI is.
pub const TEMPORAL_CLI: &str = "REDRIVE_TEMPORAL_CLI";

/// The variable's value; an empty one counts as not set, as with `VARIABLE= command` in a shell.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place where the environment is read"
)]
pub fn raw(variable: &str) -> Option<OsString> {
    std::env::var_os(variable).filter(|value| !value.is_empty())
}

/// The variable's value as text; what is not Unicode counts as not set.
pub fn text(variable: &str) -> Option<String> {
    raw(variable)?.into_string().ok()
}

/// The name of the user who gives the command, for the audit trail: `USER`, else the name of the process's user, which
/// containers have too.
pub fn user() -> Option<String> {
    let of_process = || Some(User::from_uid(Uid::effective()).ok()??.name);
    text("USER")
        .or_else(of_process)
        .filter(|name| !name.trim().is_empty())
}

/// This machine's name, as far as it is known.
pub fn host() -> String {
    let name = nix::unistd::gethostname()
        .ok()
        .and_then(|name| name.into_string().ok());
    name.filter(|name| !name.is_empty())
        .unwrap_or_else(|| "unknown-host".to_owned())
}

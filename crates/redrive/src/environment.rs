//! The environment, read here and nowhere else.
//!
//! Temporal's own variables (`TEMPORAL_ADDRESS`, `TEMPORAL_NAMESPACE`, ...) are read by Temporal's client.

use std::ffi::OsString;

use nix::unistd::{Uid, User};

/// Where the configuration file is.
pub const CONFIG: &str = "REDRIVE_CONFIG";
/// Overrides `ledger.url`.
pub const LEDGER_URL: &str = "REDRIVE_LEDGER_URL";
/// Overrides `web.listen`.
pub const LISTEN: &str = "REDRIVE_LISTEN";
/// The server that answers commands.
pub const SERVER: &str = "REDRIVE_SERVER";
/// The token that is shown to it.
pub const TOKEN: &str = "REDRIVE_TOKEN";
/// What is logged, as a filter of tracing targets.
pub const LOG: &str = "REDRIVE_LOG";
/// Where the Temporal CLI is.
pub const TEMPORAL_CLI: &str = "REDRIVE_TEMPORAL_CLI";
/// Whether colours are unwanted, as many programs understand it.
pub const NO_COLOR: &str = "NO_COLOR";

/// Our variables, each with what it does.
pub const OURS: &[(&str, &str)] = &[
    (
        CONFIG,
        "The configuration file, where `--config` names none.",
    ),
    (
        LEDGER_URL,
        "The ledger, instead of `ledger.url` of the file, where `--ledger` names none.",
    ),
    (
        LISTEN,
        "Where `up` and `serve` answer over HTTP, instead of `web.listen`, where `--listen` names no address.",
    ),
    (
        SERVER,
        "The server of Redrive that answers commands, where neither `--server` nor `--ledger` names another.",
    ),
    (
        TOKEN,
        "The token that is shown to that server, where it asks for one (`redrive token create`).",
    ),
    (
        LOG,
        "What is logged, a filter like `info` or `redrive=debug,temporalio=warn`; without it `error,redrive=info,temporalio=warn`. A release build has no `trace`.",
    ),
    (
        TEMPORAL_CLI,
        "The Temporal CLI that `up` and `demo` start a server with, where `--temporal-cli` names none.",
    ),
    (NO_COLOR, "Set to anything: no colours."),
];

/// Temporal's variables, each with what it does.
pub const TEMPORALS: &[(&str, &str)] = &[
    ("TEMPORAL_ADDRESS", "The server, as `host:port`."),
    ("TEMPORAL_NAMESPACE", "The namespace."),
    ("TEMPORAL_API_KEY", "The API key; it switches TLS on."),
    ("TEMPORAL_TLS", "`true` or `false`: TLS or none."),
    (
        "TEMPORAL_TLS_CLIENT_CERT_PATH",
        "The client's certificate; `TEMPORAL_TLS_CLIENT_CERT_DATA` has it in the variable itself.",
    ),
    (
        "TEMPORAL_TLS_CLIENT_KEY_PATH",
        "The client's key; or `TEMPORAL_TLS_CLIENT_KEY_DATA`.",
    ),
    (
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH",
        "The authority that signed the server's certificate; or `TEMPORAL_TLS_SERVER_CA_CERT_DATA`.",
    ),
    (
        "TEMPORAL_TLS_SERVER_NAME",
        "The name in the server's certificate, where it is not the host's.",
    ),
    (
        "TEMPORAL_GRPC_META_NAME",
        "A header `name` that goes with every call.",
    ),
    ("TEMPORAL_CONFIG_FILE", "Where `temporal.toml` is."),
    (
        "TEMPORAL_PROFILE",
        "The profile of `temporal.toml`; without it `default`.",
    ),
];

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

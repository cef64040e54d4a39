//! What a command says when it cannot do its work: one sentence of what, one of what to do, and whose fault it is.
//!
//! Other crates' errors come here as they are; [`code_of`] says which of them the user can mend.

use std::fmt;
use std::process::ExitCode;

use redrive_engine::EngineError;
use redrive_engine::gateway::GatewayError;
use redrive_engine::ops::OpsError;
use redrive_ledger::LedgerError;
use reqwest::StatusCode;

use crate::backend::RemoteError;

/// Exit code of a user's error, and of work that was done in part.
pub const USER: u8 = 1;
/// Exit code of an error of ours, or of what we stand on.
pub const OURS: u8 = 2;

/// A problem that a command ends with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// What is wrong, in a sentence.
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The exit code: [`USER`] or [`OURS`].
    pub code: u8,
}

impl Problem {
    /// A problem that the user can mend.
    pub fn user(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: Some(hint.into()),
            code: USER,
        }
    }

    /// A batch that did not end well, or cannot be followed.
    pub fn of_batch(what: impl Into<String>) -> Self {
        Self::ours(what, HINT_OF_BATCH)
    }

    /// A problem of ours, or of what we stand on.
    pub fn ours(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            hint: Some(hint.into()),
            code: OURS,
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Problem {}

/// What to do about an error, where its sentence does not say so itself.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    error.chain().find_map(|cause| {
        if let Some(problem) = cause.downcast_ref::<Problem>() {
            return problem.hint.as_deref();
        }
        if let Some(error) = cause.downcast_ref::<RemoteError>() {
            return hint_of_server(error);
        }
        let engine = match cause.downcast_ref::<OpsError>() {
            Some(OpsError::Batch { .. } | OpsError::NotStarted { .. }) => {
                return Some(HINT_OF_BATCH);
            }
            Some(OpsError::Engine(engine)) => Some(engine),
            _ => cause.downcast_ref::<EngineError>(),
        };
        match engine {
            Some(EngineError::Gateway(error)) => Some(hint_of_call(error)),
            Some(EngineError::Ledger(error)) => hint_of_ledger(error),
            None => cause
                .downcast_ref::<GatewayError>()
                .map(hint_of_call)
                .or_else(|| hint_of_ledger(cause.downcast_ref()?)),
        }
    })
}

const HINT_OF_BATCH: &str = "`redrive batches list` shows how far batches came, and `redrive doctor` what keeps them from their work.";

fn hint_of_call(error: &GatewayError) -> &'static str {
    match error {
        GatewayError::Item(_) => {
            "mend what it names: Temporal refuses this one request, and takes others."
        }
        GatewayError::Throttle(_) => {
            "ask again in a minute; policy.starts_per_second keeps batches below the server's limit."
        }
        GatewayError::System(_) => {
            "check TEMPORAL_NAMESPACE, and what the API key or certificate may do; `redrive doctor` looks at the rest."
        }
        GatewayError::Unknown(_) => {
            "what was asked may have been done: look before you ask again; `redrive doctor` tells how the server is."
        }
    }
}

/// What a server says of a request says what to do.
fn hint_of_server(error: &RemoteError) -> Option<&'static str> {
    match error {
        RemoteError::Unreachable { .. } => Some(
            "is `redrive serve` or `redrive up` running there? --server or REDRIVE_SERVER names another address; --ledger asks the ledger itself.",
        ),
        RemoteError::Foreign { .. } => Some(
            "is that the address of a Redrive, and of the same version? `redrive --version` tells this one's.",
        ),
        RemoteError::Lost { .. } | RemoteError::Broken { .. } => Some(
            "what was asked may have been done: look before you ask again; if it stays, look at the server, and at the proxy before it.",
        ),
        RemoteError::Refused { status, .. } => match *status {
            StatusCode::UNAUTHORIZED => {
                Some("set REDRIVE_TOKEN to a token; `redrive token create` makes one.")
            }
            StatusCode::SERVICE_UNAVAILABLE => Some(
                "what that server asked has not answered: what was asked may have been done, so look before you ask again; `redrive doctor`, where the server runs, tells what is wrong.",
            ),
            _ => None,
        },
    }
}

/// SQLite's code for a file that it has not written.
const NOT_A_DATABASE: &str = "26";

/// The others say in their sentence what to do.
fn hint_of_ledger(error: &LedgerError) -> Option<&'static str> {
    match error {
        LedgerError::Sql { .. } => Some(
            "ask again; if it stays, look at the ledger's disk, and at what else holds the file; `redrive doctor` reads it all.",
        ),
        LedgerError::Open { source, .. }
            if source
                .as_database_error()
                .and_then(|error| error.code())
                .is_some_and(|code| code == NOT_A_DATABASE) =>
        {
            Some(
                "that file is something else: name the ledger's own with --ledger or REDRIVE_LEDGER_URL.",
            )
        }
        _ => None,
    }
}

/// Whether what failed may work a moment later: whoever was asked did not answer, or had too much to do.
pub fn may_pass(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        let server = cause.downcast_ref::<RemoteError>();
        let call = match cause.downcast_ref::<OpsError>() {
            Some(OpsError::Engine(EngineError::Gateway(error))) => Some(error),
            _ => None,
        };
        server.is_some_and(RemoteError::may_pass)
            || matches!(
                call,
                Some(GatewayError::Unknown(_) | GatewayError::Throttle(_))
            )
    })
}

/// The exit code of an error.
pub fn code_of(error: &anyhow::Error) -> ExitCode {
    ExitCode::from(code(error))
}

fn code(error: &anyhow::Error) -> u8 {
    for cause in error.chain() {
        if let Some(problem) = cause.downcast_ref::<Problem>() {
            return problem.code;
        }
        if let Some(error) = cause.downcast_ref::<RemoteError>() {
            return code_of_server(error);
        }
        if let Some(error) = cause.downcast_ref::<OpsError>() {
            return code_of_verb(error);
        }
        if let Some(error) = cause.downcast_ref::<EngineError>() {
            return code_of_engine(error);
        }
        if let Some(error) = cause.downcast_ref::<LedgerError>() {
            return code_of_ledger(error);
        }
    }
    OURS
}

fn code_of_verb(error: &OpsError) -> u8 {
    match error {
        OpsError::NoSuchOrder { .. }
        | OpsError::NoSuchFailure { .. }
        | OpsError::ManyGroups { .. }
        | OpsError::NoSuchBatch { .. }
        | OpsError::NoBatchRuns
        | OpsError::NoSchedule { .. }
        | OpsError::SeveralBatchesRun { .. }
        | OpsError::BatchEnded { .. }
        | OpsError::NotDeadLettered { .. }
        | OpsError::NotFailed(_)
        | OpsError::NoSuchOperation { .. }
        | OpsError::OperationEnded { .. }
        | OpsError::IsAnOperation { .. }
        | OpsError::OperationDoesNotRun { .. }
        | OpsError::TokenExists { .. }
        | OpsError::NoSuchToken { .. }
        | OpsError::NoFolder(_) => USER,
        OpsError::Batch { .. } => OURS,
        OpsError::NotStarted { error, .. } => code_of_start(error),
        OpsError::Engine(error) => code_of_engine(error),
    }
}

/// What Temporal does not take of what was named is the user's to mend, whoever asks it.
fn code_of_start(error: &GatewayError) -> u8 {
    match error {
        GatewayError::Item(_) => USER,
        _ => OURS,
    }
}

/// What a server does not know or allow is the user's to mend, as is a wrong address.
fn code_of_server(error: &RemoteError) -> u8 {
    match error {
        RemoteError::Refused { status, .. } if status.is_server_error() => OURS,
        RemoteError::Lost { .. } | RemoteError::Broken { .. } => OURS,
        RemoteError::Refused { .. }
        | RemoteError::Unreachable { .. }
        | RemoteError::Foreign { .. } => USER,
    }
}

fn code_of_engine(error: &EngineError) -> u8 {
    match error {
        EngineError::Ledger(error) => code_of_ledger(error),
        EngineError::Gateway(GatewayError::System(_) | GatewayError::Item(_)) => USER,
        EngineError::Gateway(_) => OURS,
    }
}

/// What is wrong with a path, a URL or a choice of ledger is the user's to mend; a broken ledger is ours.
fn code_of_ledger(error: &LedgerError) -> u8 {
    match error {
        LedgerError::Open { .. }
        | LedgerError::Server { .. }
        | LedgerError::OldServer { .. }
        | LedgerError::UnknownKind { .. }
        | LedgerError::BadUrl { .. }
        | LedgerError::Behind { .. }
        | LedgerError::Newer { .. }
        | LedgerError::OtherHome { .. }
        | LedgerError::InUse(_)
        | LedgerError::Lock { .. } => USER,
        _ => OURS,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a person reads of an error beside its sentence.
    fn hint(error: impl Into<anyhow::Error>) -> Option<String> {
        hint_of(&error.into()).map(str::to_owned)
    }

    #[test]
    fn every_refusal_says_what_to_do_however_deep_it_lies() {
        let text = || "x".to_owned();
        let calls = [
            GatewayError::Item(text()),
            GatewayError::Throttle(text()),
            GatewayError::System(text()),
            GatewayError::Unknown(text()),
        ];
        for call in calls {
            let plain = hint(call.clone()).unwrap();
            assert!(plain.ends_with('.') && plain.len() > 40, "{plain}");
            let engine = EngineError::from(call);
            let deep = anyhow::Error::from(OpsError::Engine(engine)).context("a verb failed");
            assert_eq!(hint(deep).as_ref(), Some(&plain));
        }
        let sql = |doing| LedgerError::Sql {
            doing,
            source: sqlx::Error::RowNotFound,
        };
        let told = hint(sql("read"));
        assert!(told.as_ref().unwrap().contains("redrive doctor"));
        assert_eq!(hint(EngineError::from(sql("read"))), told);
        assert_eq!(hint(OpsError::NoBatchRuns), None, "its sentence says it");
        assert_eq!(hint(Problem::user("a", "b")), Some("b".to_owned()));
    }

    #[test]
    fn what_may_pass_is_asked_again_and_a_refusal_is_not() {
        let base = || url::Url::parse("http://127.0.0.1:8420").unwrap();
        let refused = |status| RemoteError::Refused {
            status,
            code: "X".to_owned(),
            message: "x".to_owned(),
            details: None,
        };
        let cause = || "closed".to_owned();
        let call = |error| anyhow::Error::from(OpsError::from(error));
        for (error, passes) in [
            (
                RemoteError::Unreachable {
                    base: base(),
                    cause: cause(),
                }
                .into(),
                true,
            ),
            (
                RemoteError::Lost {
                    base: base(),
                    cause: cause(),
                }
                .into(),
                true,
            ),
            (
                RemoteError::Broken {
                    base: base(),
                    status: StatusCode::BAD_GATEWAY,
                }
                .into(),
                true,
            ),
            (refused(StatusCode::SERVICE_UNAVAILABLE).into(), true),
            (refused(StatusCode::NOT_FOUND).into(), false),
            (
                RemoteError::Foreign {
                    base: base(),
                    cause: cause(),
                }
                .into(),
                false,
            ),
            (call(GatewayError::Unknown(cause())), true),
            (call(GatewayError::Throttle(cause())), true),
            (call(GatewayError::System(cause())), false),
            (OpsError::NoBatchRuns.into(), false),
        ] {
            assert_eq!(may_pass(&error), passes, "{error:?}");
        }
    }

    #[test]
    fn the_user_mends_what_is_wrong_with_a_command_and_we_the_rest() {
        let id = "X-1".to_owned();
        let no_order = anyhow::Error::from(OpsError::NoSuchOrder { id });
        assert_eq!(code(&no_order), USER);
        let unknown = LedgerError::UnknownKind {
            url: "mysql://x".to_owned(),
        };
        assert_eq!(code(&anyhow::Error::from(EngineError::from(unknown))), USER);
        let gone = EngineError::from(GatewayError::Unknown("closed".to_owned()));
        assert_eq!(code(&anyhow::Error::from(OpsError::Engine(gone))), OURS);
        // A request that Temporal does not take; a server answers 400 to it.
        let refused = || GatewayError::Item("workflow id length exceeds limit".to_owned());
        let engine = OpsError::from(refused());
        assert_eq!(code(&anyhow::Error::from(engine)), USER);
        let not_started = |error| OpsError::NotStarted {
            workflow_id: "X-1".to_owned(),
            error,
        };
        assert_eq!(code(&anyhow::Error::from(not_started(refused()))), USER);
        let away = GatewayError::Unknown("closed".to_owned());
        assert_eq!(code(&anyhow::Error::from(not_started(away))), OURS);
        assert_eq!(code(&anyhow::anyhow!("anything else")), OURS);
        assert_eq!(code(&Problem::user("a", "b").into()), USER);
    }
}

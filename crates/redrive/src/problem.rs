//! What a command says when it cannot do its work: one sentence of what, one of what to do, and whose fault it is.
//!
//! Other crates' errors come here as they are; [`code_of`] says which of them the user can mend.

use std::fmt;
use std::process::ExitCode;

use redrive_engine::EngineError;
use redrive_engine::gateway::GatewayError;
use redrive_engine::ops::OpsError;
use redrive_ledger::LedgerError;

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

/// The hint that comes with an error, if it has one beside its sentence.
pub fn hint_of(error: &anyhow::Error) -> Option<&str> {
    error.downcast_ref::<Problem>()?.hint.as_deref()
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
        | OpsError::NoSuchBatch { .. }
        | OpsError::NoBatchRuns
        | OpsError::NoSchedule { .. }
        | OpsError::SeveralBatchesRun { .. }
        | OpsError::BatchEnded { .. }
        | OpsError::NotDeadLettered { .. }
        | OpsError::NoFolder(_) => USER,
        OpsError::Batch { .. } => OURS,
        OpsError::Engine(error) => code_of_engine(error),
    }
}

fn code_of_engine(error: &EngineError) -> u8 {
    match error {
        EngineError::Ledger(error) => code_of_ledger(error),
        EngineError::Gateway(GatewayError::System(_)) => USER,
        EngineError::Gateway(_) => OURS,
    }
}

/// What is wrong with a path, a URL or a choice of ledger is the user's to mend; a broken ledger is ours.
fn code_of_ledger(error: &LedgerError) -> u8 {
    match error {
        LedgerError::Open { .. }
        | LedgerError::UnknownKind { .. }
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
        assert_eq!(code(&anyhow::anyhow!("anything else")), OURS);
        assert_eq!(code(&Problem::user("a", "b").into()), USER);
    }
}

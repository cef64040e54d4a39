//! Why an activity or an operation of the engine could not do its work.

use redrive_ledger::LedgerError;

use crate::gateway::GatewayError;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The ledger failed.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A call to Temporal failed.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

impl EngineError {
    /// Whether trying again cannot help until somebody mends something: the batch fails with one sentence.
    pub fn is_system(&self) -> bool {
        match self {
            Self::Gateway(GatewayError::System(_)) => true,
            Self::Gateway(_) => false,
            Self::Ledger(error) => !matches!(error, LedgerError::Sql { .. }),
        }
    }
}

//! What a request gets that cannot be served: a status and `{error, message, details?}`. What went wrong inside is logged
//! here, once, and never sent.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum_extra::extract::{FormRejection, QueryRejection};
use redrive_engine::gateway::GatewayError;
use redrive_engine::ops::OpsError;
use redrive_engine::{EngineError, NoFailedRun};
use redrive_ledger::LedgerError;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// An error, as it is sent.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Error)]
pub(crate) struct Body {
    /// What it is, for programs.
    #[schema(example = "NOT_FOUND")]
    error: &'static str,
    /// What it is and what to do, for people.
    message: String,
    /// What else a program may want to know.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    details: Option<Value>,
}

/// Why a request is not served.
#[derive(Debug)]
pub(crate) struct ApiError {
    status: StatusCode,
    body: Body,
}

pub(crate) type Result<T> = std::result::Result<T, ApiError>;

impl ApiError {
    fn new(status: StatusCode, error: &'static str, message: impl ToString) -> Self {
        Self {
            status,
            body: Body {
                error,
                message: message.to_string(),
                details: None,
            },
        }
    }

    /// Its HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// What it says to people.
    pub fn message(&self) -> &str {
        &self.body.message
    }

    /// There is no such thing.
    pub fn not_found(message: impl ToString) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NOT_FOUND", message)
    }

    /// The request itself is wrong.
    pub fn invalid(message: impl ToString) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "INVALID_REQUEST", message)
    }

    /// What stands there does not allow it.
    pub fn conflict(message: impl ToString) -> Self {
        Self::new(StatusCode::CONFLICT, "CONFLICT", message)
    }

    /// Somebody was first.
    pub fn already_resolved(message: impl ToString, details: Value) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "ALREADY_RESOLVED", message).with(details)
    }

    /// The same, with what else a program may want to know.
    pub fn with(mut self, details: Value) -> Self {
        self.body.details = Some(details);
        self
    }

    /// It is not for whoever asks.
    pub fn refused(status: StatusCode, error: &'static str, message: &'static str) -> Self {
        Self::new(status, error, message)
    }

    /// Whoever asks may not do that.
    pub fn forbidden(message: impl ToString) -> Self {
        Self::new(StatusCode::FORBIDDEN, "FORBIDDEN", message)
    }

    /// Another site's page asks.
    pub fn cross_site() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "CROSS_SITE",
            "a page of another site may not change anything here",
        )
    }

    /// The address is there, for other methods.
    pub fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "METHOD_NOT_ALLOWED",
            "this address does not take that method",
        )
    }

    /// It took too long.
    pub fn late() -> Self {
        Self::new(
            StatusCode::GATEWAY_TIMEOUT,
            "TOO_LATE",
            "this took longer than a minute, and is no longer waited for; it may be done all the same: look before you ask again",
        )
    }

    /// What it takes does not answer.
    pub fn unavailable(message: impl ToString) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE", message)
    }

    /// It failed inside.
    pub fn internal(cause: &dyn std::error::Error) -> Self {
        tracing::error!(error = %cause, "a request failed");
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "INTERNAL",
            "this request failed; the log of redrive says why",
        )
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, Json(self.body)).into_response()
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        Self::from(OpsError::from(error))
    }
}

impl From<OpsError> for ApiError {
    fn from(error: OpsError) -> Self {
        match &error {
            OpsError::NoSuchOrder { .. }
            | OpsError::NoSuchFailure { .. }
            | OpsError::NoSchedule { .. }
            | OpsError::NoSuchBatch { .. }
            | OpsError::NoSuchOperation { .. }
            | OpsError::NoSuchToken { .. }
            | OpsError::NotFailed(NoFailedRun::Unknown { .. })
            | OpsError::NotDeadLettered { .. } => Self::not_found(error),
            OpsError::NoBatchRuns
            | OpsError::SeveralBatchesRun { .. }
            | OpsError::BatchEnded { .. }
            | OpsError::IsAnOperation { .. }
            | OpsError::TokenExists { .. }
            | OpsError::NotFailed(_)
            | OpsError::OperationEnded { .. }
            | OpsError::OperationDoesNotRun { .. } => Self::conflict(error),
            OpsError::Engine(EngineError::Gateway(
                GatewayError::Unknown(_) | GatewayError::Throttle(_),
            ))
            | OpsError::NotStarted {
                error: GatewayError::Unknown(_) | GatewayError::Throttle(_),
                ..
            } => Self::unavailable(error),
            OpsError::ManyGroups { .. } => Self::invalid(error),
            // What was named, or said, is nothing that Temporal takes.
            OpsError::Engine(EngineError::Gateway(GatewayError::Item(_)))
            | OpsError::NotStarted {
                error: GatewayError::Item(_),
                ..
            } => Self::invalid(error),
            OpsError::Engine(_)
            | OpsError::NotStarted { .. }
            | OpsError::Batch { .. }
            | OpsError::NoFolder(_) => Self::internal(&error),
        }
    }
}

/// Words about what could not be read of a request: axum's own say where and why.
macro_rules! rejected {
    ($($rejection:ty),*) => {
        $(impl From<$rejection> for ApiError {
            fn from(rejection: $rejection) -> Self {
                Self::invalid(rejection.body_text())
            }
        })*
    };
}

rejected!(PathRejection, QueryRejection, FormRejection);

impl From<JsonRejection> for ApiError {
    fn from(rejection: JsonRejection) -> Self {
        let (status, message) = (rejection.status(), rejection.body_text());
        match status {
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(status, "PAYLOAD_TOO_LARGE", message),
            StatusCode::UNSUPPORTED_MEDIA_TYPE => {
                Self::new(status, "UNSUPPORTED_MEDIA_TYPE", message)
            }
            _ => Self::invalid(message),
        }
    }
}

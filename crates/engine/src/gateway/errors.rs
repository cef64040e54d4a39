//! The one place where an answer of the server becomes a class of error (ARCHITECTURE.md, "Errors").

use tonic::{Code, Status};

/// Longest part of a server's message that is kept.
const MESSAGE_LIMIT: usize = 300;

/// Why a call did not do what it was to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GatewayError {
    /// *Item*: this one request is refused, now and again; others are not.
    #[error("the server refuses it: {0}")]
    Item(String),
    /// *Throttle*: the server asks to go slower.
    #[error("the server limits the rate: {0}")]
    Throttle(String),
    /// *System*: no call can succeed until somebody mends something.
    #[error("Temporal refuses: {0}")]
    System(String),
    /// *Unknown outcome*: the answer is lost; the call may have acted.
    #[error("no answer from Temporal: {0}")]
    Unknown(String),
}

impl GatewayError {
    /// The class of a status.
    pub fn from_status(status: &Status) -> Self {
        let message = short(without_value(status.message()));
        match status.code() {
            Code::ResourceExhausted => Self::Throttle(message),
            Code::Unauthenticated | Code::PermissionDenied | Code::Unimplemented => {
                Self::System(message)
            }
            Code::NotFound | Code::FailedPrecondition
                if message.to_lowercase().contains("namespace") =>
            {
                Self::System(message)
            }
            // Deleted, or being handed over; "Namespace x has no mapping for search attribute y" is the order's own.
            Code::InvalidArgument if message.starts_with("Namespace has invalid state") => {
                Self::System(message)
            }
            Code::InvalidArgument
            | Code::NotFound
            | Code::FailedPrecondition
            | Code::OutOfRange
            | Code::AlreadyExists => Self::Item(message),
            Code::Ok
            | Code::Cancelled
            | Code::Unknown
            | Code::DeadlineExceeded
            | Code::Aborted
            | Code::Internal
            | Code::Unavailable
            | Code::DataLoss => Self::Unknown(format!("{:?}: {message}", status.code())),
        }
    }
}

/// The message without the value that it quotes: a search attribute's value is part of an order's payload.
fn without_value(message: &str) -> &str {
    const QUOTES: &str = "invalid value for search attribute ";
    let Some((_, named)) = message.split_once(QUOTES) else {
        return message;
    };
    let value = named.find(':').map_or(0, |colon| named.len() - colon);
    &message[..message.len() - value]
}

fn short(message: &str) -> String {
    message.chars().take(MESSAGE_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_class() {
        let class = |code| match GatewayError::from_status(&Status::new(code, "x")) {
            GatewayError::Item(_) => "item",
            GatewayError::Throttle(_) => "throttle",
            GatewayError::System(_) => "system",
            GatewayError::Unknown(_) => "unknown",
        };
        assert_eq!(class(Code::InvalidArgument), "item");
        assert_eq!(class(Code::ResourceExhausted), "throttle");
        assert_eq!(class(Code::PermissionDenied), "system");
        assert_eq!(class(Code::Unauthenticated), "system");
        for code in [
            Code::Unavailable,
            Code::DeadlineExceeded,
            Code::Cancelled,
            Code::Internal,
            Code::Unknown,
        ] {
            assert_eq!(class(code), "unknown", "{code:?}: the call may have acted");
        }
    }

    #[test]
    fn a_missing_namespace_is_not_the_orders_fault() {
        let status = Status::not_found("Namespace orders is not found.");
        assert!(matches!(
            GatewayError::from_status(&status),
            GatewayError::System(_)
        ));
    }

    #[test]
    fn a_namespace_that_is_not_active_is_not_the_orders_fault() {
        for status in [
            Status::failed_precondition(
                "Namespace: orders is active in cluster: east, while current cluster west is a standby cluster.",
            ),
            Status::invalid_argument(
                "Namespace has invalid state: Deleted. Must be Registered or Deprecated.",
            ),
        ] {
            let class = GatewayError::from_status(&status);
            assert!(matches!(class, GatewayError::System(_)), "{class:?}");
        }
        for status in [
            Status::failed_precondition("Workflow execution already finished."),
            Status::invalid_argument(
                "Namespace orders has no mapping defined for search attribute Gone",
            ),
        ] {
            let class = GatewayError::from_status(&status);
            assert!(matches!(class, GatewayError::Item(_)), "{class:?}");
        }
    }

    #[test]
    fn the_value_of_a_search_attribute_is_not_kept() {
        let said = "invalid value for search attribute Shop of type Int: 12, High Street: 4";
        let class = GatewayError::from_status(&Status::invalid_argument(said));
        let kept = "invalid value for search attribute Shop of type Int".to_owned();
        assert_eq!(class, GatewayError::Item(kept));
    }

    #[test]
    fn long_messages_are_cut() {
        let GatewayError::Item(message) =
            GatewayError::from_status(&Status::invalid_argument("ä".repeat(999)))
        else {
            panic!("an invalid argument is an item error");
        };
        assert_eq!(message.chars().count(), MESSAGE_LIMIT);
    }
}

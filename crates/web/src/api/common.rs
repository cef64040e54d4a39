//! Answers that operations have in common, for what stands before all of them gives them.

use axum::http::StatusCode;

/// Which operations give it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Of {
    /// Each.
    All,
    /// Those that are asked for something in particular.
    Asking,
    /// Those below `/api`: the others are for whoever watches this process.
    Served,
    /// Those that change something.
    Writing,
}

/// An answer that says why a request is not served.
pub(crate) struct Answer {
    pub status: StatusCode,
    /// Its name in the document.
    pub name: &'static str,
    pub description: &'static str,
    pub of: Of,
}

/// All of them.
pub(crate) const ANSWERS: [Answer; 12] = [
    answer(
        StatusCode::BAD_REQUEST,
        "BadRequest",
        "What was sent makes no sense.",
        Of::Asking,
    ),
    answer(
        StatusCode::UNAUTHORIZED,
        "Unauthenticated",
        "It is not said who asks, or not so that it is believed.",
        Of::Served,
    ),
    answer(
        StatusCode::FORBIDDEN,
        "Forbidden",
        "Whoever asks may not do that, or a page of another site asks.",
        Of::Served,
    ),
    answer(
        StatusCode::CONFLICT,
        "Conflict",
        "What stands there does not allow it, or the `Idempotency-Key` is that of another request.",
        Of::Writing,
    ),
    answer(
        StatusCode::PAYLOAD_TOO_LARGE,
        "PayloadTooLarge",
        "The body is larger than anything that is expected.",
        Of::Writing,
    ),
    answer(
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "UnsupportedMediaType",
        "The body is not said to be `application/json`.",
        Of::Writing,
    ),
    answer(
        StatusCode::MISDIRECTED_REQUEST,
        "WrongHost",
        "This address is asked for by a name that is not its own.",
        Of::All,
    ),
    answer(
        StatusCode::TOO_MANY_REQUESTS,
        "TooManyRequests",
        "Whoever asks has asked too often: ask again after the seconds that `Retry-After` says.",
        Of::All,
    ),
    answer(
        StatusCode::INTERNAL_SERVER_ERROR,
        "Internal",
        "It failed; the log says why.",
        Of::All,
    ),
    answer(
        StatusCode::SERVICE_UNAVAILABLE,
        "Unavailable",
        "Temporal does not answer.",
        Of::Writing,
    ),
    answer(
        StatusCode::GATEWAY_TIMEOUT,
        "TooLate",
        "It took longer than a minute. It may be done all the same.",
        Of::All,
    ),
    answer(
        StatusCode::METHOD_NOT_ALLOWED,
        "MethodNotAllowed",
        "The address is there, for other methods.",
        Of::Asking,
    ),
];

const fn answer(
    status: StatusCode,
    name: &'static str,
    description: &'static str,
    of: Of,
) -> Answer {
    Answer {
        status,
        name,
        description,
        of,
    }
}

//! The parts of a request. What cannot be read is refused as everything else is.

use axum::extract::{FromRequest, FromRequestParts, Request};
use serde::de::DeserializeOwned;
use serde_json::{Number, Value};
use utoipa::ToSchema;

use crate::api::keeps;
use crate::problem::ApiError;

/// 2^53: up to there a double has each integer.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What the path names.
#[derive(FromRequestParts)]
#[from_request(via(axum::extract::Path), rejection(ApiError))]
pub(crate) struct Path<T>(pub T);

/// What the query asks for; a key may stand in it several times.
#[derive(FromRequestParts)]
#[from_request(via(axum_extra::extract::Query), rejection(ApiError))]
pub(crate) struct Query<T>(pub T);

/// What the body says, in JSON, and as the document of the API describes it.
pub(crate) struct Json<T>(pub T);

impl<S, T> FromRequest<S> for Json<T>
where
    S: Send + Sync,
    T: DeserializeOwned + ToSchema,
{
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let axum::Json(body) = axum::Json::<Value>::from_request(request, state).await?;
        keeps(&T::name(), &body)?;
        serde_json::from_value(whole(body))
            .map(Self)
            .map_err(ApiError::invalid)
    }
}

/// The same, with `8.0` as `8`: to JSON Schema both are integers.
fn whole(body: Value) -> Value {
    match body {
        Value::Number(number) => Value::Number(whole_number(&number).unwrap_or(number)),
        Value::Array(items) => items.into_iter().map(whole).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter();
            fields.map(|(key, value)| (key, whole(value))).collect()
        }
        other => other,
    }
}

/// The integer that is written as a fraction; `None`: it is none.
fn whole_number(number: &Number) -> Option<Number> {
    let written = number.as_f64().filter(|_| number.is_f64())?;
    let exact = written.fract() == 0.0 && written.abs() <= EXACT;
    exact.then(|| Number::from(written as i64))
}

/// What a form says; a key may stand in it several times.
#[derive(FromRequest)]
#[from_request(via(axum_extra::extract::Form), rejection(ApiError))]
pub(crate) struct Form<T>(pub T);

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_may_be_written_as_a_fraction() {
        let body = json!({ "a": [8178.0, -3.0, -0.0, 1e9], "b": { "c": 0.5, "d": 1e300, "e": "8.0" }, "f": 8 });
        let same = json!({ "a": [8178, -3, 0, 1_000_000_000], "b": { "c": 0.5, "d": 1e300, "e": "8.0" }, "f": 8 });
        assert_eq!(whole(body), same);
    }
}

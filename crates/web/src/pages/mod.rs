//! The pages: rendered here, usable without a script, and thin over the same verbs as the API.

mod api;
mod assets;
mod batches;
mod chart;
mod dead_letters;
mod deciding;
mod failures;
mod filter;
mod login;
mod moment;
mod operation;
mod orders;
mod overview;
mod rehearsal;
mod said;
mod schedule;
mod trend;

use askama::Template;
use axum::Router;
use axum::http::header::CONTENT_SECURITY_POLICY;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use redrive_core::words;

use crate::app::App;
use crate::problem::ApiError;

/// Where the pages are, and what they are called.
pub(crate) const NAV: &[(&str, &str)] = &[
    ("/", "Overview"),
    ("/dead-letters", "Dead letters"),
    ("/orders", "Orders"),
    ("/failures", "Failures"),
    ("/batches", "Batches"),
    ("/schedule", "Schedule"),
];

/// What a page may load: what is served here.
const CSP: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
                   form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Every page.
pub(crate) fn routes() -> Router<App> {
    Router::new()
        .route("/", get(overview::page))
        .route(
            "/dead-letters",
            get(dead_letters::list).post(deciding::preview),
        )
        .route("/dead-letters/decide", post(deciding::decide))
        .route(
            "/dead-letters/operations/{id}",
            get(operation::show).post(operation::tell),
        )
        .route("/orders", get(orders::list))
        .route("/orders/{id}", get(orders::show).post(orders::act))
        .route("/failures", get(failures::page))
        .route("/batches", get(batches::list).post(batches::start))
        .route("/batches/{id}", get(batches::show).post(batches::tell))
        .route("/schedule", get(schedule::page).post(schedule::change))
        .route("/login", get(login::page).post(login::sign_in))
        .route("/logout", post(login::sign_out))
        .route("/api", get(api::page))
        .route("/schedule/rehearsal", post(rehearsal::rehearse))
        .route("/assets/{name}", get(assets::serve))
}

/// Whether people look at what is at `path`, and no programs.
pub(crate) fn is_page(path: &str) -> bool {
    !path.starts_with("/api/") && path != "/metrics"
}

/// What a page comes to.
type Result<T> = std::result::Result<T, Wrong>;

/// Something is wrong, as a page.
pub(crate) struct Wrong(ApiError);

impl<E> From<E> for Wrong
where
    ApiError: From<E>,
{
    fn from(error: E) -> Self {
        Self(ApiError::from(error))
    }
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct WrongPage<'a> {
    here: &'static str,
    title: &'static str,
    sentence: &'a str,
}

impl IntoResponse for Wrong {
    fn into_response(self) -> Response {
        let (status, sentence) = (self.0.status(), self.0.message());
        let title = match status {
            StatusCode::NOT_FOUND => "Not found",
            _ if status.is_server_error() => "That did not work",
            _ => "That cannot be done",
        };
        let page = WrongPage {
            here: "",
            title,
            sentence,
        };
        (status, shown(&page)).into_response()
    }
}

/// Something is wrong, as a page.
pub(crate) fn wrong(error: ApiError) -> Response {
    Wrong(error).into_response()
}

/// A page as it is sent.
fn shown(page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => {
            let csp = HeaderValue::from_static(CSP);
            ([(CONTENT_SECURITY_POLICY, csp)], Html(html)).into_response()
        }
        Err(error) => ApiError::internal(&error).into_response(),
    }
}

/// Back to a page, which says what became of it.
fn back(path: &str, said: said::Key) -> Response {
    Redirect::to(&format!("{path}?said={}", said.as_str())).into_response()
}

/// A text as a part of an address.
pub(crate) fn escaped(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// A name as people read it.
pub(crate) fn plain(name: impl ToString) -> String {
    words::plain(&name.to_string())
}

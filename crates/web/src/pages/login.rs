//! Signing in with a token, and out again.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::HeaderMap;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use redrive_engine::ops::Secret;
use serde::Deserialize;

use super::{Result, shown};
use crate::access;
use crate::app::App;
use crate::extract::{Form, Query};

#[derive(Template)]
#[template(path = "login.html")]
struct Page {
    here: &'static str,
    message: Option<&'static str>,
    to: String,
}

/// Where somebody wanted to go.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Wanted {
    to: String,
}

/// What they show.
#[derive(Deserialize)]
pub(super) struct Shown {
    token: String,
    #[serde(default)]
    to: String,
}

/// A page of ours: never another site.
fn ours(to: &str) -> &str {
    let inside = to.starts_with('/') && !to.starts_with("//") && !to.contains(['\\', '\n', '\r']);
    if inside { to } else { "/" }
}

pub(super) async fn page(State(app): State<App>, Query(wanted): Query<Wanted>) -> Response {
    if !app.access.is_by_token() || access::signed_in().is_some() {
        return Redirect::to(ours(&wanted.to)).into_response();
    }
    asked(None, &wanted.to)
}

fn asked(message: Option<&'static str>, to: &str) -> Response {
    shown(&Page {
        here: "",
        message,
        to: ours(to).to_owned(),
    })
}

pub(super) async fn sign_in(State(app): State<App>, Form(sent): Form<Shown>) -> Result<Response> {
    let secret = Secret::shown(sent.token.trim());
    let Some((token, kept)) = app.records().sign_in(&secret).await? else {
        let page = asked(Some("This token is not known, or was revoked."), &sent.to);
        return Ok((StatusCode::UNAUTHORIZED, page).into_response());
    };
    tracing::info!(token = token.name, "a browser has signed in");
    let jar = CookieJar::new().add(app.access.cookie(&kept));
    Ok((jar, Redirect::to(ours(&sent.to))).into_response())
}

pub(super) async fn sign_out(State(app): State<App>, headers: HeaderMap) -> Result<Response> {
    if let Some(kept) = access::kept(&headers) {
        app.records().sign_out(&kept).await?;
    }
    let jar = CookieJar::new().add(access::forgotten());
    Ok((jar, Redirect::to("/login")).into_response())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_led_to_another_site() {
        assert_eq!(ours("/orders?state=held"), "/orders?state=held");
        for to in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "/a\r\nb",
        ] {
            assert_eq!(ours(to), "/", "{to}");
        }
    }
}

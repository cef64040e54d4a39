//! Who asks, what they may do, and how often they may ask.
//!
//! It is found out once, before anything is served. Who acts is then known to whatever serves the request, so that no
//! handler can forget it.

use std::num::NonZeroU32;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header::{
    AUTHORIZATION, HeaderMap, HeaderValue, ORIGIN, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum_extra::extract::CookieJar;
use axum_extra::extract::cookie::{Cookie, SameSite};
use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use redrive_engine::ops::{Records, Secret};
use redrive_ledger::{Role, Token};
use url::Url;

use crate::app::App;
use crate::guard::SEC_FETCH_SITE;
use crate::pages;
use crate::problem::{ApiError, Result};

/// What a browser keeps.
const COOKIE: &str = "redrive_session";
/// How a token is shown.
const BEARER: &str = "Bearer ";
/// Served to anybody: whether it can serve, and what it takes to sign in.
const OPEN: [&str; 2] = ["/readyz", "/login"];
/// Served to anybody as often as they like, without a look into the ledger: whether the process lives.
const ALIVE: &str = "/healthz";
/// And what a page is dressed with.
const ASSETS: &str = "/assets/";
/// What only an admin may ask and change.
pub(crate) const TOKENS: &str = "/api/v1/tokens";
/// What no viewer may ask either: it takes turns of a limit that all workers share.
const OLDER: &str = "/api/v1/failures/older";
/// What only an admin may change.
const LIMITS: &str = "/api/v1/limits";
/// Those whom nobody knows share one line.
const STRANGERS: &str = "";

tokio::task_local! {
    static CALLER: Caller;
}

/// Whoever asks.
#[derive(Debug, Clone)]
struct Caller {
    /// The name of the token; none where nobody is asked for one.
    name: Option<String>,
}

/// Whoever has signed in asks; `None`: nobody is asked who they are.
pub(crate) fn signed_in() -> Option<String> {
    CALLER.try_with(|caller| caller.name.clone()).ok().flatten()
}

/// The same, on whatever task it runs: whoever asks here asks there.
pub(crate) fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
    let name = signed_in();
    CALLER.scope(Caller { name }, work)
}

/// Who is let in.
#[derive(Debug, Clone)]
pub struct Access {
    by_token: bool,
    public: Option<Url>,
    pace: Option<Arc<DefaultKeyedRateLimiter<String>>>,
}

impl Access {
    /// Whoever reaches this machine's own address: nobody is asked who they are.
    pub fn open() -> Self {
        Self {
            by_token: false,
            public: None,
            pace: None,
        }
    }

    /// Whoever shows a token. `public` is where browsers find the pages, where that is not where they are served.
    pub fn by_token(public: Option<Url>) -> Self {
        Self {
            by_token: true,
            public,
            pace: None,
        }
    }

    /// Each of them at most so often a second.
    pub fn at_most(mut self, requests_per_second: NonZeroU32) -> Self {
        let quota = Quota::per_second(requests_per_second);
        self.pace = Some(Arc::new(RateLimiter::keyed(quota)));
        self
    }

    /// Whether somebody has to sign in.
    pub(crate) fn is_by_token(&self) -> bool {
        self.by_token
    }

    /// Whether a page at `origin` is one of ours, at its public address.
    pub(crate) fn is_public(&self, origin: &str) -> bool {
        let public = self.public.as_ref().map(|url| url.origin());
        public.is_some_and(|public| public.ascii_serialization().eq_ignore_ascii_case(origin))
    }

    /// What a browser is to keep.
    pub(crate) fn cookie(&self, kept: &Secret) -> Cookie<'static> {
        let secure = self
            .public
            .as_ref()
            .is_some_and(|url| url.scheme() == "https");
        Cookie::build((COOKIE, kept.tell().to_owned()))
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(secure)
            .build()
    }

    /// Whose turn it is; the seconds to wait where it is not.
    fn turn(&self, who: &str) -> std::result::Result<(), u64> {
        let Some(pace) = &self.pace else {
            return Ok(());
        };
        pace.check_key(&who.to_owned()).map_err(|early| {
            let wait = early.wait_time_from(DefaultClock::default().now());
            wait.as_secs() + 1
        })
    }
}

/// What a browser has kept.
pub(crate) fn kept(headers: &HeaderMap) -> Option<Secret> {
    let jar = CookieJar::from_headers(headers);
    jar.get(COOKIE).map(|cookie| Secret::shown(cookie.value()))
}

/// What ends what a browser keeps.
pub(crate) fn forgotten() -> Cookie<'static> {
    Cookie::build((COOKIE, "")).path("/").removal().build()
}

/// Lets in who may, and says to what serves them who they are.
pub(crate) async fn admit(State(app): State<App>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == ALIVE || path.starts_with(ASSETS) {
        return next.run(request).await;
    }
    let caller = match identified(&app.access, app.records(), request.headers()).await {
        Ok(caller) => caller,
        Err(error) => return error.into_response(),
    };
    let known = caller.as_ref().map_or(STRANGERS, |token| &token.name);
    if let Err(seconds) = app.access.turn(known) {
        return too_many(seconds);
    }
    if app.access.by_token && !OPEN.contains(&path) {
        let Some(token) = &caller else {
            return unknown(&request);
        };
        let allowed = may(token, request.method(), path)
            .and_then(|()| from_a_page(request.method(), request.headers()));
        if let Err(error) = allowed {
            // The page that says so says to whom.
            let name = Some(token.name.clone());
            return CALLER.sync_scope(Caller { name }, || refused(&request, error));
        }
    }
    let name = caller.map(|token| token.name);
    CALLER.scope(Caller { name }, next.run(request)).await
}

/// Whose token, or whose browser, that is.
async fn identified(
    access: &Access,
    records: &Records,
    headers: &HeaderMap,
) -> Result<Option<Token>> {
    if !access.by_token {
        return Ok(None);
    }
    if let Some(shown) = headers.get(AUTHORIZATION) {
        let shown = shown.to_str().unwrap_or_default();
        let Some(secret) = shown.strip_prefix(BEARER) else {
            return Ok(None);
        };
        return Ok(records.bearer(&Secret::shown(secret.trim())).await?);
    }
    match kept(headers) {
        Some(kept) => Ok(records.signed_in(&kept).await?),
        None => Ok(None),
    }
}

/// What it takes to ask that.
fn needed(method: &Method, path: &str) -> Role {
    if is_of(path, TOKENS) || is_of(path, LIMITS) && !method.is_safe() {
        return Role::Admin;
    }
    // Whoever looks may also stop looking.
    let looks = method.is_safe() || path == "/logout";
    if looks && !is_of(path, OLDER) {
        return Role::Viewer;
    }
    Role::Operator
}

/// Whether the path is that of `things`, or of one of them.
fn is_of(path: &str, things: &str) -> bool {
    let below = path.strip_prefix(things);
    below.is_some_and(|below| below.is_empty() || below.starts_with('/'))
}

fn may(token: &Token, method: &Method, path: &str) -> Result<()> {
    let needed = needed(method, path);
    if token.role >= needed {
        return Ok(());
    }
    Err(ApiError::forbidden(format!(
        "{:?} is a token of role {}, and this takes one of role {} or above",
        token.name,
        token.role.as_str(),
        needed.as_str()
    )))
}

/// A browser says of each change from where it comes: what says nothing and has its cookie is no page of ours.
fn from_a_page(method: &Method, headers: &HeaderMap) -> Result<()> {
    let says = headers.contains_key(ORIGIN) || headers.contains_key(SEC_FETCH_SITE);
    if method.is_safe() || says || headers.contains_key(AUTHORIZATION) {
        return Ok(());
    }
    Err(ApiError::cross_site())
}

/// Who shows nothing that is known signs in first.
fn unknown(request: &Request) -> Response {
    let is_page = pages::is_page(request.uri().path());
    if is_page && request.method().is_safe() {
        let to = request.uri().path_and_query().map_or("/", |to| to.as_str());
        return Redirect::to(&format!("/login?to={}", pages::escaped(to))).into_response();
    }
    let says = if is_page {
        "you are signed out, and nothing was done: sign in, and do it again"
    } else {
        "this takes a token: send `Authorization: Bearer TOKEN`; `redrive token create` makes one"
    };
    let error = ApiError::refused(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", says);
    let mut response = refused(request, error);
    let scheme = HeaderValue::from_static("Bearer realm=\"redrive\"");
    response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
    response
}

fn refused(request: &Request, error: ApiError) -> Response {
    if pages::is_page(request.uri().path()) {
        return pages::wrong(error);
    }
    error.into_response()
}

fn too_many(seconds: u64) -> Response {
    let error = ApiError::refused(
        StatusCode::TOO_MANY_REQUESTS,
        "TOO_MANY_REQUESTS",
        "so many requests at once are not served: ask again after the seconds that Retry-After says",
    );
    ([(RETRY_AFTER, seconds.to_string())], error).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn viewers_read_operators_act_and_admins_say_who_may() {
        for (method, path, role) in [
            (Method::GET, "/", Role::Viewer),
            (Method::HEAD, "/api/v1/status", Role::Viewer),
            (Method::GET, "/metrics", Role::Viewer),
            (Method::POST, "/logout", Role::Viewer),
            (Method::POST, "/dead-letters", Role::Operator),
            (Method::PUT, "/api/v1/schedule", Role::Operator),
            (
                Method::PATCH,
                "/api/v1/dead-letter-queue/1/resolve",
                Role::Operator,
            ),
            (
                Method::PUT,
                "/api/v1/dead-letter-queue/actions/1/rate",
                Role::Operator,
            ),
            (Method::GET, "/api/v1/tokens", Role::Admin),
            (Method::POST, "/api/v1/tokens", Role::Admin),
            (Method::DELETE, "/api/v1/tokens/ann", Role::Admin),
            (Method::GET, "/api/v1/tokensandmore", Role::Viewer),
            (Method::GET, "/api/v1/limits", Role::Viewer),
            (Method::PUT, "/api/v1/limits/starts", Role::Admin),
            (Method::DELETE, "/api/v1/limits/starts", Role::Admin),
            (Method::PUT, "/api/v1/halt", Role::Operator),
            (Method::DELETE, "/api/v1/halt", Role::Operator),
            (Method::POST, "/api/v1/schedule/trigger", Role::Operator),
            (Method::GET, "/api/v1/failures", Role::Viewer),
            (Method::GET, "/api/v1/failures/older", Role::Operator),
            (Method::HEAD, "/api/v1/failures/older", Role::Operator),
            (Method::POST, "/api/v1/failures/older", Role::Operator),
            (Method::GET, "/api/v1/failures/older-run", Role::Viewer),
        ] {
            assert_eq!(needed(&method, path), role, "{method} {path}");
        }
    }

    #[test]
    fn each_has_a_pace_of_their_own() {
        let access = Access::open().at_most(NonZeroU32::new(2).unwrap());
        let turns = |who| (0..4).filter(|_| access.turn(who).is_ok()).count();
        assert!((2..4).contains(&turns("ann")));
        assert!((2..4).contains(&turns("ben")));
        assert!(access.turn("ann").is_err_and(|seconds| seconds == 1));
    }

    #[test]
    fn a_cookie_is_for_this_site_alone() {
        let at = |url: &str| Access::by_token(Some(Url::parse(url).unwrap()));
        let cookie = at("https://redrive.example").cookie(&Secret::shown("s"));
        assert_eq!(
            cookie.to_string(),
            "redrive_session=s; HttpOnly; SameSite=Lax; Secure; Path=/"
        );
        let plain = at("http://redrive.example").cookie(&Secret::shown("s"));
        assert_eq!(plain.secure(), Some(false));
        assert!(at("https://redrive.example/").is_public("https://redrive.example"));
        assert!(!at("https://redrive.example/").is_public("http://redrive.example"));
        assert!(!Access::by_token(None).is_public("null"));
    }
}

//! What a browser is kept from: sending a request here for another site, reaching this address under another name, and
//! running what came in as text.

use std::net::{IpAddr, Ipv6Addr};

use axum::extract::{Request, State};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, HeaderMap, HeaderValue, ORIGIN, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderName, Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::access::Access;
use crate::problem::ApiError;

/// What browsers say of where a request comes from.
pub(crate) const SEC_FETCH_SITE: &str = "sec-fetch-site";

/// Refuses what does not come from here, and marks every answer as text for whoever asked.
pub(crate) async fn guard(State(access): State<Access>, request: Request, next: Next) -> Response {
    let refused = host(&access, &request)
        .and_then(|host| site(&access, request.method(), request.headers(), &host));
    let mut response = match refused {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    let headers = response.headers_mut();
    let fixed: [(HeaderName, &'static str); 5] = [
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'",
        ),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
    ];
    for (name, value) in fixed {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    response
}

/// The host that the request names. Where nobody is asked who they are it has to be this machine's own name: whoever comes by
/// another was led here. A token is sent to no other name than the one that it is used for.
fn host(access: &Access, request: &Request) -> Result<Authority, ApiError> {
    let named = match request.uri().authority() {
        Some(authority) => Some(authority.clone()),
        None => request
            .headers()
            .get(HOST)
            .and_then(|host| Authority::try_from(host.as_bytes()).ok()),
    };
    named
        .filter(|authority| access.is_by_token() || is_loopback(authority.host()))
        .ok_or_else(|| {
            ApiError::refused(
                StatusCode::MISDIRECTED_REQUEST,
                "WRONG_HOST",
                "this address is asked for by a name that is not its own: use 127.0.0.1 or localhost",
            )
        })
}

fn is_loopback(host: &str) -> bool {
    let literal = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || literal.parse::<IpAddr>().is_ok_and(|ip| match ip {
            IpAddr::V4(ip) => ip.is_loopback(),
            IpAddr::V6(ip) => ip == Ipv6Addr::LOCALHOST,
        })
}

/// Whether a request that changes something comes from a page of ours, or from no page at all.
fn site(
    access: &Access,
    method: &Method,
    headers: &HeaderMap,
    host: &Authority,
) -> Result<(), ApiError> {
    if method.is_safe() {
        return Ok(());
    }
    let text = |name: &str| {
        headers
            .get(name)
            .map(|value| value.to_str().unwrap_or_default())
    };
    let fetched = text(SEC_FETCH_SITE);
    let ours = fetched.is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = text(ORIGIN.as_str());
    let same = origin.is_none_or(|origin| {
        let (_, rest) = origin.split_once("://").unwrap_or_default();
        rest.eq_ignore_ascii_case(host.as_str()) || access.is_public(origin)
    });
    if ours && same {
        return Ok(());
    }
    Err(ApiError::cross_site())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machines_own_names_are_ours() {
        for host in ["localhost", "LOCALHOST", "127.0.0.1", "127.8.9.1", "[::1]"] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "127.0.0.1.evil.example",
            "10.0.0.1",
            "[::2]",
            "0.0.0.0",
            "localhost.evil.example",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn what_another_site_sends_changes_nothing() {
        let host = Authority::from_static("127.0.0.1:8420");
        let sent = |method: Method, said: &[(&'static str, &'static str)]| {
            let headers = said.iter().map(|&(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            });
            site(&Access::open(), &method, &headers.collect(), &host).is_ok()
        };
        assert!(sent(Method::POST, &[]), "no browser says nothing of itself");
        assert!(sent(
            Method::POST,
            &[
                ("origin", "http://127.0.0.1:8420"),
                (SEC_FETCH_SITE, "same-origin")
            ]
        ));
        assert!(sent(
            Method::GET,
            &[
                ("origin", "http://evil.example"),
                (SEC_FETCH_SITE, "cross-site")
            ]
        ));
        for said in [
            ("origin", "http://evil.example"),
            ("origin", "http://127.0.0.1:1"),
            ("origin", "null"),
            ("origin", "127.0.0.1:8420"),
            (SEC_FETCH_SITE, "cross-site"),
            (SEC_FETCH_SITE, "same-site"),
        ] {
            for method in [Method::POST, Method::PATCH, Method::PUT, Method::DELETE] {
                assert!(!sent(method, &[said]), "{said:?}");
            }
        }
    }
}

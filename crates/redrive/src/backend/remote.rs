//! A server that is asked over HTTP.

use std::time::Duration;

use redrive_engine::{Clock, SystemClock};
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, retry};
use rustls::crypto::ring;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::{Host, Url};
use uuid::Uuid;

use crate::cli::Global;
use crate::environment;
use crate::problem::Problem;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: the server gives up after a minute, and says so.
const LATEST: Duration = Duration::from_secs(75);
/// So often a request is sent again to a server that has too many at once, each time after the wait that it asks for.
const TURNS: u32 = 10;
/// The longest wait that it may ask for.
const LONGEST: Duration = Duration::from_secs(60);
/// The header that makes a request that comes again the same request.
const KEY: &str = "Idempotency-Key";

/// A server.
#[derive(Debug, Clone)]
pub struct Remote {
    client: Client,
    base: Url,
}

/// Why a server did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum RemoteError {
    /// It says no.
    #[error("{message}")]
    Refused {
        /// The answer's status.
        status: StatusCode,
        /// What it is, for programs.
        code: String,
        /// What it is and what to do.
        message: String,
        /// What else is told of it.
        details: Option<Value>,
    },
    /// Nothing answers.
    #[error("no server answers at {base}: {cause}")]
    Unreachable {
        /// Where.
        base: Url,
        /// Why.
        cause: String,
    },
    /// It was reached, and has not answered.
    #[error("the server at {base} has not answered: {cause}")]
    Lost {
        /// Where.
        base: Url,
        /// Why.
        cause: String,
    },
    /// Whatever stands before it answers in its place.
    #[error("no Redrive answers at {base}: {status}")]
    Broken {
        /// Where.
        base: Url,
        /// The answer's status.
        status: StatusCode,
    },
    /// What answers is no Redrive, or one of another version.
    #[error("what answers at {base} does not speak as this redrive does: {cause}")]
    Foreign {
        /// Where.
        base: Url,
        /// What of its answer.
        cause: String,
    },
}

/// An error, as a server sends it.
#[derive(Deserialize)]
struct Body {
    error: String,
    message: String,
    details: Option<Value>,
}

impl RemoteError {
    /// Whether it is an answer of that status.
    pub fn is(&self, wanted: StatusCode) -> bool {
        matches!(self, Self::Refused { status, .. } if *status == wanted)
    }

    /// Whether it may be another answer a moment later.
    pub fn may_pass(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Lost { .. } | Self::Broken { .. } => true,
            Self::Refused { status, .. } => *status == StatusCode::SERVICE_UNAVAILABLE,
            Self::Foreign { .. } => false,
        }
    }
}

impl Remote {
    /// The server that `--server` names, else `REDRIVE_SERVER`; none where `--ledger` names a ledger.
    pub fn named(global: &Global) -> Result<Option<Self>, Problem> {
        let Some(named) = global.server() else {
            return Ok(None);
        };
        Self::at(&named, environment::text(environment::TOKEN).as_deref()).map(Some)
    }

    fn at(named: &str, token: Option<&str>) -> Result<Self, Problem> {
        let base = address(named)?;
        // A second one finds it installed.
        let _ = ring::default_provider().install_default();
        let host = base.host_str().unwrap_or_default().to_owned();
        let again = retry::for_host(host).no_budget().classify_fn(|asked| {
            if asked.error().is_some() {
                asked.retryable()
            } else {
                asked.success()
            }
        });
        let mut client = Client::builder();
        if is_here(&base) {
            // No proxy leads to this machine itself, whatever the environment says.
            client = client.no_proxy();
        }
        let client = client
            .user_agent(concat!("redrive/", env!("CARGO_PKG_VERSION")))
            .default_headers(authorization(token)?)
            .connect_timeout(CONNECT)
            .timeout(LATEST)
            // A token is for whom it was given, and a POST stays one.
            .redirect(Policy::none())
            .retry(again)
            .build();
        let client = client.map_err(|error| {
            Problem::ours(
                format!("no server can be asked: {}.", cause(&error)),
                "look at this machine's certificates of authorities (Debian: the package ca-certificates).",
            )
        })?;
        Ok(Self { client, base })
    }

    /// Asks for what is at `path`, whose parts are escaped.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, RemoteError> {
        let url = self.asking(path, query)?;
        self.answered(self.client.get(url)).await
    }

    /// Has something taken away: who and why stand in the query. Where the connection is lost it is asked again, and done once.
    pub async fn take<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &impl Serialize,
    ) -> Result<T, RemoteError> {
        let url = self.asking(path, query)?;
        let request = self.client.delete(url);
        let request = request.header(KEY, Uuid::new_v4().to_string());
        self.answered(request).await
    }

    /// Has something done. Where the connection is lost it is asked again, and done once.
    pub async fn send<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &[&str],
        body: &impl Serialize,
    ) -> Result<T, RemoteError> {
        let body = serde_json::to_vec(body).map_err(|error| self.foreign(&error))?;
        let request = self
            .client
            .request(method, self.url(path))
            .header(KEY, Uuid::new_v4().to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(body);
        self.answered(request).await
    }

    async fn answered<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, RemoteError> {
        let answer = self.turn(request).await?;
        let status = answer.status();
        let to = answer.headers().get(LOCATION).cloned();
        let body = body(answer).await.map_err(|error| self.lost(&error))?;
        if status.is_success() {
            // What says no more than that it is done says nothing.
            let said: &[u8] = if body.is_empty() { b"null" } else { &body };
            return serde_json::from_slice(said).map_err(|error| self.foreign(&error));
        }
        let said: Body = serde_json::from_slice(&body).map_err(|_| self.wordless(status, to))?;
        Err(RemoteError::Refused {
            status,
            code: said.error,
            message: said.message,
            details: said.details,
        })
    }

    /// Sends it, again and again where it is too early for that.
    async fn turn(&self, mut request: RequestBuilder) -> Result<Response, RemoteError> {
        let mut turns = TURNS;
        loop {
            let again = request.try_clone();
            let answer = request.send().await.map_err(|error| self.lost(&error))?;
            match (early(&answer), again) {
                (Some(wait), Some(again)) if turns > 0 => {
                    SystemClock.sleep(wait).await;
                    request = again;
                    turns -= 1;
                }
                _ => return Ok(answer),
            }
        }
    }

    fn asking(&self, path: &[&str], query: &impl Serialize) -> Result<Url, RemoteError> {
        let mut url = self.url(path);
        let query = serde_html_form::to_string(query).map_err(|error| self.foreign(&error))?;
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        Ok(url)
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    fn lost(&self, error: &reqwest::Error) -> RemoteError {
        let (base, cause) = (self.base.clone(), cause(error));
        if error.is_connect() {
            RemoteError::Unreachable { base, cause }
        } else {
            RemoteError::Lost { base, cause }
        }
    }

    /// It answers so, and not in Redrive's words; `to` is where it sends whoever asks.
    fn wordless(&self, status: StatusCode, to: Option<HeaderValue>) -> RemoteError {
        if status.is_server_error() {
            return RemoteError::Broken {
                base: self.base.clone(),
                status,
            };
        }
        match to.as_ref().and_then(|to| to.to_str().ok()) {
            Some(to) => self.foreign(&format!("{status}, to {to}: name that address")),
            None => self.foreign(&format!("{status} without a word")),
        }
    }

    /// It answers as no Redrive of this version does.
    pub(super) fn foreign(&self, cause: &impl ToString) -> RemoteError {
        RemoteError::Foreign {
            base: self.base.clone(),
            cause: cause.to_string(),
        }
    }
}

/// How long to wait before what was asked too early is asked again: a server that has too many at once says so, and one that is
/// still at the same request.
fn early(answer: &Response) -> Option<Duration> {
    let wait = answer.headers().get(RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(wait.parse().ok()?).min(LONGEST))
}

async fn body(answer: Response) -> Result<Vec<u8>, reqwest::Error> {
    Ok(answer.bytes().await?.to_vec())
}

fn address(named: &str) -> Result<Url, Problem> {
    let read = Url::parse(named).ok();
    let bare = |url: &Url| {
        let names = url.username().is_empty() && url.password().is_none();
        names && url.query().is_none() && url.fragment().is_none()
    };
    let web = read.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let web = web.filter(bare);
    web.ok_or_else(|| {
        Problem::user(
            "what --server or REDRIVE_SERVER names is no address of a server.",
            "write it like https://redrive.example or http://127.0.0.1:8420; a token stands in REDRIVE_TOKEN.",
        )
    })
}

/// Whether that is this machine.
fn is_here(base: &Url) -> bool {
    match base.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn authorization(token: Option<&str>) -> Result<HeaderMap, Problem> {
    let mut headers = HeaderMap::new();
    let Some(token) = token else {
        return Ok(headers);
    };
    let mut bearer = HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| {
        Problem::user(
            format!("{} holds no token.", environment::TOKEN),
            "set it to the line that `redrive token create` printed, and nothing else.",
        )
    })?;
    bearer.set_sensitive(true);
    headers.insert(AUTHORIZATION, bearer);
    Ok(headers)
}

/// The innermost cause, which says most: the address stands beside it.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

//! A server that is asked over HTTP.

use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, retry};
use rustls::crypto::ring;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use crate::cli::Global;
use crate::environment;
use crate::problem::Problem;

/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// How long an answer may take: the server gives up after a minute, and says so.
const LATEST: Duration = Duration::from_secs(75);
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
        let client = Client::builder()
            .user_agent(concat!("redrive/", env!("CARGO_PKG_VERSION")))
            .default_headers(authorization(token)?)
            .connect_timeout(CONNECT)
            .timeout(LATEST)
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
        let mut url = self.url(path);
        let query = serde_html_form::to_string(query).map_err(|error| self.foreign(&error))?;
        url.set_query(Some(query.as_str()).filter(|query| !query.is_empty()));
        self.answered(self.client.get(url)).await
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
        let answer = request.send().await.map_err(|error| self.lost(&error))?;
        let status = answer.status();
        let body = body(answer).await.map_err(|error| self.lost(&error))?;
        if status.is_success() {
            return serde_json::from_slice(&body).map_err(|error| self.foreign(&error));
        }
        let said: Body = serde_json::from_slice(&body)
            .map_err(|_| self.foreign(&format!("{status} without a word")))?;
        Err(RemoteError::Refused {
            status,
            code: said.error,
            message: said.message,
            details: said.details,
        })
    }

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(["api", "v1"]).extend(path);
        }
        url
    }

    fn lost(&self, error: &reqwest::Error) -> RemoteError {
        RemoteError::Unreachable {
            base: self.base.clone(),
            cause: cause(error),
        }
    }

    fn foreign(&self, cause: &impl ToString) -> RemoteError {
        RemoteError::Foreign {
            base: self.base.clone(),
            cause: cause.to_string(),
        }
    }
}

async fn body(answer: Response) -> Result<Vec<u8>, reqwest::Error> {
    Ok(answer.bytes().await?.to_vec())
}

fn address(named: &str) -> Result<Url, Problem> {
    let read = Url::parse(named).ok();
    let web = read.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    web.ok_or_else(|| {
        Problem::user(
            format!("{named:?} is no address of a server."),
            "write it like https://redrive.example or http://127.0.0.1:8420 (--server, REDRIVE_SERVER).",
        )
    })
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

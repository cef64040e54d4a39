//! Serving what there is, on an address of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::access::admit;
use crate::api;
use crate::app::App;
use crate::guard::guard;
use crate::metrics::{self, Scrape, metrics};
use crate::pages;
use crate::problem::ApiError;
use crate::repeat::once;

/// The largest body: as many orders as may be named, ten thousand, by ids of a hundred letters. What else is sent is a few words.
pub(crate) const BODY: usize = 1 << 20;
/// How long a request may take: a retry waits for its start, and a batch for its answer.
pub(crate) const LATEST: Duration = Duration::from_secs(60);

/// Everything that is served.
pub fn router(app: App) -> Router {
    let once = middleware::from_fn_with_state(app.clone(), once);
    let guard = middleware::from_fn_with_state(app.access.clone(), guard);
    let admit = middleware::from_fn_with_state(app.clone(), admit);
    api::routes()
        .split_for_parts()
        .0
        .merge(pages::routes())
        .route("/metrics", get(metrics))
        .with_state(app)
        .fallback(|| async { ApiError::not_found("there is nothing at this address") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(DefaultBodyLimit::max(BODY))
        // Before an answer is kept for a repeated request: one that came too late is none.
        .layer(middleware::from_fn(in_time))
        .layer(once)
        .layer(admit)
        .layer(guard)
}

/// Waits for an answer no longer than a client does.
pub(crate) async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(LATEST, next.run(request)).await;
    answer.unwrap_or_else(|_| ApiError::late().into_response())
}

/// A server that runs until it is stopped.
#[derive(Debug)]
pub struct Serving {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    ended: JoinHandle<io::Result<()>>,
}

impl Serving {
    /// Serves `app` on `address`; port 0 takes any that is free.
    pub async fn start(app: App, address: SocketAddr) -> io::Result<Self> {
        Self::serve(router(app), address).await
    }

    /// Serves the numbers alone on `address`: `/metrics`, and whether the process lives.
    pub async fn metrics(scrape: Scrape, address: SocketAddr) -> io::Result<Self> {
        Self::serve(metrics::router(scrape), address).await
    }

    async fn serve(router: Router, address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let (stop, stopped) = oneshot::channel();
        let serving = axum::serve(listener, router).with_graceful_shutdown(async {
            // Whoever forgets it stops it, too.
            drop(stopped.await);
        });
        Ok(Self {
            address,
            stop,
            ended: tokio::spawn(async move { serving.await }),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more requests, and returns when those under way are answered.
    pub async fn stop(self) -> io::Result<()> {
        drop(self.stop);
        self.ended
            .await
            .unwrap_or_else(|error| Err(io::Error::other(error)))
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_told_as_everything_else() {
        let never = Router::new()
            .route("/", get(std::future::pending::<()>))
            .layer(middleware::from_fn(in_time));
        let answer = never.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(answer.status(), StatusCode::GATEWAY_TIMEOUT);
        let body = to_bytes(answer.into_body(), 1000).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(body["error"], "TOO_LATE");
    }
}

//! Serving what there is, on an address of its own.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware;
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tower_http::timeout::TimeoutLayer;

use crate::access::admit;
use crate::api;
use crate::app::App;
use crate::guard::guard;
use crate::metrics::{self, Scrape, metrics};
use crate::pages;
use crate::problem::ApiError;
use crate::repeat::once;

/// The largest body: what a person decides is a few words, and a list of orders is short.
pub(crate) const BODY: usize = 256 << 10;
/// How long a request may take: a retry waits for its start, and a batch for its answer.
const LONGEST: Duration = Duration::from_secs(60);

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
        .layer(once)
        .layer(admit)
        .layer(guard)
        .layer(TimeoutLayer::with_status_code(
            StatusCode::GATEWAY_TIMEOUT,
            LONGEST,
        ))
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

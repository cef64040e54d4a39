//! The JSON API: `/api/v1`, camelCase keys, RFC 3339 times in UTC, `{error, message, details?}` where something is wrong.

mod actions;
mod audit;
mod batches;
mod classification;
mod common;
mod dead_letters;
mod document;
mod failures;
mod halt;
mod health;
mod limits;
mod older;
mod operations;
mod orders;
mod progress;
mod rehearsal;
mod reports;
mod reprocessing;
mod schedule;
mod status;
mod taking;
mod tokens;
mod workers;

use axum::Json;
use utoipa::openapi::OpenApi as Described;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub(crate) use common::ANSWERS;
pub(crate) use document::{DOCUMENT, keeps, operations, takes_key};
pub(crate) use health::{healthz, readyz};
pub(crate) use status::{schedule_of, status_and_batches};

/// What stands above the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Redrive",
        description = "Failed orders of Temporal workflows: what failed, what was done about it, and what waits for a person."
    ),
    tags(
        (name = "reprocessing", description = "Orders that wait for a restart, as services speak of them that count retries."),
        (name = "dead letter queue", description = "Orders that wait for a person's decision."),
        (name = "orders", description = "Orders and their stories."),
        (name = "failures", description = "Failed runs, and what they have in common."),
        (name = "audit", description = "Who did what, when and why."),
        (name = "batches", description = "What batches did, and starting, pausing and stopping them."),
        (name = "schedule", description = "When batches start by themselves."),
        (name = "brakes", description = "How fast orders are started, and whether they are at all."),
        (name = "access", description = "Who may come in."),
        (name = "health", description = "Whether this process serves.")
    ),
    modifiers(&ByToken),
    security((), ("token" = []))
)]
struct Doc;

/// A token is shown where `web.access` asks for one.
struct ByToken;

impl Modify for ByToken {
    fn modify(&self, api: &mut Described) {
        let bearer = HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build();
        let components = api.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(bearer));
    }
}

/// Every operation.
pub(crate) fn routes() -> OpenApiRouter<App> {
    let v1 = OpenApiRouter::new()
        .routes(routes!(reprocessing::eligible))
        .routes(routes!(reprocessing::retry_count, reprocessing::report))
        .routes(routes!(reprocessing::reset))
        .routes(routes!(reprocessing::dead_letter))
        .routes(routes!(dead_letters::list))
        .routes(routes!(dead_letters::stats))
        .routes(routes!(operations::list, actions::act))
        .routes(routes!(operations::show))
        .routes(routes!(operations::tell))
        .routes(routes!(operations::rate))
        .routes(routes!(dead_letters::show))
        .routes(routes!(dead_letters::resolve))
        .routes(routes!(orders::list))
        .routes(routes!(orders::show))
        .routes(routes!(orders::act))
        .routes(routes!(failures::list))
        .routes(routes!(failures::groups))
        .routes(routes!(failures::show))
        .routes(routes!(audit::list))
        .routes(routes!(classification::show))
        .routes(routes!(older::preview, older::take_in))
        .routes(routes!(batches::list, batches::start))
        .routes(routes!(batches::running))
        .routes(routes!(rehearsal::rehearse))
        .routes(routes!(batches::show))
        .routes(routes!(progress::progress))
        .routes(routes!(progress::order))
        .routes(routes!(batches::tell))
        .routes(routes!(reports::daily))
        .routes(routes!(status::show))
        .routes(routes!(schedule::show, schedule::put, schedule::take))
        .routes(routes!(schedule::tell))
        .routes(routes!(halt::show, halt::put, halt::take))
        .routes(routes!(limits::list))
        .routes(routes!(limits::put, limits::take))
        .routes(routes!(workers::show))
        .routes(routes!(tokens::list, tokens::create))
        .routes(routes!(tokens::revoke));
    OpenApiRouter::with_openapi(Doc::openapi())
        .nest("/api/v1", v1)
        .route("/api/v1/openapi.json", axum::routing::get(described))
        .routes(routes!(health::healthz))
        .routes(routes!(health::readyz))
}

/// What the API is, as OpenAPI 3.1.
pub fn openapi() -> Described {
    DOCUMENT.clone()
}

async fn described() -> Json<&'static Described> {
    Json(&*DOCUMENT)
}

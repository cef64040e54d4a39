//! A Redrive that runs: its worker, its schedule and its pages, on orders that have really failed.

use url::Url;

use crate::browser::{Browser, browse};
use crate::look::Look;
use crate::scene::Scene;
use crate::site::{Ran, Stays};

/// A schedule that no test lives to see tick.
pub const NEVER: &str = "[schedule]\ninterval = \"168h\"\n";

/// What runs, on a namespace and a ledger of its own.
pub struct Live {
    pub scene: Scene,
    /// Where the pages are.
    base: String,
    _up: Stays,
}

impl Live {
    /// `redrive up` in that scene.
    pub fn on(scene: Scene) -> Self {
        let up = scene.site.start("up -o json");
        let told = up.read_json();
        up.hear("Ready.");
        let api = Url::parse(told["api"].as_str().unwrap()).unwrap();
        Self {
            scene,
            base: api.origin().ascii_serialization(),
            _up: up,
        }
    }

    /// The same with orders that have failed with those statuses, and that a batch has taken in and left alone.
    pub async fn with(config: &str, orders: &[(&str, &'static str)]) -> Self {
        let live = Self::on(Scene::set(config, orders).await);
        live.redrive("run --status taken-in-only");
        live
    }

    /// What a command does that ends well.
    #[track_caller]
    pub fn redrive(&self, arguments: &str) -> Ran {
        self.scene.site.run(arguments).well()
    }

    /// Opens a browser on its pages.
    pub async fn browse<T>(&self, look: Look, visit: impl AsyncFnOnce(&Browser) -> T) -> T {
        browse(&self.base, look, visit).await
    }
}

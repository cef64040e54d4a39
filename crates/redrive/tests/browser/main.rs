//! The pages as people have them: a headless Chromium on the built binary, with a real Temporal server and a real worker.
//!
//! *Look*: a window's size, the colour scheme, and whether scripts run. The browser is found by `REDRIVE_TEST_WEBDRIVER`, and
//! axe-core by `REDRIVE_TEST_AXE`: `scripts/with-browser` sets both. Whatever a test does, the pages must not have complained.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

mod admitted;
mod axe;
mod browser;
mod deciding;
mod images;
mod keyboard;
mod live;
mod look;
mod pages;
mod past;
mod progress;
#[expect(dead_code, reason = "the tests of the command line use the rest of it")]
#[path = "../cli/scene.rs"]
mod scene;
#[expect(dead_code, reason = "the tests of the command line use the rest of it")]
#[path = "../cli/site.rs"]
mod site;

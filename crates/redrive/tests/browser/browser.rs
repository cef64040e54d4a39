//! A Chromium of its own for one person, driven over WebDriver.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use futures::FutureExt;
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use nix::unistd::geteuid;
use redrive_fulfillment::testbed::eventually;
use serde_json::{Map, Value, json};
use url::{ParseError, Url};

use crate::look::Look;

/// The variable that names the driver.
const DRIVER: &str = "REDRIVE_TEST_WEBDRIVER";
/// How long an element is waited for.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long a script may take: the rules of accessibility take a long page some seconds.
const SCRIPT: Duration = Duration::from_secs(180);
/// Marks a page that is about to be left.
const LEFT: &str = "document.documentElement.dataset.left = 'yes'";
/// Whether a page is not the one that was left, and is loaded and painted.
const SEEN: &str = "return document.documentElement.dataset.left === undefined && document.readyState === 'complete' \
                    && performance.getEntriesByType('paint').length > 0";

/// An open browser.
pub struct Browser {
    client: Client,
    /// Where the pages are, as `http://host:port`.
    base: String,
}

/// Opens a browser on the pages at `base` for `visit`, and closes it whatever becomes of that. Of what `visit` has not heard
/// itself, the pages must not have complained.
pub async fn browse<T>(base: &str, look: Look, visit: impl AsyncFnOnce(&Browser) -> T) -> T {
    let browser = Browser::open(base, look).await;
    let visited = AssertUnwindSafe(visit(&browser)).catch_unwind().await;
    let complaints = AssertUnwindSafe(browser.complaints()).catch_unwind().await;
    browser.client.close().await.unwrap();
    let visited = visited.unwrap_or_else(|panic| resume_unwind(panic));
    let complaints = complaints.unwrap_or_else(|panic| resume_unwind(panic));
    assert!(complaints.is_empty(), "the pages complain: {complaints:#?}");
    visited
}

impl Browser {
    async fn open(base: &str, look: Look) -> Self {
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder
            .capabilities(capabilities(look))
            .connect(&variable(DRIVER))
            .await;
        let browser = Self {
            client: client.unwrap_or_else(|error| panic!("no browser can be opened: {error}")),
            base: base.to_owned(),
        };
        browser.look(look).await;
        // Or a window that another has come before takes no keys.
        let focus = json!({ "enabled": true });
        browser
            .devtools("Emulation.setFocusEmulationEnabled", focus)
            .await;
        browser
    }

    /// Looks another way from now on; whether scripts run stays as it is.
    pub async fn look(&self, look: Look) {
        let size = json!({
            "width": look.width, "screenWidth": look.width,
            "height": look.height, "screenHeight": look.height,
            "deviceScaleFactor": look.scale, "mobile": look.width < 600,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
        let scheme = if look.dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await;
    }

    /// Goes to a page, and waits until it is seen: a key that is pressed before that is lost. The page before may be on its way
    /// to another one still, which the driver takes for this one.
    pub async fn goto(&self, path: &str) {
        self.run(LEFT, Vec::new()).await;
        self.client
            .goto(&format!("{}{path}", self.base))
            .await
            .unwrap();
        eventually(&format!("{path} to be seen"), || async {
            (self.run(SEEN, Vec::new()).await == true).then_some(())
        })
        .await;
    }

    /// Loads the page anew.
    pub async fn reload(&self) {
        self.client.refresh().await.unwrap();
    }

    /// The page's path and query.
    pub async fn place(&self) -> String {
        let url = self.client.current_url().await.unwrap();
        let query = url.query().map(|query| format!("?{query}"));
        format!("{}{}", url.path(), query.unwrap_or_default())
    }

    /// The page's title.
    pub async fn title(&self) -> String {
        self.client.title().await.unwrap()
    }

    /// The text of each element that a CSS selector finds, as it is seen.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        let script =
            "return [...document.querySelectorAll(arguments[0])].map(it => it.innerText.trim())";
        serde_json::from_value(self.run(script, vec![css.into()]).await).unwrap()
    }

    /// The text of the first of them; nothing if there is none.
    pub async fn text(&self, css: &str) -> String {
        self.texts(css).await.into_iter().next().unwrap_or_default()
    }

    /// The number that a figure shows.
    pub async fn figure(&self, name: &str) -> String {
        let script = "const terms = [...document.querySelectorAll('.figures dt')];
            return terms.find(term => term.innerText === arguments[0])?.nextElementSibling.innerText ?? ''";
        let shown = self.run(script, vec![name.into()]).await;
        shown.as_str().unwrap().to_owned()
    }

    /// Waits until the page says `text`.
    pub async fn says(&self, text: &str) {
        let text = quoted(text);
        self.find(&format!("//main[contains(normalize-space(.), {text})]"))
            .await;
    }

    /// Waits until `css` shows `text`.
    pub async fn becomes(&self, css: &str, text: &str) {
        eventually(&format!("{css} to show {text:?}"), || async {
            (self.text(css).await == text).then_some(())
        })
        .await;
    }

    /// Puts `text` into the field of that label, in place of what it holds.
    pub async fn fill(&self, label: &str, text: &str) {
        let field = self.field(label).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Clicks what has that label: a box, or one of several choices.
    pub async fn choose(&self, label: &str) {
        self.field(label).await.click().await.unwrap();
    }

    /// Presses the button that says so.
    pub async fn press(&self, words: &str) {
        let words = quoted(words);
        let button = self
            .find(&format!("//button[normalize-space(.) = {words}]"))
            .await;
        button.click().await.unwrap();
    }

    /// Presses a key, wherever the focus is.
    pub async fn key(&self, key: Key) {
        self.keys(&char::from(key).to_string()).await;
    }

    /// Types, wherever the focus is.
    pub async fn keys(&self, text: &str) {
        let strokes =
            text.chars()
                .fold(KeyActions::new("keyboard".to_owned()), |strokes, value| {
                    strokes
                        .then(KeyAction::Down { value })
                        .then(KeyAction::Up { value })
                });
        self.client.perform_actions(strokes).await.unwrap();
    }

    /// Runs a script in the page and returns what it returns. Where the page goes away under it, it is run on the next one: a
    /// script here looks at a page, or brings something to it.
    pub async fn run(&self, script: &str, arguments: Vec<Value>) -> Value {
        eventually("a page that stays for a script", || async {
            match self.client.execute(script, arguments.clone()).await {
                Ok(returned) => Some(returned),
                Err(error) if went_away(&error) => None,
                Err(error) => panic!("{error} in {script}"),
            }
        })
        .await
    }

    /// As [`Browser::run`], for a script that calls its last argument with what it has to say.
    pub async fn run_to_end(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.unwrap()
    }

    /// What is in the window, as a PNG.
    pub async fn picture(&self) -> Vec<u8> {
        self.client.screenshot().await.unwrap()
    }

    /// What the console has said since it was last asked: errors and warnings of the pages, and requests that failed.
    pub async fn complaints(&self) -> Vec<String> {
        let said = self.command("se/log", json!({ "type": "browser" })).await;
        let said = said.as_array().unwrap().iter();
        let grave = said.filter(|line| line["level"] == "SEVERE" || line["level"] == "WARNING");
        grave
            .map(|line| line["message"].as_str().unwrap().to_owned())
            .collect()
    }

    async fn field(&self, label: &str) -> Element {
        let label = quoted(label);
        let labelled = format!("//label[contains(normalize-space(.), {label})]");
        self.find(&format!(
            "{labelled}//*[self::input or self::select or self::textarea] | //*[@id = {labelled}/@for] | \
             //*[@aria-label = {label}]"
        ))
        .await
    }

    async fn find(&self, xpath: &str) -> Element {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let wait = self.client.wait().at_most(PATIENCE);
            match wait.for_element(Locator::XPath(xpath)).await {
                Ok(element) => return element,
                Err(error) if went_away(&error) && Instant::now() < deadline => {}
                Err(error) => panic!(
                    "no {xpath} at {} ({error}), which shows: {}",
                    self.place().await,
                    self.text("body").await
                ),
            }
        }
    }

    async fn devtools(&self, method: &str, parameters: Value) {
        let body = json!({ "cmd": method, "params": parameters });
        self.command("goog/cdp/execute", body).await;
    }

    async fn command(&self, path: &'static str, body: Value) -> Value {
        let command = OfChromium { path, body };
        self.client.issue_cmd(command).await.unwrap()
    }
}

/// A command that WebDriver itself does not know.
#[derive(Debug)]
struct OfChromium {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for OfChromium {
    fn endpoint(&self, driver: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        let session = session.unwrap_or_default();
        driver.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

fn capabilities(look: Look) -> Map<String, Value> {
    let window = format!("--window-size={},{}", look.width, look.height);
    let mut arguments = vec![
        "--headless=new",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--force-color-profile=srgb",
        "--lang=en-US",
        &window,
    ];
    if geteuid().is_root() {
        // Chromium's own sandbox is not for root.
        arguments.push("--no-sandbox");
    }
    // 1 is to allow, 2 to block.
    let scripts = if look.scripts { 1 } else { 2 };
    let options = json!({
        "args": arguments,
        "prefs": { "profile.managed_default_content_settings.javascript": scripts },
    });
    [
        ("browserName".to_owned(), json!("chrome")),
        ("goog:chromeOptions".to_owned(), options),
        ("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" })),
        (
            "timeouts".to_owned(),
            json!({ "script": SCRIPT.as_millis() as u64 }),
        ),
    ]
    .into_iter()
    .collect()
}

/// Whether the page was left while it was asked.
fn went_away(error: &CmdError) -> bool {
    error.to_string().contains("navigation")
}

/// A text as XPath has it, which knows no escapes.
fn quoted(text: &str) -> String {
    match (text.contains('"'), text.contains('\'')) {
        (false, _) => format!("\"{text}\""),
        (true, false) => format!("'{text}'"),
        (true, true) => panic!("{text} has quotes of both kinds"),
    }
}

/// A variable that `scripts/with-browser` sets.
#[expect(
    clippy::disallowed_methods,
    reason = "tests have no binary that could hand them the browser's address"
)]
pub fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| {
        panic!(
            "{name} is not set: run the tests through `scripts/with-browser COMMAND`, or `make test`. It needs Chromium and its \
             driver (Debian: apt-get install chromium chromium-driver)."
        )
    })
}

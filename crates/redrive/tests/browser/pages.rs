//! Each page is whole: it has a title and one heading, complains of nothing, fits a phone, and keeps nobody out, by day and night.

use redrive_fulfillment::testbed::eventually;

use crate::axe;
use crate::browser::Browser;
use crate::live::{Live, NEVER};
use crate::look::{BEDSIDE, DESK, Look, NIGHT, PHONE};
use crate::past;
use crate::scene::Scene;

/// Every way of looking at a page with scripts.
const LOOKS: [Look; 4] = [DESK, NIGHT, PHONE, BEDSIDE];

/// The page that the browser is at is whole.
pub async fn is_whole(browser: &Browser, title: &str, heading: &str) {
    let place = browser.place().await;
    let whole = browser.title().await;
    assert!(
        whole.starts_with(title) && whole.ends_with(" · Redrive"),
        "{place}: {whole}"
    );
    let headings = browser.texts("h1").await;
    assert!(
        headings.len() == 1 && headings[0].contains(heading),
        "{place}: {headings:?}"
    );
    axe::bring(browser).await;
    for look in LOOKS {
        browser.look(look).await;
        fits(browser, look).await;
        let findings = axe::findings(browser).await;
        assert!(findings.is_empty(), "{place} as {look:?}: {findings:#?}");
    }
    browser.look(DESK).await;
    let complaints = browser.complaints().await;
    assert!(complaints.is_empty(), "{place} complains: {complaints:#?}");
}

/// The page is as wide as the window, and not wider: what is wide in it scrolls by itself.
async fn fits(browser: &Browser, look: Look) {
    eventually("the window to have its size", || async {
        (browser.run("return screen.width", Vec::new()).await == look.width).then_some(())
    })
    .await;
    let wide = "return [...document.querySelectorAll('*')]
        .filter(it => it.getBoundingClientRect().right > arguments[0] + 1 && !it.closest('.scroll > *'))
        .map(it => it.outerHTML.slice(0, 200))";
    let width = browser
        .run("return document.documentElement.scrollWidth", Vec::new())
        .await;
    if width.as_u64() > Some(u64::from(look.width)) {
        let place = browser.place().await;
        let wide = browser.run(wide, vec![look.width.into()]).await;
        panic!(
            "{place} is {width} wide in a window of {}: {wide:#}",
            look.width
        );
    }
}

async fn at(browser: &Browser, path: &str, title: &str, heading: &str) {
    browser.goto(path).await;
    is_whole(browser, title, heading).await;
}

/// Everything that can be gone to without doing anything, with `order` for an order's story.
async fn are_whole(browser: &Browser, order: &str) {
    for (path, title, heading) in [
        ("/", "Overview", ""),
        ("/dead-letters", "Dead letters", "Dead letters"),
        (
            "/dead-letters?resolved=true",
            "Dead letters",
            "Dead letters",
        ),
        (
            "/dead-letters?customerId=nobody",
            "Dead letters",
            "Dead letters",
        ),
        ("/orders", "Orders", "Orders"),
        ("/failures", "Failures", "What fails, and why"),
        ("/batches", "Batches", "Batches"),
        ("/schedule", "Schedule", "Schedule"),
        (&format!("/orders/{order}"), order, order),
    ] {
        at(browser, path, title, heading).await;
    }
    let batch = "return document.querySelector('main tbody a').getAttribute('href')";
    browser.goto("/batches").await;
    let batch = browser.run(batch, Vec::new()).await;
    at(browser, batch.as_str().unwrap(), "Batch", "Batch").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_is_whole() {
    let orders = [
        ("A1", "shipping_failed"),
        ("A2", "shipping_failed"),
        ("A3", "slam_failed"),
        ("B1", "repaired"),
        ("C1", "fraud_suspected"),
    ];
    let live = Live::with(NEVER, &orders).await;
    live.redrive("orders dead-letter A1 A2 --reason look");
    live.redrive("dlq cancel A2 --reason refunded");
    live.redrive("run");
    live.browse(DESK, async |browser| {
        are_whole(browser, "A3").await;

        // What only comes of doing something: a preview, what it led to, and the retry of a dead letter.
        browser.goto("/dead-letters").await;
        browser.choose("Choose A1").await;
        browser.fill("Your name", "ann").await;
        browser.press("Retry…").await;
        is_whole(browser, "Decide", "Retry 1 order?").await;
        browser.press("Retry 1 order").await;
        is_whole(browser, "Retrying", "Retrying dead letters").await;
        live.redrive("orders dead-letter C1 --reason look");
        browser.goto("/dead-letters").await;
        browser.choose("Choose C1").await;
        browser.fill("Your name", "ann").await;
        browser.press("Escalate…").await;
        is_whole(browser, "Decide", "Escalate 1 order?").await;
        browser.fill("Note", "to carol").await;
        browser.press("Escalate 1 order").await;
        is_whole(browser, "Decided", "Escalate: 1 order done").await;

        browser.goto("/schedule").await;
        browser.press("Dry run").await;
        is_whole(browser, "Dry run", "What a batch would do now").await;

        // A page that is not there is a page, too; the browser says so by itself.
        browser.goto("/orders/nobody").await;
        let complaints = browser.complaints().await;
        assert!(
            complaints.len() == 1 && complaints[0].contains("404"),
            "{complaints:?}"
        );
        is_whole(browser, "Not found", "Not found").await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_page_bears_two_weeks_of_a_warehouse() {
    let scene = Scene::set(NEVER, &[]).await;
    let order = past::write(&scene.site.path("redrive.db")).await;
    let live = Live::on(scene);
    live.browse(DESK, async |browser| are_whole(browser, &order).await)
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_installation_has_pages() {
    let live = Live::on(Scene::set(NEVER, &[]).await);
    live.browse(DESK, async |browser| {
        at(browser, "/", "Overview", "No batch has ever run.").await;
        at(browser, "/dead-letters", "Dead letters", "Dead letters").await;
        at(browser, "/orders", "Orders", "Orders").await;
        at(browser, "/failures", "Failures", "What fails, and why").await;
        at(browser, "/batches", "Batches", "Batches").await;
        at(browser, "/api", "API", "The API of").await;
    })
    .await;
}

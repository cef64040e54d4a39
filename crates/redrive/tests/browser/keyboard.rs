//! The pages without a mouse.

use fantoccini::key::Key;
use serde_json::Value;

use crate::browser::Browser;
use crate::live::{Live, NEVER};
use crate::look::DESK;

/// A page that none of the links leads to: where one has led, its name in the header tells.
const OF_NONE: &str = "/api";

/// What has the focus: its name, and whether it shows that.
const FOCUSED: &str = "
    const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
    return {
        tag: it.tagName, name: it.name || it.id || '', text: it.innerText || '',
        shows: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0,
        inside: box.left >= 0 && box.top >= 0 && box.right <= innerWidth && box.bottom <= innerHeight,
    };";

async fn focused(browser: &Browser) -> Value {
    browser.run(FOCUSED, Vec::new()).await
}

/// Goes on to the next thing that can be used, which must show that it has the focus, and be seen.
async fn next(browser: &Browser) -> Value {
    browser.key(Key::Tab).await;
    let focused = focused(browser).await;
    assert!(
        focused["shows"] == true && focused["inside"] == true,
        "{focused}"
    );
    focused
}

/// Goes on until what has that name, or says that, has the focus; past at most so many others.
async fn until(browser: &Browser, what: &str, past: usize) {
    let mut passed = Vec::new();
    while passed.len() <= past {
        let focused = next(browser).await;
        if focused["name"] == what || focused["text"] == what {
            return;
        }
        passed.push(focused);
    }
    panic!("{what} does not come: {passed:#?}");
}

/// Goes to the content at once, by the first link there is.
async fn skip(browser: &Browser) {
    until(browser, "Skip to content", 0).await;
    browser.key(Key::Enter).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_is_decided_without_a_mouse() {
    let live = Live::with(
        NEVER,
        &[("A1", "shipping_failed"), ("A2", "shipping_failed")],
    )
    .await;
    live.redrive("orders dead-letter A1 A2 --reason look");
    live.browse(DESK, async |browser| {
        browser.goto("/dead-letters").await;
        skip(browser).await;
        until(browser, "resolved", 1).await;
        until(browser, "order", 12).await;
        browser.keys(" ").await;
        until(browser, "by", 12).await;
        browser.keys("ann").await;
        until(browser, "notes", 1).await;
        browser.keys("refunded").await;
        until(browser, "Cancel…", 1).await;
        browser.key(Key::Enter).await;
        browser.says("Cancel 1 order?").await;

        skip(browser).await;
        until(browser, "Cancel 1 order", 1).await;
        browser.key(Key::Enter).await;
        browser.says("Cancel: 1 order done").await;
    })
    .await;
    let decided = live.redrive("dlq show A1").stdout;
    assert!(
        decided.contains("cancelled") && decided.contains("refunded"),
        "{decided}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn each_page_is_reached_and_its_first_action_is_next() {
    let live = Live::with(NEVER, &[("A1", "shipping_failed")]).await;
    live.browse(DESK, async |browser| {
        browser.goto(OF_NONE).await;
        let links = browser.texts("header nav a").await;
        assert!(links.len() >= 6, "{links:?}");
        for (n, link) in links.iter().enumerate() {
            browser.goto(OF_NONE).await;
            // The link to the content, the name, then the pages.
            for _ in 0..n + 2 {
                next(browser).await;
            }
            assert_eq!(next(browser).await["text"], *link);
            browser.key(Key::Enter).await;
            browser.becomes("header nav a[aria-current]", link).await;
        }
        for (path, action) in [
            ("/batches", "Run a batch now"),
            ("/orders/A1", "by"),
            ("/schedule", "by"),
        ] {
            browser.goto(path).await;
            skip(browser).await;
            until(browser, action, 12).await;
        }
    })
    .await;
}

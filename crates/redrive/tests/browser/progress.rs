//! A batch's numbers move while it runs, on a page that nobody loads again.

use redrive_fulfillment::testbed::eventually;
use serde_json::Value;

use crate::live::Live;
use crate::look::DESK;

/// Two starts a second: a batch of these orders lasts for ten.
const SLOW: &str = "[schedule]\ninterval = \"168h\"\n[policy]\nstarts_per_second = 2.0\n";
const ORDERS: usize = 20;

/// Writes down each number that the page shows for restarts, when it shows another one.
const WATCH: &str = "
    window.seen = [];
    const look = () => {
        const term = [...document.querySelectorAll('.figures dt')].find(term => term.innerText === 'Restarted');
        const shown = term && Number(term.nextElementSibling.innerText);
        if (term && window.seen.at(-1) !== shown) window.seen.push(shown);
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true, characterData: true });
    look();";

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_followed_live() {
    let names: Vec<String> = (1..=ORDERS).map(|n| format!("A{n:02}")).collect();
    let orders: Vec<(&str, &'static str)> = names
        .iter()
        .map(|name| (name.as_str(), "shipping_failed"))
        .collect();
    let live = Live::with(SLOW, &orders).await;
    live.browse(DESK, async |browser| {
        browser.goto("/batches").await;
        browser.press("Run a batch now").await;
        let place = eventually("the batch's page", || async {
            Some(browser.place().await).filter(|place| place.starts_with("/batches/"))
        })
        .await;
        browser.run(WATCH, Vec::new()).await;
        browser.becomes("main .state", "completed").await;
        assert_eq!(browser.figure("Found").await, "20");

        let seen = browser.run("return window.seen", Vec::new()).await;
        let seen: Vec<u64> = serde_json::from_value(seen)
            .unwrap_or_else(|error| panic!("{error}: it was loaded again"));
        assert!(seen.is_sorted(), "it goes on, and never back: {seen:?}");
        assert!(
            seen.iter().any(|shown| (1..20).contains(shown)),
            "its way is seen: {seen:?}"
        );
        assert_eq!(seen.last(), Some(&20), "{seen:?}");
        assert_eq!(browser.place().await, place, "nobody has gone elsewhere");
        assert_eq!(
            browser.texts("main tbody th a").await.len(),
            ORDERS,
            "each order has its verdict"
        );
    })
    .await;
    let batches = live.redrive("batches list -o json").json();
    let restarted = |batch: &Value| batch["result"]["restartedCount"] == 20;
    assert!(
        batches.as_array().unwrap().iter().any(restarted),
        "{batches}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_somebody_is_at_is_left_alone() {
    let live = Live::with(SLOW, &[("A1", "shipping_failed")]).await;
    live.browse(DESK, async |browser| {
        browser.goto("/orders/A1").await;
        browser.fill("Your name", "ann").await;
        let shown = browser.text("main .state").await;
        live.redrive("orders hold A1 --reason look");
        browser.becomes("main .state", "held").await;
        assert_ne!(shown, "held");
        let typed = "return document.querySelector('[name=by]').value";
        assert_eq!(
            browser.run(typed, Vec::new()).await,
            "ann",
            "what is typed stays"
        );
    })
    .await;
}

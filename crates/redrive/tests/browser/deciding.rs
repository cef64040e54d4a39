//! Deciding about dead letters: many at once, with scripts and without; and two people about the same one.

use redrive_fulfillment::testbed::eventually;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus::{
    Failed, Running,
};

use crate::browser::Browser;
use crate::live::{Live, NEVER};
use crate::look::{BARE, DESK, Look};

/// The orders that a carrier let down.
const CARRIED: [&str; 4] = ["A1", "A2", "A3", "A4"];
/// Those of another failure.
const OTHERS: [&str; 2] = ["B1", "B2"];

/// All of them in the queue.
async fn queue() -> Live {
    let carried = CARRIED.map(|order| (order, "shipping_failed"));
    let others = OTHERS.map(|order| (order, "slam_failed"));
    let live = Live::with(NEVER, &[carried.as_slice(), &others].concat()).await;
    let all = [CARRIED.as_slice(), &OTHERS].concat().join(" ");
    live.redrive(&format!("orders dead-letter {all} --reason look"));
    live
}

/// The orders on the page, in its table.
async fn listed(browser: &Browser) -> Vec<String> {
    let mut orders = browser.texts("main tbody th a").await;
    orders.sort();
    orders
}

/// Waits until the page says that the retry has ended: by itself where scripts run, and else because it is asked again.
async fn ended(browser: &Browser, look: Look) {
    eventually("the retry to end", || async {
        if !look.scripts {
            browser.reload().await;
        }
        (browser.text("main .state").await == "completed").then_some(())
    })
    .await;
}

async fn dead_letters_that_match_are_retried(look: Look) {
    let live = queue().await;
    live.browse(look, async |browser| {
        browser.goto("/dead-letters").await;
        browser.says("6 wait for a decision").await;
        browser.fill("Failure status", "shipping_failed").await;
        browser.press("Filter").await;
        browser.says("all 4 that match").await;
        assert_eq!(listed(browser).await, CARRIED);

        browser.choose("that match").await;
        browser.fill("Your name", "bob").await;
        browser.fill("Note", "the carrier is back").await;
        browser.press("Retry…").await;
        browser.says("Retry 4 orders?").await;
        assert_eq!(browser.texts("main li a").await, CARRIED, "they are named");
        browser.press("Retry 4 orders").await;

        browser.says("Retrying dead letters").await;
        browser.says("by bob: the carrier is back").await;
        ended(browser, look).await;
        for (figure, number) in [
            ("Matched", "4"),
            ("Started", "4"),
            ("Failed", "0"),
            ("Skipped", "0"),
        ] {
            assert_eq!(browser.figure(figure).await, number, "{figure}");
        }
        browser.goto("/dead-letters").await;
        browser.says("2 wait for a decision").await;
        assert_eq!(listed(browser).await, OTHERS);
    })
    .await;
    for order in CARRIED {
        live.scene.becomes(order, Running).await;
    }
    for order in OTHERS {
        let latest = live
            .scene
            .testbed
            .latest(&format!("order-fulfillment-{order}"))
            .await;
        assert_eq!(
            latest.unwrap().status(),
            Failed,
            "{order} was not asked for"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_match_are_retried_with_scripts() {
    dead_letters_that_match_are_retried(DESK).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_that_match_are_retried_without_scripts() {
    dead_letters_that_match_are_retried(BARE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_box_ticks_all_on_the_page_where_scripts_run() {
    let live = queue().await;
    let ticked = "input[name=order]:checked";
    let all = "[aria-label='Choose all on this page']";
    live.browse(DESK, async |browser| {
        browser
            .goto("/dead-letters?failureStatus=slam_failed")
            .await;
        assert_eq!(browser.texts(ticked).await.len(), 0);
        browser.choose("Choose all on this page").await;
        assert_eq!(browser.texts(ticked).await.len(), 2);
        browser.fill("Your name", "bob").await;
        browser.press("Cancel…").await;
        browser.says("Cancel 2 orders?").await;
        browser.fill("Note", "refunded").await;
        browser.press("Cancel 2 orders").await;
        browser.says("Cancel: 2 orders done").await;
        browser.goto("/dead-letters?resolved=true").await;
        assert_eq!(listed(browser).await, OTHERS);
        browser.says("cancelled by bob").await;
    })
    .await;
    live.browse(BARE, async |browser| {
        browser.goto("/dead-letters").await;
        assert_eq!(
            browser.texts(all).await.len(),
            0,
            "what would do nothing is not there"
        );
        assert_eq!(listed(browser).await, CARRIED);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_who_decide_the_same_one_wins_and_the_other_is_told() {
    let live = queue().await;
    // Both are asked about the same three before either answers.
    let asked = async |browser: &Browser, name: &str| {
        browser.goto("/dead-letters").await;
        for order in ["A1", "A2", "B1"] {
            browser.choose(&format!("Choose {order}")).await;
        }
        browser.fill("Your name", name).await;
        browser.fill("Note", "refunded").await;
        browser.press("Cancel…").await;
        browser.says("Cancel 3 orders?").await;
    };
    live.browse(DESK, async |ann| {
        live.browse(DESK, async |bob| {
            asked(ann, "ann").await;
            asked(bob, "bob").await;
            ann.press("Cancel 3 orders").await;
            ann.says("Cancel: 3 orders done").await;
            bob.press("Cancel 3 orders").await;
            bob.says("Cancel: 0 orders done").await;
            let told = bob.texts("main li").await;
            assert_eq!(told.len(), 3, "{told:?}");
            for line in told {
                assert!(
                    line.ends_with("it was decided before: cancelled by ann"),
                    "{line}"
                );
            }

            // The same on the order's own page.
            ann.goto("/orders/A3").await;
            bob.goto("/orders/A3").await;
            ann.fill("Your name", "ann").await;
            ann.press("Escalate").await;
            ann.says("Nothing was done: say why").await;
            for (who, name, button, said) in [
                (ann, "ann", "Escalate", "It is handed to somebody else."),
                (
                    bob,
                    "bob",
                    "Cancel",
                    "Nothing was done: somebody has decided it before.",
                ),
            ] {
                who.fill("Your name", name).await;
                who.fill("Why", "refunded").await;
                who.press(button).await;
                who.says(said).await;
            }
        })
        .await;
    })
    .await;
    let audit = live.redrive("audit list --by bob");
    assert!(
        !audit.stdout.contains("cancel"),
        "bob has done nothing: {audit:?}"
    );
}

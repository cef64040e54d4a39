//! Questions: on a terminal the answer is heard, and without one nothing is done.

use redrive_fulfillment::testbed::Testbed;

use super::known;
use super::site::{Site, Way};
use super::ways::both_ways;

both_ways!(
    only_a_yes_on_a_terminal_is_a_yes,
    a_yes_that_comes_through_a_pipe_is_nobodys
);

/// A folder with the ledger that is known.
async fn site(way: Way) -> Site {
    let testbed = Testbed::connect("prompt").await;
    known::filled(Site::on(&testbed).by(way)).await
}

const CANCEL: &str = "dlq cancel DEAD-1 DEAD-2 --reason refunded";

async fn only_a_yes_on_a_terminal_is_a_yes(way: Way) {
    let site = site(way).await.with("NO_COLOR", "1");
    for no in ["n\n", "\n", "yep\n"] {
        let told = site.answered(CANCEL, no);
        assert_eq!((told.code, told.stdout.as_str()), (Some(0), ""), "{told:?}");
        assert!(
            told.stderr.starts_with("Cancel 2 orders? [y/N] ")
                && told.stderr.ends_with("Nothing was changed.\r\n"),
            "{told:?}"
        );
    }
    let json = site.answered(&format!("{CANCEL} -o json"), "n\n").json();
    assert_eq!((&json["matched"], &json["done"]), (&2.into(), &0.into()));
    assert_eq!(
        site.answered(CANCEL, "y\n").well().stdout,
        "Cancelled 2 of 2 orders.\n"
    );
}

async fn a_yes_that_comes_through_a_pipe_is_nobodys(way: Way) {
    let site = site(way).await;
    let told = "error: \"Cancel 2 orders?\" cannot be asked: this is no terminal.\n\
                hint: look at what is about to be done, then say --yes.";
    site.piped(CANCEL, "y\n").says(1, told);
    let left = site.run("dlq list -o json").json();
    assert_eq!(left.as_array().unwrap().len(), 2);
    // One order that is named, with a reason, is no question.
    site.piped("dlq cancel DEAD-1 --reason refunded", "").well();
}

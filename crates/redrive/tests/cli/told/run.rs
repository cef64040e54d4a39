//! `run`: what is rehearsed, what is run, and what is not.

use redrive_fulfillment::testbed::eventually;

use super::{both, tape};
use crate::scene::{NEVER, Scene};
use crate::site::Way;
use crate::ways::both_ways;

const ORDERS: [(&str, &str); 5] = [
    ("A-1", "shipping_failed"),
    ("A-2", "shipping_failed"),
    ("A-3", "wave_timeout"),
    ("F-1", "fraud_suspected"),
    ("H-1", "slam_failed"),
];

both_ways!(
    what_run_says,
    what_run_says_while_every_start_is_halted_and_when_it_does_not_wait,
);

async fn scene(way: Way) -> Scene {
    let mut scene = Scene::set(NEVER, &ORDERS).await.by(way);
    scene.knows();
    scene.site.run("orders hold H-1 --reason look").well();
    scene
}

async fn what_run_says(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    for command in [
        "run --dry-run",
        "run --dry-run --max-orders 2",
        "run --dry-run --status fraud_suspected",
        "run --dry-run --status shiping_failed",
        "run --dry-run --order A-1 --order F-1 --order H-1",
        "run --order A-1 --reason look",
        "run --order A-1",
        "run --order A-2 --order F-1",
        "run --order A-2 --order nobody",
        "run --status fraud_suspected",
        "run --max-orders 1 --reason carrier-is-back",
        "run --dry-run",
        "run",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("what_run_says", tape.told());
}

async fn what_run_says_while_every_start_is_halted_and_when_it_does_not_wait(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    both(&sites, "halt --reason stocktaking");
    for command in ["run --dry-run", "run", "run --order A-1"] {
        tape.acts(&sites, command);
    }
    both(&sites, "unhalt");
    tape.acts(&sites, "run --no-wait --reason carrier-is-back");
    for site in sites {
        // What began is done, also when nobody waits for it.
        eventually("the batch to restart the orders", || async {
            let flying = site.run("orders list --state in-flight -o json").well();
            (flying.json().as_array().unwrap().len() == 3).then_some(())
        })
        .await;
    }
    insta::assert_snapshot!(
        "what_run_says_while_every_start_is_halted_and_when_it_does_not_wait",
        tape.told()
    );
}

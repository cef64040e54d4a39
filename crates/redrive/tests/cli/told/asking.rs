//! `classify`, `scan` and `doctor`.

use redrive_fulfillment::testbed::{Testbed, eventually};

use super::tape;
use crate::known;
use crate::scene::{NEVER, Scene};
use crate::site::{Site, Way};
use crate::tape::Tape;
use crate::ways::both_ways;

const ORDERS: [(&str, &str); 3] = [
    ("A-1", "shipping_failed"),
    ("F-1", "fraud_suspected"),
    ("N-1", "runs"),
];

/// Whatever failed before a moment ago is old.
const FORGETFUL: &str = "[policy]\nscan = { lookback = \"1ms\" }\n";

both_ways!(what_a_judgement_of_a_run_says);
async fn what_a_judgement_of_a_run_says(way: Way) {
    let scene = Scene::set(NEVER, &ORDERS).await.by(way);
    let mut tape = Tape::at(&[&scene.site], &[&scene.testbed]);
    for command in [
        "classify --workflow-id order-fulfillment-A-1",
        "classify --workflow-id order-fulfillment-F-1",
        "classify --workflow-id order-fulfillment-N-1",
        "classify --workflow-id nobody",
        "classify --workflow-id order-fulfillment-A-1 --run-id latest",
    ] {
        tape.reads(&scene.site, command);
    }
    insta::assert_snapshot!("what_a_judgement_of_a_run_says", tape.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_look_back_says() {
    let config = format!("{NEVER}{FORGETFUL}");
    let mut scenes = [
        Scene::set(&config, &ORDERS).await,
        Scene::set(&config, &ORDERS).await,
    ];
    for scene in &mut scenes {
        scene.works();
    }
    let (mut tape, sites) = tape(&scenes);
    for command in [
        "scan --since 1h --dry-run",
        "scan --since 1h",
        "scan --since 1h --yes --reason carrier-was-down",
        "scan --since 1h --yes",
        "scan --since 1ms --dry-run",
        "scan --since 1ms",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!(tape.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_doctor_says_where_nothing_is_wrong() {
    let mut scene = Scene::set(NEVER, &ORDERS).await;
    scene.knows();
    scene.site.run("schedule apply").well();
    eventually("the server to show the worker", || async {
        let told = scene.site.run("doctor").stdout;
        told.contains("Workers poll").then_some(())
    })
    .await;
    let mut tape = Tape::at(&[&scene.site], &[&scene.testbed]);
    tape.reads(&scene.site, "doctor");
    insta::assert_snapshot!(tape.told());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_doctor_says_where_much_is_wrong() {
    let testbed = Testbed::connect("told").await;
    let site = known::filled(Site::on(&testbed)).await;
    site.run("halt --reason stocktaking").well();
    site.run("schedule apply").well();
    site.run("schedule pause --reason stocktaking").well();
    let mut tape = Tape::at(&[&site], &[&testbed]);
    tape.reads(&site, "doctor");
    let nowhere = Site::without_server();
    tape.reads(&nowhere, "doctor");
    insta::assert_snapshot!(tape.told());
}

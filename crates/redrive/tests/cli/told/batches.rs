//! `batches pause|resume|stop`: a batch that nobody works on yet, one that runs, one that has ended.

use std::time::Duration;

use redrive_fulfillment::testbed::eventually_within;
use regex::Regex;
use temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus;

use super::{both, tape};
use crate::scene::{NEVER, Scene};
use crate::site::{Site, Way};
use crate::tape::Tape;
use crate::ways::both_ways;

both_ways!(
    what_a_batch_that_is_told_something_says,
    what_is_said_where_several_batches_run_and_none_is_named,
);

const LIMIT: Duration = Duration::from_secs(60);

/// Starts a batch on each site: their workflow ids.
fn begun(sites: &[&Site; 2]) -> [String; 2] {
    sites.map(|site| {
        let begun = site.run("run --no-wait -o json").well().json();
        begun["workflowId"].as_str().unwrap().to_owned()
    })
}

/// Waits until it has heard that it is paused, and waits.
async fn is_paused(site: &Site, batch: &str) {
    eventually_within(LIMIT, "the batch to wait", || async {
        let told = site.run(&format!("batches pause {batch} -o json")).well();
        (told.json()["progress"]["phase"] == "restarting").then_some(())
    })
    .await;
}

/// How far a batch is when it is told to go on or to end is its own affair.
fn somewhere(told: &str) -> String {
    let text = Regex::new(r"(goes on\.|records its result\.) It is [^.]*\.").unwrap();
    let told = text.replace_all(told, "$1 It is <somewhere>.");
    let json = Regex::new(
        r#"(?s)("told": "(?:resume|stop)",\s+"heard": true,\s+"paused": \w+,\s+"stopping": \w+,\s+"progress": )\{[^}]*\}"#,
    );
    json.unwrap()
        .replace_all(&told, "$1<somewhere>")
        .into_owned()
}

/// A scene without orders.
async fn scene(way: Way) -> Scene {
    Scene::set(NEVER, &[]).await.by(way)
}

async fn what_a_batch_that_is_told_something_says(way: Way) {
    let mut scenes = [scene(way).await, scene(way).await];
    both(&[&scenes[0].site, &scenes[1].site], "migrate");
    // Both are paused before anybody works: a batch without work ends at once.
    let [goes_on, ends] = {
        let (mut tape, sites) = tape(&scenes);
        tape.acts(&sites, "batches pause");
        tape.acts(&sites, "batches resume nobody");
        let batches = [begun(&sites), begun(&sites)];
        for batches in &batches {
            tell(&mut tape, &sites, "pause", batches);
        }
        insta::assert_snapshot!("nobody_works", tape.told());
        batches
    };
    for scene in &mut scenes {
        scene.works();
    }
    let (mut tape, sites) = tape(&scenes);
    for batches in [&goes_on, &ends] {
        for n in [0, 1] {
            is_paused(sites[n], &batches[n]).await;
        }
    }
    tell(&mut tape, &sites, "pause", &goes_on);
    tell(&mut tape, &sites, "resume", &goes_on);
    for n in [0, 1] {
        let done = WorkflowExecutionStatus::Completed;
        scenes[n].testbed.await_status(&goes_on[n], done).await;
    }
    tell(&mut tape, &sites, "resume", &goes_on);
    tell(&mut tape, &sites, "stop", &ends);
    insta::assert_snapshot!("somebody_works", somewhere(&tape.told()));
}

/// Tells each site's batch something.
fn tell(tape: &mut Tape, sites: &[&Site; 2], verb: &str, batches: &[String; 2]) {
    let tell = batches
        .each_ref()
        .map(|id| format!("batches {verb} {id} --reason look"));
    tape.each(sites, [&tell[0], &tell[1]]);
}

async fn what_is_said_where_several_batches_run_and_none_is_named(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    both(&sites, "migrate");
    begun(&sites);
    begun(&sites);
    for site in sites {
        eventually_within(LIMIT, "both batches to show", || async {
            let told = site.run("batches stop").stderr;
            told.contains("several batches run").then_some(())
        })
        .await;
    }
    tape.acts(&sites, "batches stop --reason enough");
    insta::assert_snapshot!(
        "what_is_said_where_several_batches_run_and_none_is_named",
        tape.told()
    );
}

//! `dlq operations`: one that waits while starts are halted, one that has ended, one that is stopped.

use std::time::Duration;

use redrive_fulfillment::testbed::eventually_within;
use regex::Regex;
use serde_json::Value;

use super::{both, tape};
use crate::scene::{NEVER, Scene};
use crate::site::{Site, Way};
use crate::tape::Tape;
use crate::ways::both_ways;

both_ways!(what_an_operation_says);

const ORDERS: [(&str, &str); 5] = [
    ("D-1", "shipping_failed"),
    ("D-2", "shipping_failed"),
    ("D-3", "shipping_failed"),
    ("D-4", "wave_timeout"),
    ("D-5", "wave_timeout"),
];
const LIMIT: Duration = Duration::from_secs(120);

/// All are dead letters, and every start is halted.
async fn scene(way: Way) -> Scene {
    let mut scene = Scene::set(NEVER, &ORDERS).await.by(way);
    scene.knows();
    let park = "orders dead-letter D-1 D-2 D-3 D-4 D-5 --reason carrier-is-down";
    scene.site.run(park).well();
    scene.site.run("halt --reason stocktaking").well();
    scene
}

/// The latest operation of each site, once that holds of it.
async fn once(sites: &[&Site; 2], what: &str, holds: fn(&Value) -> bool) -> [String; 2] {
    let mut ids = [String::new(), String::new()];
    for (site, id) in sites.iter().zip(&mut ids) {
        *id = eventually_within(LIMIT, what, || async {
            let listed = site.run("dlq operations list -o json").well().json();
            holds(&listed[0]).then(|| listed[0]["id"].as_str().unwrap().to_owned())
        })
        .await;
    }
    ids
}

fn each(tape: &mut Tape, sites: &[&Site; 2], command: &str, ids: &[String; 2]) {
    let commands = ids.each_ref().map(|id| command.replace("ID", id));
    tape.each(sites, [&commands[0], &commands[1]]);
}

/// How far an operation is when it is told to end is its own affair.
fn somewhere(told: &str) -> String {
    let text = Regex::new(r"(stays in the queue\.) [^.]*\.").unwrap();
    let told = text.replace_all(told, "$1 <somewhere>.");
    let json = Regex::new(r#"(?s)("told": "stop",\s+"heard": true,\s+"id": "[^"]*",)[^}]*\}"#);
    json.unwrap()
        .replace_all(&told, "$1\n  <somewhere>\n}")
        .into_owned()
}

async fn what_an_operation_says(way: Way) {
    let scenes = [scene(way).await, scene(way).await];
    let (mut tape, sites) = tape(&scenes);
    tape.acts(&sites, "dlq operations list");
    tape.acts(
        &sites,
        "dlq retry --status shipping_failed --yes --no-wait --reason carrier-is-back",
    );
    let first = once(&sites, "it to wait", |it| it["waiting"] == 3).await;
    for command in [
        "dlq operations show ID",
        "dlq operations rate ID --per-second 2.5 --reason gently",
        "dlq operations pause ID --reason look",
        "dlq operations resume ID",
        "dlq operations rate ID",
    ] {
        each(&mut tape, &sites, command, &first);
    }
    both(&sites, "unhalt");
    once(&sites, "its end", |it| it["status"] == "completed").await;
    for command in [
        "dlq operations show ID --wait",
        "dlq operations pause ID",
        "dlq operations rate ID --per-second 2",
        "dlq operations stop nobody",
        "dlq operations rate ID --per-second 0",
    ] {
        each(&mut tape, &sites, command, &first);
    }
    both(&sites, "halt --reason stocktaking");
    both(
        &sites,
        "dlq retry D-4 D-5 --rate 0.5 --yes --no-wait --reason both",
    );
    let second = once(&sites, "it to wait", |it| it["waiting"] == 2).await;
    each(
        &mut tape,
        &sites,
        "dlq operations stop ID --reason enough",
        &second,
    );
    each(&mut tape, &sites, "dlq operations show ID --wait", &second);
    tape.acts(&sites, "dlq operations list");
    insta::assert_snapshot!("what_an_operation_says", somewhere(&tape.told()));
}

//! `schedule`, without a worker: what it starts waits, so that it is there to be looked at.

use super::{both, tape};
use crate::scene::{NEVER, Scene};
use crate::site::Way;
use crate::ways::both_ways;

both_ways!(
    what_the_schedule_says_through_its_life,
    what_a_schedule_says_that_differs_from_the_configuration
);

async fn what_the_schedule_says_through_its_life(way: Way) {
    let scenes = [
        Scene::set(NEVER, &[]).await.by(way),
        Scene::set(NEVER, &[]).await.by(way),
    ];
    let (mut tape, sites) = tape(&scenes);
    both(&sites, "migrate");
    for command in [
        "schedule show",
        "schedule pause",
        "schedule trigger",
        "schedule apply",
        "schedule apply",
        "schedule show",
        "schedule pause --reason carrier-down",
        "schedule pause --reason still-down",
        "schedule show",
        "schedule resume --reason back",
        "schedule resume",
        "schedule trigger --reason now",
        "schedule trigger",
        "schedule show",
        "schedule delete",
        "schedule delete --yes --reason moving",
        "schedule delete",
        "schedule delete --yes",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("the_schedule_through_its_life", tape.told());
}

async fn what_a_schedule_says_that_differs_from_the_configuration(way: Way) {
    let scenes = [
        Scene::set(NEVER, &[]).await.by(way),
        Scene::set(NEVER, &[]).await.by(way),
    ];
    let (mut tape, sites) = tape(&scenes);
    both(&sites, "migrate");
    for site in sites {
        site.run_by(Way::Ledger, "schedule apply").well();
        // A server reads the configuration when it starts.
        site.write("redrive.toml", &NEVER.replace("168h", "144h"));
    }
    for command in ["schedule show", "schedule apply", "schedule apply"] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!("a_schedule_that_differs", tape.told());
}

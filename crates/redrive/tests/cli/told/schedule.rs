//! `schedule`, without a worker: what it starts waits, so that it is there to be looked at.

use super::{both, tape};
use crate::scene::{NEVER, Scene};

#[tokio::test(flavor = "multi_thread")]
async fn what_the_schedule_says_through_its_life() {
    let scenes = [Scene::set(NEVER, &[]).await, Scene::set(NEVER, &[]).await];
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
    ] {
        tape.acts(&sites, command);
    }
    for site in sites {
        site.write("redrive.toml", &NEVER.replace("168h", "144h"));
    }
    for command in [
        "schedule show",
        "schedule apply",
        "schedule delete",
        "schedule delete --yes --reason moving",
        "schedule delete --yes",
    ] {
        tape.acts(&sites, command);
    }
    insta::assert_snapshot!(tape.told());
}

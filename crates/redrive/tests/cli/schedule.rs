//! `schedule`: the real schedule of a namespace, through its life.

use redrive_fulfillment::testbed::Testbed;

use super::site::{Site, Way};
use super::ways::both_ways;

both_ways!(
    a_schedule_is_applied_paused_resumed_triggered_and_deleted,
    a_pause_stays_while_the_schedule_is_made_what_the_configuration_says
);

async fn a_schedule_is_applied_paused_resumed_triggered_and_deleted(way: Way) {
    let testbed = Testbed::connect("schedule").await;
    let site = Site::on(&testbed).by(way);
    site.write("redrive.toml", "[schedule]\nmanage = false\n");
    let worker = site.start("worker");
    worker.hear("Ready.");
    for command in ["schedule show", "schedule pause", "schedule delete"] {
        site.run(command).says(
            1,
            "error: there is no schedule \"reprocessing-batch-schedule\": `redrive schedule apply` creates it, as does a \
             worker when it starts",
        );
    }
    assert_eq!(
        site.run("schedule apply").well().stdout,
        "reprocessing-batch-schedule is created.\n"
    );
    let again = site.run("schedule apply -o json").well().json();
    assert_eq!(
        (again["did"].as_str(), again["changed"].as_bool()),
        (Some("unchanged"), Some(false))
    );

    let status = site.run("status -o json").well().json();
    assert_eq!(status["schedule"]["paused"], false, "{status}");
    assert!(status["schedule"]["nextBatchAt"].is_string(), "{status}");
    site.run("schedule pause --reason carrier-down").well();
    let status = site.run("status").well();
    assert!(
        status
            .stdout
            .ends_with("Next batch    the schedule is paused (ann: carrier-down)\n"),
        "{status:?}"
    );
    let shown = site.run("schedule show -o json").well().json();
    assert_eq!(
        (
            shown["paused"].as_bool(),
            shown["note"].as_str(),
            shown["interval"].as_str()
        ),
        (Some(true), Some("ann: carrier-down"), Some("15m"))
    );
    assert_eq!(
        (shown["overlapPolicy"].as_str(), shown["missed"].as_u64()),
        (Some("skip"), Some(0))
    );
    assert_eq!(
        site.run("schedule resume --reason back").well().stdout,
        "reprocessing-batch-schedule ticks again.\n"
    );
    assert_eq!(
        site.run("schedule resume").well().stdout,
        "reprocessing-batch-schedule was not paused: it ticks.\n"
    );
    let triggered = site.run("schedule trigger -o json").well().json();
    let batch = triggered["batch"].as_str().unwrap();
    assert!(batch.starts_with("reprocessing-batch-"), "{triggered}");

    let unasked = site.run("schedule delete");
    assert!(
        unasked.code == Some(1)
            && unasked
                .stderr
                .contains("look at what is about to be done, then say --yes."),
        "{unasked:?}"
    );
    site.run("schedule delete --yes --reason moving").well();
    assert_eq!(site.run("schedule show").code, Some(1));
    let audit = site.run("audit list -o json").well().json();
    let acts: Vec<&str> = audit
        .as_array()
        .unwrap()
        .iter()
        .map(|act| act["action"].as_str().unwrap())
        .collect();
    assert_eq!(
        acts,
        [
            "schedule_delete",
            "schedule_trigger",
            "schedule_resume",
            "schedule_resume",
            "schedule_pause",
            "schedule_apply"
        ]
    );
}

async fn a_pause_stays_while_the_schedule_is_made_what_the_configuration_says(way: Way) {
    let testbed = Testbed::connect("schedule").await;
    let site = Site::on(&testbed).by(way);
    site.run_by(Way::Ledger, "migrate").well();
    for command in ["apply", "pause --reason carrier-down"] {
        let command = format!("schedule {command}");
        site.run_by(Way::Ledger, &command).well();
    }
    // A server reads the configuration when it starts.
    site.write("redrive.toml", "[schedule]\ninterval = \"5m\"\n");
    let differs = site.run("schedule show").well();
    for part in ["is paused (ann: carrier-down), every 15m.", "It differs: "] {
        assert!(differs.stdout.contains(part), "{part} in {differs:?}");
    }
    assert_eq!(
        differs.stderr,
        "hint: `redrive schedule apply` makes it what the configuration says.\n"
    );
    site.run("schedule apply").well();
    let shown = site.run("schedule show -o json").well().json();
    assert_eq!(
        (shown["paused"].as_bool(), shown["interval"].as_str()),
        (Some(true), Some("5m")),
        "a pause is an operator's, and stays"
    );
}

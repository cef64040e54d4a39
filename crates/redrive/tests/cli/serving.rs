//! `up` and `worker`: what runs, that it runs alone, and that it ends in order.

use nix::sys::signal::Signal;
use redrive_fulfillment::testbed::Testbed;

use super::site::{Site, Stays, exists};

/// Waits until the command says that it is at work.
#[track_caller]
fn ready(stays: &Stays) {
    stays.hear("Ready.");
}

#[tokio::test]
async fn a_second_up_on_the_same_ledger_is_refused_and_the_first_goes_on() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    let first = site.start("up");
    ready(&first);
    site.run("up").says(
        1,
        "error: another `redrive up` uses the ledger redrive.db: stop it first, or give this one another ledger.url.",
    );
    let result = site.run("run -o json").well().json();
    assert_eq!(result["foundCount"], 0);
    first.signal(Signal::SIGINT);
    assert_eq!(first.ended().code(), Some(0));
    let again = site.start("up");
    ready(&again);
    again.signal(Signal::SIGTERM);
    assert_eq!(again.ended().code(), Some(0));
}

#[test]
fn up_brings_a_server_whose_state_outlives_it() {
    let site = Site::with_temporal_cli();
    let up = site.start("up -o json");
    let told = up.read_json();
    ready(&up);
    assert_eq!(told["namespace"], "default");
    assert_eq!(told["schedule"]["applied"], "created");
    let address = told["temporalAddress"].as_str().unwrap().to_owned();
    let begun = site.run_at(&address, "run -o json").well().json();
    up.signal(Signal::SIGINT);
    up.hear("Stopping");
    assert_eq!(up.ended().code(), Some(0));
    assert!(
        std::net::TcpStream::connect(&address).is_err(),
        "the server is stopped too"
    );
    assert!(exists(&site.path("redrive.temporal.db")));

    let up = site.start("up -o json");
    let told = up.read_json();
    ready(&up);
    assert_eq!(
        told["schedule"]["applied"], "unchanged",
        "the server knows what it knew: {begun}"
    );
    up.signal(Signal::SIGINT);
    assert_eq!(up.ended().code(), Some(0));
}

#[tokio::test]
async fn a_worker_works_and_stops_when_asked() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    site.write("redrive.toml", "[schedule]\nmanage = false\n");
    let worker = site.start("worker");
    worker.read("Schedule     not managed here");
    ready(&worker);
    let result = site.run("run").well();
    assert!(
        result
            .stdout
            .starts_with("found  restarted  dead-lettered  errors  skipped\n0 "),
        "{result:?}"
    );
    worker.signal(Signal::SIGTERM);
    worker.hear("Stopping");
    assert_eq!(worker.ended().code(), Some(0));
}

#[tokio::test]
async fn a_batch_that_nobody_works_on_is_told_and_goes_on_without_its_waiter() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    let worker = site.start("worker");
    ready(&worker);
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended().code(), Some(0));

    site.write("redrive.toml", "[worker]\ntask_queue = \"nobody\"\n");
    let run = site.start("run");
    run.hear("hint: no worker polls task queue \"nobody\", so the batch waits: start one with `redrive worker`.");
    run.signal(Signal::SIGINT);
    run.hear("goes on without us.");
    assert_eq!(run.ended().code(), Some(130));
}

#[tokio::test]
async fn a_batch_need_not_be_waited_for() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    let worker = site.start("worker");
    ready(&worker);
    let begun = site
        .run("run --no-wait --max-orders 5 -o json")
        .well()
        .json();
    assert!(
        begun["workflowId"]
            .as_str()
            .unwrap()
            .starts_with("reprocessing-batch-"),
        "{begun}"
    );
    let ended = testbed.await_status(
        begun["workflowId"].as_str().unwrap(),
        temporalio_common::protos::temporal::api::enums::v1::WorkflowExecutionStatus::Completed,
    );
    assert_eq!(ended.await.execution.unwrap().run_id, begun["batchId"]);
}

#[tokio::test]
async fn a_halt_is_told_when_work_begins() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    let worker = site.start("worker");
    ready(&worker);
    assert_eq!(
        site.run("halt --reason carrier-down -o json").well().json()["changed"],
        true
    );
    assert_eq!(
        site.run("halt --reason carrier-down -o json").well().json()["changed"],
        false
    );
    let again = site.run("halt --reason still-down").well().stdout;
    assert!(
        again.starts_with("Nothing was changed: every start is halted since ")
            && again.ends_with("by ann: carrier-down.\n"),
        "{again}"
    );
    let another = site.start("worker");
    let told = another.hear("Ready.").join("\n");
    assert!(
        told.contains("every start is halted since") && told.contains("by ann: carrier-down"),
        "{told}"
    );
    assert_eq!(site.run("unhalt").well().stdout, "Starts happen again.\n");
    assert_eq!(
        site.run("unhalt").well().stdout,
        "Nothing was halted: starts happen.\n"
    );
}

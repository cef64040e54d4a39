//! `up` and `worker`: what runs, that it runs alone, and that it ends in order.

use std::io::{Read, Write};
use std::net::TcpStream;

use nix::sys::signal::Signal;
use redrive_fulfillment::testbed::Testbed;

use super::site::{Site, Stays, Way, exists};
use super::ways::both_ways;

both_ways!(
    a_batch_that_nobody_works_on_is_told_and_goes_on_without_its_waiter,
    a_batch_need_not_be_waited_for,
);

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
    let (status, answer) = get(&address_in(&told), "/healthz");
    assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
    let address = told["temporalAddress"].as_str().unwrap().to_owned();
    let begun = site.run_at(&address, "run -o json").well().json();
    let batch = format!("/batches/{}", begun["batchId"].as_str().unwrap());
    let (_, page) = get(&address_in(&told), &batch);
    let its_own = format!(
        "<a href=\"{}/namespaces/default/workflows/",
        told["temporalUi"].as_str().unwrap()
    );
    assert!(page.contains(&its_own), "{its_own}: {page}");
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

async fn a_batch_that_nobody_works_on_is_told_and_goes_on_without_its_waiter(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
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

async fn a_batch_need_not_be_waited_for(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
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

/// The answer to a GET: its first line, and all of it.
fn get(address: &str, path: &str) -> (String, String) {
    ask(address, path, "Accept: */*")
}

/// The same with a header more.
fn ask(address: &str, path: &str, header: &str) -> (String, String) {
    let mut server = TcpStream::connect(address).unwrap();
    write!(
        server,
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{header}\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    server.read_to_string(&mut answer).unwrap();
    (answer.lines().next().unwrap_or_default().to_owned(), answer)
}

/// The address in an API's URL.
fn address_in(told: &serde_json::Value) -> String {
    let api = told["api"].as_str().unwrap();
    let address = api.strip_prefix("http://").unwrap();
    address.strip_suffix("/api/v1").unwrap().to_owned()
}

/// Elsewhere than on this machine, too.
fn who_comes_in_shows_a_token(site: &Site) {
    site.write("redrive.toml", "[web]\naccess = \"tokens\"\n");
    let nobody = site.run("serve");
    let why = "error: web.access is \"tokens\", and there is none: nobody could come in.";
    assert!(
        nobody.code == Some(1) && nobody.stderr.starts_with(why),
        "{nobody:?}"
    );
    let made = site.run("token create --role admin --name first -o json");
    let secret = made.well().json()["secret"].as_str().unwrap().to_owned();
    let serve = site.start("serve --listen 0.0.0.0:0 -o json");
    let address = address_in(&serve.read_json()).replace("0.0.0.0", "127.0.0.1");
    ready(&serve);
    let (status, answer) = get(&address, "/api/v1/tokens");
    assert_eq!(status, "HTTP/1.1 401 Unauthorized", "{answer}");
    let shown = format!("Authorization: Bearer {secret}");
    let (status, answer) = ask(&address, "/api/v1/tokens", &shown);
    assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
    assert!(answer.contains("\"name\":\"first\""), "{answer}");
    serve.signal(Signal::SIGTERM);
    assert_eq!(serve.ended().code(), Some(0));
    site.write(
        "redrive.toml",
        "[web]\naccess = \"tokens\"\npublic_url = \"redrive\"\n",
    );
    let nowhere = site.run("serve");
    let why = "error: web.public_url is \"redrive\", which is no address of a web page.";
    assert!(
        nowhere.code == Some(1) && nowhere.stderr.starts_with(why),
        "{nowhere:?}"
    );
}

#[tokio::test]
async fn a_worker_tells_its_numbers_where_it_is_told_to_and_nothing_else() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    site.write("redrive.toml", "[metrics]\nlisten = \"127.0.0.1:1\"\n");
    let worker = site.start("worker -o json --metrics-listen 0.0.0.0:0");
    let told = worker.read_json();
    ready(&worker);
    assert_eq!(told["api"], serde_json::Value::Null);
    let url = told["metrics"].as_str().unwrap();
    let listens = url.strip_prefix("http://").unwrap();
    let port = listens
        .strip_prefix("0.0.0.0:")
        .unwrap()
        .strip_suffix("/metrics")
        .unwrap();
    let address = format!("127.0.0.1:{port}");
    site.run("run").well();
    let (status, numbers) = get(&address, "/metrics");
    assert_eq!(status, "HTTP/1.1 200 OK", "{numbers}");
    for number in [
        "redrive_batch_found_orders{back=\"0\"} 0\n",
        "redrive_missed_schedule_runs 0\n",
        "temporal_workflow_completed_total{",
        "# EOF\n",
    ] {
        assert!(numbers.contains(number), "{number} in {numbers}");
    }
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(&address, path).0, "HTTP/1.1 200 OK", "{path}");
    }
    for path in ["/", "/api/v1/status", "/batches"] {
        assert_eq!(get(&address, path).0, "HTTP/1.1 404 Not Found", "{path}");
    }
    let taken = site.run(&format!("worker --metrics-listen {address}"));
    let why = format!("error: no numbers can be served on {address}:");
    assert!(
        taken.code == Some(1) && taken.stderr.starts_with(&why),
        "{taken:?}"
    );
    worker.signal(Signal::SIGTERM);
    assert_eq!(worker.ended().code(), Some(0));
}

#[tokio::test]
async fn the_api_is_served_where_it_is_said() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    site.run("migrate").well();
    let serve = site.start("serve -o json");
    let address = address_in(&serve.read_json());
    ready(&serve);
    let (status, answer) = get(&address, "/api/v1/dead-letter-queue/stats");
    assert_eq!(status, "HTTP/1.1 200 OK", "{answer}");
    assert!(answer.contains("\"totalEntries\":0"), "{answer}");
    let taken = site.run(&format!("serve --listen {address}"));
    let why = format!("error: nothing can be served on {address}:");
    assert!(
        taken.code == Some(1) && taken.stderr.starts_with(&why),
        "{taken:?}"
    );
    let open = site.run("serve --listen 0.0.0.0:0");
    let why = "error: 0.0.0.0:0 is an address that others reach, and nobody is asked who they are.";
    assert!(
        open.code == Some(1) && open.stderr.starts_with(why),
        "{open:?}"
    );
    serve.signal(Signal::SIGTERM);
    assert_eq!(serve.ended().code(), Some(0));
    who_comes_in_shows_a_token(&site);
    let described = site.run("openapi").well().json();
    assert_eq!(described["openapi"], "3.1.0");
    let nowhere = site.with("REDRIVE_LISTEN", "nowhere").run("serve");
    let why = "error: REDRIVE_LISTEN is \"nowhere\", which is no address.";
    assert!(
        nowhere.code == Some(1) && nowhere.stderr.starts_with(why),
        "{nowhere:?}"
    );
}

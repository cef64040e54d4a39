//! Each error as a user meets it: one sentence of what, one of what to do, and a non-zero exit.

use redrive_core::ids::Home;
use redrive_fulfillment::testbed::{Testbed, eventually};
use redrive_ledger::{Ledger, SqlLedger};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use temporalio_common::protos::temporal::api::common::v1::WorkflowExecution;
use temporalio_common::protos::temporal::api::workflowservice::v1::TerminateWorkflowExecutionRequest;

use super::site::{Ran, Site, Way, exists};
use super::ways::both_ways;

/// A ledger in the site's folder that belongs to `home`, or to nobody yet.
async fn ledger(site: &Site, home: Option<&Home>) {
    let ledger = SqlLedger::open(&site.path("redrive.db")).await.unwrap();
    if let Some(home) = home {
        ledger.bind(home).await.unwrap();
    }
    ledger.close().await;
}

#[tokio::test]
async fn no_server() {
    let site = Site::without_server();
    let told = "error: no Temporal server answers at 127.0.0.1:1.\n\
                hint: start it, or set TEMPORAL_ADDRESS to where it listens; `redrive up` brings a server of its own.";
    site.run("worker").says(1, told);
    assert!(
        !exists(&site.path("redrive.db")),
        "nothing is made where nothing can be done"
    );
    ledger(&site, None).await;
    site.run("dlq retry X-1").says(1, told);
    // What only reads the ledger needs no server.
    site.run("dlq list").well();
}

#[tokio::test]
async fn a_server_that_speaks_no_tls() {
    let testbed = Testbed::connect("no-tls").await;
    let site = Site::on(&testbed).with("TEMPORAL_TLS", "true");
    let told = site.run("worker");
    assert_eq!(told.code, Some(1), "{told:?}");
    for part in [
        " over TLS: received corrupt message of type InvalidContentType.\n",
        "TEMPORAL_TLS_SERVER_CA_CERT_PATH says who signs its certificate",
        "Without TLS, set TEMPORAL_TLS=false",
    ] {
        assert!(told.stderr.contains(part), "{part} in {}", told.stderr);
    }
}

#[test]
fn a_host_that_nobody_knows() {
    let site = Site::without_server().with("TEMPORAL_ADDRESS", "temporal.invalid:7233");
    site.run("worker").says(
        1,
        "error: no Temporal server at temporal.invalid:7233: the host \"temporal.invalid\" is not known.\n\
         hint: set TEMPORAL_ADDRESS to where it listens.",
    );
}

#[test]
fn a_profile_that_is_not_there() {
    let site = Site::without_server().with("TEMPORAL_PROFILE", "prod");
    site.run("worker").says(
        1,
        "error: Temporal's configuration has no profile \"prod\".\n\
         hint: set TEMPORAL_PROFILE to one it has, or unset it; `temporal config list` shows them.",
    );
}

#[tokio::test]
async fn a_namespace_that_is_not_there() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::at(&testbed.server, "nowhere");
    site.run("worker").says(
        1,
        &format!(
            "error: the Temporal server at {} has no namespace \"nowhere\".\n\
             hint: set TEMPORAL_NAMESPACE to one it has, or make it: `temporal operator namespace create nowhere`.",
            testbed.server
        ),
    );
}

#[test]
fn no_ledger_where_one_should_be() {
    let site = Site::without_server();
    for command in ["run", "orders show X", "dlq list", "halt --reason x"] {
        let ran = site.run(command);
        let place = site
            .path("redrive.db")
            .canonicalize()
            .unwrap_or_else(|_| site.path("redrive.db"));
        ran.says(
            1,
            &format!(
                "error: there is no ledger {}.\nhint: name it with --ledger or REDRIVE_LEDGER_URL, or in the \
                 configuration; `redrive up`, `redrive worker` and `redrive migrate` make a new one.",
                place.display()
            ),
        );
    }
}

#[tokio::test]
async fn a_ledger_that_cannot_be_written() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    site.write("file", "");
    let ran = site.run("worker --ledger file/redrive.db");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    one_sentence(&ran, "error: cannot open the ledger file/redrive.db: ");
    let ran = site.run("up --ledger file/redrive.db");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    one_sentence(
        &ran,
        "error: cannot lock the ledger with file/redrive.db.lock: ",
    );
}

#[track_caller]
fn one_sentence(ran: &Ran, beginning: &str) {
    assert!(ran.stderr.starts_with(beginning), "{ran:?}");
    assert_eq!(ran.stderr.lines().count(), 1, "{ran:?}");
}

#[test]
fn a_ledger_of_an_unknown_kind() {
    Site::without_server()
        .run("worker --ledger mysql://orders")
        .says(
            1,
            "error: \"mysql://orders\" is no ledger: write a file path, sqlite:PATH, or postgres://USER@HOST/DATABASE.",
        );
}

#[tokio::test]
async fn a_ledger_of_another_cluster() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    let home = Home {
        cluster_id: "elsewhere".to_owned(),
        namespace: testbed.namespace.clone(),
    };
    ledger(&site, Some(&home)).await;
    let ran = site.run("worker");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    let beginning = format!(
        "error: this ledger belongs to namespace {:?} of cluster elsewhere, but ",
        testbed.namespace
    );
    one_sentence(&ran, &beginning);
}

#[tokio::test]
async fn a_ledger_newer_than_the_binary() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    ledger(&site, None).await;
    let mut file = SqliteConnectOptions::new()
        .filename(site.path("redrive.db"))
        .connect()
        .await
        .unwrap();
    let future = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
                  VALUES (9999, 'from the future', TRUE, x'00', 0)";
    sqlx::query(future).execute(&mut file).await.unwrap();
    file.close().await.unwrap();
    let ran = site.run("dlq list");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    one_sentence(
        &ran,
        "error: the ledger's schema (migration 9999) is newer than this redrive (migration ",
    );
}

#[tokio::test]
async fn an_order_that_is_not_there() {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed);
    ledger(&site, None).await;
    let told = "error: no order \"ORD-9\" is known: check the id, or wait for the next batch if it failed just now";
    for command in [
        "orders show ORD-9",
        "dlq retry ORD-9",
        "dlq cancel ORD-9 --reason x",
        "orders show ORD-9 -o json",
    ] {
        site.run(command).says(1, told);
    }
}

#[tokio::test]
async fn a_failed_run_or_a_batch_that_is_not_there() {
    let site = Site::without_server();
    ledger(&site, None).await;
    for (command, told) in [
        (
            "failures show nowhere",
            "error: no failed run \"nowhere\" is known: `redrive failures list` shows those that are",
        ),
        (
            "batches show nowhere",
            "error: no batch \"nowhere\" is known: `redrive batches list` shows those that are; a new one is, once a worker has \
             taken it up",
        ),
    ] {
        site.run(command).says(1, told);
    }
}

both_ways!(a_batch_that_somebody_terminates);

async fn a_batch_that_somebody_terminates(way: Way) {
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).by(way);
    ledger(&site, None).await;
    // Nobody works on it, so that it is there to be terminated.
    let run = site.start("run");
    let batch = eventually("the batch to show", || async {
        let told = site.run("batches pause -o json");
        (told.code == Some(0)).then(|| told.json()["workflowId"].as_str().unwrap().to_owned())
    })
    .await;
    let request = TerminateWorkflowExecutionRequest {
        namespace: testbed.namespace.clone(),
        workflow_execution: Some(WorkflowExecution {
            workflow_id: batch.clone(),
            ..Default::default()
        }),
        ..Default::default()
    };
    let mut service = testbed.service();
    let terminated = service.terminate_workflow_execution(tonic::Request::new(request));
    terminated.await.unwrap();
    let told = run.hear("error: ");
    assert_eq!(
        told.last().unwrap(),
        &format!("error: the batch {batch} was terminated; the next one finishes what it began")
    );
    assert_eq!(
        run.hear("hint: ").last().unwrap(),
        "hint: `redrive batches list` shows how far batches came, and `redrive doctor` what keeps them from their work."
    );
    assert_eq!(run.ended().code(), Some(2));
}

#[test]
fn a_setting_that_nobody_knows() {
    let site = Site::without_server();
    site.write("redrive.toml", "[policy]\nmax_retrys = 3\n");
    site.run("worker").says(
        1,
        "error: redrive.toml, line 2: in [policy], unknown setting \"max_retrys\": did you mean \"max_retries\"?\n\
         hint: redrive.example.toml shows every setting with its default.",
    );
}

#[test]
fn a_duration_that_is_none() {
    let site = Site::without_server();
    site.write("mine.toml", "[schedule]\ninterval = \"quarterly\"\n");
    site.run("--config mine.toml worker").says(
        1,
        "error: mine.toml, line 2: schedule.interval: bad duration \"quarterly\": write it like \"30s\", \"15m\", \
         \"1h\".\nhint: redrive.example.toml shows every setting with its default.",
    );
}

#[test]
fn a_log_filter_that_is_none() {
    let ran = Site::without_server()
        .with("REDRIVE_LOG", "redrive=loud")
        .run("worker");
    assert_eq!(ran.code, Some(1));
    assert!(
        ran.stderr
            .starts_with("error: REDRIVE_LOG is no log filter: "),
        "{ran:?}"
    );
}

#[test]
fn a_command_that_is_not_understood_is_the_users_error() {
    let site = Site::without_server();
    for command in [
        "",
        "runn",
        "run --max-orders 0",
        "run --max-orders -5",
        "run --max-orders many",
        "dlq cancel X",
        "halt",
    ] {
        let ran = site.run(command);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (Some(1), ""),
            "{command}: {ran:?}"
        );
        assert!(!ran.stderr.is_empty(), "{command}");
    }
    assert!(
        site.run("runn").stderr.contains("'run'"),
        "a mistyped command is guessed"
    );
    assert_eq!(site.run("--help").code, Some(0));
    assert_eq!(site.run("--version").code, Some(0));
}

#[test]
fn no_temporal_cli_for_a_server_of_its_own() {
    let site = Site::without_server()
        .with("TEMPORAL_ADDRESS", "")
        .with("PATH", "");
    let ran = site.run("up");
    ran.says(
        1,
        "error: the Temporal CLI, which carries the Temporal server for this machine, is not here.\nhint: run `make \
         setup` in the project's folder, or install Temporal's CLI so that `temporal` is on the PATH, or name it with \
         --temporal-cli; or set TEMPORAL_ADDRESS to use a server that runs already.",
    );
}

#[test]
fn a_flag_that_other_programs_have_for_json() {
    let ran = Site::without_server().run("status --json");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr.ends_with("hint: `-o json` prints JSON.\n"),
        "{ran:?}"
    );
}

#[test]
fn a_retry_of_nobody_is_refused_before_the_server_is_asked_for() {
    Site::without_server().run("dlq retry").says(
        1,
        "error: no order is named, and no filter is given.\n\
         hint: name orders, or choose them with --status, --group, --customer or --older-than; `redrive dlq list` shows them.",
    );
}

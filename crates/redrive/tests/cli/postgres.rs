//! Commands on a PostgreSQL ledger: what works on a file works there, and no password is shown.

use redrive_fulfillment::testbed::Testbed;
use redrive_test_postgres::Database;
use serde_json::json;

use super::queue::failed_order;
use super::site::{Ran, Site};

/// The password of the tests' server.
const PASSWORD: &str = ":test@";

/// A database that a ledger can be made in, and its URL without the password.
async fn database() -> (Database, String) {
    let database = Database::new().await;
    let shown = database.url().replace(PASSWORD, "@");
    (database, shown)
}

fn hides_its_password(ran: &Ran) {
    for text in [&ran.stdout, &ran.stderr] {
        assert!(!text.contains(PASSWORD), "{ran:?}");
    }
}

#[tokio::test]
async fn a_ledger_is_made_by_migrate_and_told_by_status() {
    let (database, shown) = database().await;
    let site = Site::without_server().with("REDRIVE_LEDGER_URL", &database.url());
    let ran = site.run("status");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .starts_with(&format!("error: there is no ledger {shown}.")),
        "{ran:?}"
    );
    hides_its_password(&ran);
    let would = site.run("migrate --dry-run").well();
    assert!(
        would
            .stdout
            .starts_with(&format!("There is no ledger {shown}. It would be made")),
        "{would:?}"
    );
    let made = site.run("migrate").well();
    assert!(
        made.stdout
            .starts_with(&format!("Made the ledger {shown}; its schema is version ")),
        "{made:?}"
    );
    let again = site.run("migrate -o json").well();
    assert_eq!(
        (&again.json()["new"], &again.json()["migrations"]),
        (&json!(false), &json!([]))
    );
    let status = site.run("status -o json");
    assert_eq!(status.json()["backlog"], json!(0), "{status:?}");
    for ran in [&would, &made, &again, &status] {
        hides_its_password(ran);
    }
}

#[tokio::test]
async fn a_configuration_is_shown_without_its_password() {
    let (database, shown) = database().await;
    let site = Site::without_server();
    site.write(
        "redrive.toml",
        &format!("[ledger]\nurl = \"{}\"\n", database.url()),
    );
    site.run("migrate").well();
    for command in [
        "config show",
        "config show -o json",
        "doctor",
        "doctor -o json",
        "status",
    ] {
        let ran = site.run(command);
        hides_its_password(&ran);
        if command == "config show" {
            assert!(ran.stdout.contains(&shown), "{ran:?}");
        }
    }
}

#[tokio::test]
async fn a_batch_is_rehearsed_and_run_by_a_worker() {
    let (database, shown) = database().await;
    let testbed = Testbed::connect("cli").await;
    let site = Site::on(&testbed).with("REDRIVE_LEDGER_URL", &database.url());
    let worker = site.start("worker");
    let talk = worker.hear("Ready.");
    assert!(!talk.iter().any(|line| line.contains(PASSWORD)), "{talk:?}");
    failed_order(&testbed, "P-1").await;
    redrive_fulfillment::testbed::eventually("visibility to show it", || async {
        let dry = site.run("run --dry-run -o json").well().json();
        (dry["result"]["restartedCount"] == json!(1)).then_some(())
    })
    .await;
    let ran = site.run("run -o json").well().json();
    assert_eq!(ran["restartedCount"], json!(1), "{ran}");
    let order = site.run("orders show P-1").well();
    assert!(
        order.stdout.contains("Runs again; 1 of 5 restarts used."),
        "{order:?}"
    );
    let report = site.run("report -o json").well();
    assert!(report.stdout.contains("\"restarted\": 1"), "{report:?}");
    assert!(!shown.is_empty());
}

#[tokio::test]
async fn who_is_not_let_in_is_told_what_to_do() {
    let (database, shown) = database().await;
    let site = Site::without_server();
    let url = database.url();
    let missing = url.replace("/redrive_", "/no_such_");
    for (ledger, hint) in [
        (
            url.replace(PASSWORD, ":wrong@"),
            "Check the user and the password: in ledger.url, in PGPASSWORD, or in the password file.",
        ),
        (
            missing,
            "Make the database first, with createdb or CREATE DATABASE.",
        ),
        (
            "postgres://redrive:test@127.0.0.1:1/orders".to_owned(),
            "Check that PostgreSQL runs there, and the host and port in ledger.url.",
        ),
        (
            format!("{url}&sslmode=require"),
            "Check sslmode and sslrootcert in ledger.url.",
        ),
    ] {
        let ran = site.run(&format!("status --ledger {ledger}"));
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(
            ran.stderr
                .starts_with("error: cannot open the ledger postgres://redrive@127.0.0.1:"),
            "{ran:?}"
        );
        assert!(ran.stderr.trim_end().ends_with(hint), "{ran:?}");
        assert!(!ran.stderr.contains("wrong"), "{ran:?}");
        hides_its_password(&ran);
    }
    let ran = site.run(&format!("status --ledger {shown}&max_connection=3"));
    assert!(
        ran.stderr
            .contains("there is no parameter \"max_connection\""),
        "{ran:?}"
    );
}

#[tokio::test]
async fn the_password_may_come_from_the_environment() {
    let (database, shown) = database().await;
    let site = Site::without_server()
        .with("REDRIVE_LEDGER_URL", &shown)
        .with("PGPASSWORD", "test");
    site.run("migrate").well();
    drop(database);
}

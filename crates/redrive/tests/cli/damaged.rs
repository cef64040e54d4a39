//! A ledger that was damaged, or written by hand: each error is one sentence of what, with what to do.

use redrive_fulfillment::testbed::Testbed;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::scene::{NEVER, Scene};
use super::site::{Ran, Site};

/// Runs a statement on the site's ledger, behind Redrive's back and past its constraints.
pub async fn sql(site: &Site, statement: &'static str) {
    let file = SqliteConnectOptions::new()
        .filename(site.path("redrive.db"))
        .pragma("ignore_check_constraints", "ON")
        .foreign_keys(false);
    let mut file = file.connect().await.unwrap();
    sqlx::query(statement).execute(&mut file).await.unwrap();
    file.close().await.unwrap();
}

/// The hint of an error whose sentence begins like that; an error of ours.
#[track_caller]
fn ours(ran: &Ran, beginning: &str) -> String {
    assert_eq!(ran.code, Some(2), "{ran:?}");
    assert!(ran.stderr.starts_with(beginning), "{ran:?}");
    let hint = ran
        .stderr
        .lines()
        .find_map(|line| line.strip_prefix("hint: "));
    hint.unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_statement_that_fails() {
    let site = super::known::site().await;
    sql(&site, "DROP TABLE dead_letters").await;
    let hint = ours(
        &site.run("dlq list"),
        "error: the ledger failed while trying to ",
    );
    assert_eq!(
        hint,
        "ask again; if it stays, look at the ledger's disk, and at what else holds the file; `redrive doctor` reads it all."
    );
    // What does not need that table is told as ever.
    site.run("orders list").well();
}

#[tokio::test]
async fn the_doctor_takes_one_read_that_fails_for_that_one() {
    let site = super::known::site().await;
    sql(&site, "DROP TABLE reprocessing_results").await;
    let findings = site.run("doctor -o json").json();
    let of = |check: &str| {
        let findings = findings.as_array().unwrap();
        let found = findings.iter().find(|finding| finding["check"] == check);
        let found = found.unwrap();
        let text = |key: &str| found[key].as_str().unwrap_or_default().to_owned();
        (text("level"), text("what"), text("remedy"))
    };
    let (level, what, remedy) = of("batches");
    assert!(
        level == "warning"
            && what.starts_with("It could not be read this time: the ledger failed while "),
        "{what}"
    );
    assert_eq!(
        remedy,
        "Ask again; if it stays, look at the ledger's disk, and at what else holds the file."
    );
    assert_eq!(of("ledger").0, "ok");
    assert_eq!(of("halt").0, "ok");
    assert_eq!(of("policy").0, "warning", "it was read, and judged");
}

#[tokio::test]
async fn a_row_that_no_redrive_writes() {
    let site = super::known::site().await;
    sql(
        &site,
        "UPDATE orders SET state = 'lost' WHERE order_id = 'WAIT-1'",
    )
    .await;
    let ran = site.run("orders show WAIT-1");
    ours(
        &ran,
        "error: the ledger holds state that this redrive cannot read: \"lost\". Was it written by hand?",
    );
    site.run("orders show DEAD-1").well();
}

#[tokio::test]
async fn a_migration_that_is_another() {
    let site = super::known::site().await;
    sql(
        &site,
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 1",
    )
    .await;
    for command in ["migrate", "dlq list"] {
        let ran = site.run(command);
        ours(&ran, "error: cannot migrate the ledger: ");
        assert!(
            ran.stderr
                .trim_end()
                .ends_with("It is as it was before; mend the cause and start again."),
            "{ran:?}"
        );
    }
}

#[tokio::test]
async fn no_room_for_the_copy_that_a_dry_run_works_on() {
    let testbed = Testbed::connect("damaged").await;
    let site = Site::on(&testbed).with("TMPDIR", "/nowhere/at/all");
    site.run("migrate").well();
    let ran = site.run("run --dry-run");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("error: a folder for the ledger's copy cannot be made: ")
            && ran
                .stderr
                .trim_end()
                .ends_with("TMPDIR says where there is room."),
        "{ran:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_request_that_cannot_be_read_back() {
    let mut scene = Scene::set(NEVER, &[("A-1", "shipping_failed")]).await;
    scene.knows();
    sql(&scene.site, "UPDATE start_requests SET request = x'00'").await;
    let ran = scene.site.run("run --order A-1 -o json").well();
    assert_eq!(
        ran.json()["result"]["restartedCount"],
        1,
        "the server knows how to start it: {ran:?}"
    );
}

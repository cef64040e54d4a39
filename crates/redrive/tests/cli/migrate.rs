//! `redrive migrate`, without a server.

use redrive_ledger::SqlLedger;
use serde_json::json;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};

use super::site::{Site, exists};

/// Runs a statement on the site's ledger, behind Redrive's back.
async fn sql(site: &Site, statement: &'static str) {
    let file = SqliteConnectOptions::new().filename(site.path("redrive.db"));
    let mut file = file.connect().await.unwrap();
    sqlx::query(statement).execute(&mut file).await.unwrap();
    file.close().await.unwrap();
}

#[test]
fn a_new_ledger_is_made_and_a_dry_run_makes_none() {
    let site = Site::without_server();
    let would = site.run("migrate --dry-run").well().stdout;
    assert!(would.starts_with("There is no ledger /"), "{would}");
    assert!(
        would.contains("Nothing was changed. To apply:\n  0001 ledger"),
        "{would}"
    );
    assert!(!exists(&site.path("redrive.db")), "a dry run makes no file");

    let made = site.run("migrate").well().stdout;
    assert!(made.starts_with("Made the ledger /"), "{made}");
    assert!(made.contains("Applied:\n  0001 ledger"), "{made}");
    assert!(exists(&site.path("redrive.db")));

    for command in ["migrate", "migrate --dry-run"] {
        let again = site.run(command).well().stdout;
        assert!(
            again.contains(" is up to date: its schema is version "),
            "{again}"
        );
    }
}

#[tokio::test]
async fn what_is_done_is_told_as_json_too() {
    let site = Site::without_server();
    let would = site.run("migrate --dry-run -o json").well().json();
    let known = SqlLedger::schema(&site.path("redrive.db"))
        .await
        .unwrap()
        .known;
    assert_eq!(
        (
            &would["dryRun"],
            &would["new"],
            &would["versionBefore"],
            &would["versionAfter"]
        ),
        (&json!(true), &json!(true), &json!(0), &json!(known))
    );
    let done = site.run("migrate -o json").well().json();
    assert_eq!(
        done["migrations"][0],
        json!({ "version": 1, "description": "ledger" })
    );
    assert_eq!(done["migrations"], would["migrations"]);
    let again = site.run("migrate -o json").well().json();
    assert_eq!(
        (&again["new"], &again["versionBefore"], &again["migrations"]),
        (&json!(false), &json!(known), &json!([]))
    );
}

#[tokio::test]
async fn a_ledger_newer_than_the_binary_is_left_alone() {
    let site = Site::without_server();
    site.run("migrate").well();
    sql(
        &site,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'from the future', TRUE, x'00', 0)",
    )
    .await;
    for command in ["migrate", "migrate --dry-run"] {
        let ran = site.run(command);
        assert_eq!(ran.code, Some(1), "{ran:?}");
        assert!(
            ran.stderr.starts_with(
                "error: the ledger's schema (migration 9999) is newer than this redrive"
            ),
            "{ran:?}"
        );
    }
}

#[test]
fn a_file_that_is_no_ledger_is_the_users_error() {
    let site = Site::without_server();
    site.write(
        "redrive.db",
        "this is a shopping list, and a long one at that\n",
    );
    for command in ["migrate", "migrate --dry-run"] {
        let ran = site.run(command);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
        assert!(
            ran.stderr
                .starts_with("error: cannot open the ledger redrive.db: "),
            "{ran:?}"
        );
    }
}

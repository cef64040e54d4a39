//! What the contract does not show: plans, pragmas, migrations, constraints.

mod file;
mod server;

use jiff::Timestamp;
use redrive_core::report::VerdictKind;
use sqlx::error::ErrorKind;

use super::SqlLedger;
use super::schema::{self, Migration, Schema, usable};
use crate::db::{Statement, Value, args};
use crate::{AttemptOutcome, LedgerError, Reader};

const ORDER: &str = "INSERT INTO orders (id, workflow_id, order_id, workflow_type, state, failed_run_id, failed_at,
    failure_status, fingerprint, failure_reason, eligible, due_at, next_check_at, created_at, updated_at)
    VALUES (1, 'w', 'w', 't', 'failed', 'r0', 0, 's', 'f', '', 1, 0, 0, 0, 0)";

const ATTEMPT: &str =
    "INSERT INTO attempts (order_pk, generation, number, from_run_id, request_id, batch_id, manual,
    intent_at, run_id, started_at, outcome, settled_at) VALUES (1, 1, 1, ";

const FAILURE: &str = "INSERT INTO failures (run_id, order_pk, first_run_id, run_status, failure_status, fingerprint, reason,
    has_parent, closed_at, observed_at, pending) VALUES ('r0', 1, 'r0', 'failed', 's', 'f', '', 0, 3600000001, 0, 0)";

const BATCH: &str = "INSERT INTO reprocessing_results (batch_id, workflow_id, status, started_at, processed_at, one_order,
    found_count) VALUES ('b', 'w', 'running', 0, $1, 0, 1)";

async fn run(
    ledger: &SqlLedger,
    statement: impl Into<Statement>,
    values: Vec<Value>,
) -> Result<(), sqlx::Error> {
    let mut tx = ledger.begin().await.unwrap();
    tx.run(statement, values).await?;
    tx.commit().await
}

/// Tries to write what no process may, old or new.
async fn refuses_what_must_never_be(ledger: &SqlLedger) {
    let good = [
        ORDER.to_owned(),
        format!("{ATTEMPT} 'r0', 'q', 'b', 0, 0, 'r1', 0, 'failed_again', 0)"),
        format!("{ATTEMPT} 'r1', 'q', 'b', 0, 0, NULL, NULL, NULL, NULL)"),
        format!("{ATTEMPT} 'r0', 'q', 'b', 1, 0, 'r2', 0, 'failed_again', 0)"),
    ];
    for statement in good {
        run(ledger, statement, args![]).await.unwrap();
    }
    let bad = [
        (
            "a second start from one failed run",
            format!("{ATTEMPT} 'r0', 'q', 'b', 0, 0, 'r3', 0, 'failed_again', 0)"),
        ),
        (
            "one run for two attempts",
            format!("{ATTEMPT} 'r9', 'q', 'b', 0, 0, 'r1', 0, 'failed_again', 0)"),
        ),
        (
            "a second open intent",
            format!("{ATTEMPT} 'r8', 'q', 'b', 0, 0, NULL, NULL, NULL, NULL)"),
        ),
        (
            "a run without its time",
            format!("{ATTEMPT} 'r7', 'q', 'b', 0, 0, 'r7', NULL, 'unknown', 0)"),
        ),
        (
            "an unknown state",
            "UPDATE orders SET state = 'lost'".to_owned(),
        ),
        (
            "a claimed order without an owner",
            "UPDATE orders SET state = 'claimed', next_check_at = NULL".to_owned(),
        ),
        (
            "an owner of an order that waits",
            "UPDATE orders SET claim_batch = 'b', claim_chunk = 1".to_owned(),
        ),
        (
            "nothing followed in flight",
            "UPDATE orders SET state = 'in_flight'".to_owned(),
        ),
        (
            "a closed order without its end",
            "UPDATE orders SET state = 'resolved', next_check_at = NULL".to_owned(),
        ),
        (
            "an open order that nobody looks at",
            "UPDATE orders SET next_check_at = NULL".to_owned(),
        ),
        (
            "the same order twice",
            ORDER.replace("VALUES (1", "VALUES (2"),
        ),
        (
            "an attempt of no order",
            format!(
                "{} 'x', 'q', 'b', 0, 0, NULL, NULL, NULL, NULL)",
                ATTEMPT.replace("(1, 1, 1,", "(7, 1, 1,")
            ),
        ),
    ];
    for (what, statement) in bad {
        refused(what, run(ledger, statement, args![]).await);
    }
    let began = args![Value::Instant(Timestamp::UNIX_EPOCH)];
    refused(
        "a batch whose numbers do not add up",
        run(ledger, BATCH, began).await,
    );
}

/// The last migration before there were counters of the backlog and of attempts.
const WITHOUT_COUNTERS: i64 = 2;

/// Given a ledger without a schema: what is in it when it is migrated is counted, and so is every change after that.
async fn counters_of_an_older_ledger(ledger: &SqlLedger) {
    schema::migrate_to(ledger, Some(WITHOUT_COUNTERS))
        .await
        .unwrap();
    let left_alone = ORDER
        .replace("(1, 'w', 'w'", "(2, 'x', 'x'")
        .replace("'', 1,", "'', 0,");
    let attempt = format!("{ATTEMPT} 'r0', 'q', 'b', 0, 0, 'r1', 0, 'failed_again', 0)");
    let verdict =
        "INSERT INTO verdicts (batch_id, order_pk, verdict, at) VALUES ('b', 1, 'restarted', 0)"
            .to_owned();
    for statement in [
        ORDER.to_owned(),
        FAILURE.to_owned(),
        left_alone,
        attempt,
        verdict,
    ] {
        run(ledger, statement, args![]).await.unwrap();
    }
    schema::migrate(ledger).await.unwrap();
    let numbers = ledger.numbers().await.unwrap();
    let status = || "s".to_owned();
    assert_eq!(numbers.verdicts, [(VerdictKind::Restarted, status(), 1)]);
    assert_eq!(
        numbers.outcomes,
        [(AttemptOutcome::FailedAgain, status(), 1)]
    );
    let group = ["f".to_owned()];
    let hours = ledger.failure_hours(&group, Timestamp::UNIX_EPOCH);
    let hours = hours.await.unwrap();
    let counted = (hours[0].hour.as_second(), hours[0].count, hours.len());
    assert_eq!(counted, (3_600, 1, 1));
    let counted = async || {
        let overview = ledger.overview(Timestamp::UNIX_EPOCH).await.unwrap();
        (
            [overview.backlog, overview.left_alone, overview.in_flight],
            [overview.failed_again, overview.recovered],
        )
    };
    assert_eq!(counted().await, ([1, 1, 0], [1, 0]));
    for (change, counts) in [
        (
            "UPDATE orders SET manual = 1 WHERE id = 2",
            ([2, 0, 0], [1, 0]),
        ),
        (
            "UPDATE orders SET state = 'in_flight', followed_run_id = 'r1' WHERE id = 1",
            ([1, 0, 1], [1, 0]),
        ),
        (
            "UPDATE attempts SET outcome = 'recovered', settled_at = 5",
            ([1, 0, 1], [0, 1]),
        ),
        (
            "UPDATE attempts SET outcome = NULL, settled_at = NULL",
            ([1, 0, 1], [0, 0]),
        ),
        (
            "UPDATE attempts SET outcome = 'stopped', settled_at = 9",
            ([1, 0, 1], [0, 0]),
        ),
    ] {
        run(ledger, change, args![]).await.unwrap();
        assert_eq!(counted().await, counts, "{change}");
    }
}

/// By a constraint, and not because it is no SQL.
fn refused(what: &str, done: Result<(), sqlx::Error>) {
    let error = done.expect_err(what).into_database_error().expect(what);
    assert!(!matches!(error.kind(), ErrorKind::Other), "{what}: {error}");
}

#[test]
fn a_schema_that_lacks_something_is_refused_but_a_new_one_is_not() {
    let schema = |found: i64, pending: i64| Schema {
        found,
        known: 3,
        pending: (found + 1..=found + pending)
            .map(|version| Migration {
                version,
                description: "later".into(),
            })
            .collect(),
    };
    assert!(usable(&schema(0, 3)).is_ok(), "it is made");
    assert!(usable(&schema(3, 0)).is_ok(), "it is up to date");
    let refused = usable(&schema(2, 1)).unwrap_err();
    assert!(
        matches!(refused, LedgerError::Behind { found: 2, known: 3 }),
        "{refused}"
    );
    let said = refused.to_string();
    assert!(said.contains("run `redrive migrate`"), "{said}");
}

//! Failed runs, and the groups they form.
//!
//! A list comes from an index in the order of time: of all, of a failure status, or of each failure group that is meant.

use jiff::Timestamp;
use redrive_core::ids::RunId;

use super::orders;
use crate::contract::Result;
use crate::db::{Conn, Query, Row, Value, args};
use crate::error::Doing;
use crate::rows::{self, Fields};
use crate::sql::SqlLedger;
use crate::{FailureEntry, FailureFilter, FailureGroup, FailureHour, GroupFilter, GroupPlace};

const SELECT: &str = "\
SELECT f.*, o.workflow_id, o.order_id, o.workflow_type, o.state
FROM failures AS f JOIN orders AS o ON o.id = f.order_pk WHERE ";

pub(super) async fn list(
    ledger: &SqlLedger,
    filter: &FailureFilter,
    limit: u32,
) -> Result<Vec<FailureEntry>> {
    let mut conn = ledger.read().await?;
    let wanted = filter.failure_status.as_deref();
    let Some(group) = &filter.group else {
        let found = read(&mut conn, filter, wanted, None, limit).await?;
        return found.iter().map(entry).collect();
    };
    let mut found = Vec::new();
    for (status, fingerprint) in orders::groups(&mut conn, group).await? {
        if wanted.is_none_or(|wanted| wanted == status) {
            let group = Some(fingerprint.as_str());
            found.extend(read(&mut conn, filter, Some(&status), group, limit).await?);
        }
    }
    let mut failures = found.iter().map(entry).collect::<Result<Vec<_>>>()?;
    failures.sort_by(|one, other| place(other).cmp(&place(one)));
    failures.truncate(limit as usize);
    Ok(failures)
}

/// What the list is sorted by, the last first.
fn place(entry: &FailureEntry) -> (Timestamp, &str) {
    (entry.failure.closed_at, entry.failure.run_id.as_str())
}

/// Those of a status, and of a group of it, the latest first.
async fn read(
    conn: &mut Conn,
    filter: &FailureFilter,
    status: Option<&str>,
    fingerprint: Option<&str>,
    limit: u32,
) -> Result<Vec<Row>> {
    let mut query = Query::new(SELECT);
    let since = filter.since.map_or(i64::MIN, Timestamp::as_microsecond);
    query.push("f.closed_at >= ").bind(since);
    if let Some(status) = status {
        query
            .push(" AND f.failure_status = ")
            .bind(status.to_owned());
    }
    if let Some(fingerprint) = fingerprint {
        query
            .push(" AND f.fingerprint = ")
            .bind(fingerprint.to_owned());
    }
    if let Some((closed_at, run)) = &filter.after {
        query
            .push(" AND (f.closed_at, f.run_id) < (")
            .bind(closed_at.as_microsecond());
        query.push(", ").bind(run.as_str().to_owned()).push(")");
    }
    query
        .push(" ORDER BY f.closed_at DESC, f.run_id DESC LIMIT ")
        .bind(limit);
    let (statement, args) = query.build();
    conn.all(statement, args).await.doing("list failures")
}

pub(super) async fn one(ledger: &SqlLedger, run: &RunId) -> Result<Option<FailureEntry>> {
    let mut query = Query::new(SELECT);
    query.push("f.run_id = ").bind(run.as_str().to_owned());
    let (statement, args) = query.build();
    let found = ledger
        .read()
        .await?
        .maybe(statement, args)
        .await
        .doing("read a failure")?;
    found.as_ref().map(entry).transpose()
}

fn entry(row: &Row) -> Result<FailureEntry> {
    Ok(FailureEntry {
        workflow_id: row.id("workflow_id")?,
        order_id: row.text("order_id")?,
        workflow_type: row.text("workflow_type")?,
        state: row.named("state")?,
        failure: rows::failure(row)?,
    })
}

pub(super) async fn groups(
    ledger: &SqlLedger,
    filter: &GroupFilter,
    limit: u32,
) -> Result<Vec<FailureGroup>> {
    let mut query = Query::new(
        "SELECT g.*, (SELECT CAST(coalesce(sum(c.orders), 0) AS BIGINT) FROM open_orders AS c
                      WHERE c.fingerprint = g.fingerprint AND c.failure_status = g.failure_status
                        AND c.workflow_type = g.workflow_type) AS open_orders
         FROM (SELECT * FROM failure_groups WHERE last_seen_at >= ",
    );
    query.bind(filter.since.map_or(i64::MIN, Timestamp::as_microsecond));
    if let Some(search) = &filter.search {
        let with = containing(search);
        query
            .push(" AND (lower(sample) LIKE ")
            .bind(with.clone())
            .push(" ESCAPE '!' OR lower(failure_status) LIKE ")
            .bind(with)
            .push(" ESCAPE '!')");
    }
    if let Some(place) = &filter.after {
        after(&mut query, place);
    }
    query
        .push(" ORDER BY failures DESC, last_seen_at DESC, fingerprint DESC, failure_status DESC, workflow_type DESC LIMIT ")
        .bind(limit)
        .push(
            ") AS g ORDER BY g.failures DESC, g.last_seen_at DESC, g.fingerprint DESC, g.failure_status DESC,
             g.workflow_type DESC",
        );
    let (statement, args) = query.build();
    let found = ledger.read().await?.all(statement, args).await;
    let found = found.doing("list failure groups")?;
    found.iter().map(group).collect()
}

/// What comes after a place in the list of groups.
fn after(query: &mut Query, place: &GroupPlace) {
    query
        .push(" AND (failures, last_seen_at, fingerprint, failure_status, workflow_type) < (")
        .bind(i64::try_from(place.count).unwrap_or(i64::MAX));
    query
        .push(", ")
        .bind(place.last_seen_at.as_microsecond())
        .push(", ");
    query.bind(place.fingerprint.clone()).push(", ");
    query.bind(place.failure_status.clone()).push(", ");
    query.bind(place.workflow_type.clone()).push(")");
}

/// The pattern of texts that have `words` in them. The databases know the case of ASCII letters only.
fn containing(words: &str) -> String {
    let mut pattern = String::from("%");
    for letter in words.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern
}

/// Microseconds an hour: the counter's stretch of time, as the schema has it.
const HOUR: i64 = 3_600_000_000;

pub(super) async fn hours(
    ledger: &SqlLedger,
    fingerprints: &[String],
    since: Timestamp,
) -> Result<Vec<FailureHour>> {
    let args = args![
        Value::texts(fingerprints),
        since.as_microsecond().div_euclid(HOUR)
    ];
    let found = ledger.read().await?.all(HOURS, args).await;
    found
        .doing("read how often groups failed")?
        .iter()
        .map(hour)
        .collect()
}

const HOURS: &str = "\
SELECT workflow_type, failure_status, fingerprint, hour * 3600000000 AS began_at, failures FROM failure_hours
WHERE fingerprint IN (SELECT value FROM json_each($1)) AND hour >= $2 ORDER BY fingerprint, hour";

fn hour(row: &Row) -> Result<FailureHour> {
    Ok(FailureHour {
        workflow_type: row.text("workflow_type")?,
        failure_status: row.text("failure_status")?,
        fingerprint: row.text("fingerprint")?,
        hour: row.time("began_at")?,
        count: row.count("failures")?,
    })
}

fn group(row: &Row) -> Result<FailureGroup> {
    Ok(FailureGroup {
        workflow_type: row.text("workflow_type")?,
        failure_status: row.text("failure_status")?,
        fingerprint: row.text("fingerprint")?,
        count: row.count("failures")?,
        open_orders: row.count("open_orders")?,
        first_seen_at: row.time("first_seen_at")?,
        last_seen_at: row.time("last_seen_at")?,
        sample: row.text("sample")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_looked_for_is_no_pattern() {
        assert_eq!(containing("50% OF a_b!"), "%50!% of a!_b!!%");
    }
}

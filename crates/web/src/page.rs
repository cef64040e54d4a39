//! Pages of a list: so many at a time, from an offset or after a cursor.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use redrive_core::ids::{BatchId, OperationId, RunId};
use redrive_ledger::{BatchPlace, GroupPlace, NotStarted, Operation};
use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, SchemaType, Type};

use crate::problem::{ApiError, Result};

/// Items a page, where nothing else is asked for, and at most.
pub(crate) const USUAL: u32 = 50;
pub(crate) const LARGEST: u32 = 500;

/// An offset up to which a list can be asked for; whoever goes on after that follows the cursor.
const MOST_OFFSET: u32 = 10_000;

/// Which of the orders that an operation did not start come first, and which then.
const FAILED: &str = "failed";
const SKIPPED: &str = "skipped";

/// `asked`, where it lies within what is allowed.
pub(crate) fn limit(asked: Option<u32>, usual: u32, most: u32) -> Result<u32> {
    let limit = asked.unwrap_or(usual);
    if (1..=most).contains(&limit) {
        return Ok(limit);
    }
    Err(ApiError::invalid(format!(
        "limit is {limit}; it can be 1 to {most}"
    )))
}

/// `asked`, where a list can be asked for from there.
pub(crate) fn offset(asked: Option<u32>) -> Result<u32> {
    let offset = asked.unwrap_or(0);
    if offset <= MOST_OFFSET {
        return Ok(offset);
    }
    Err(ApiError::invalid(format!(
        "offset is {offset}; it can be up to {MOST_OFFSET}, and what comes after is asked for by a cursor"
    )))
}

/// The place of an entry in a list that is sorted by time and key, as it stands in a cursor.
pub(crate) fn cursor((at, key): (Timestamp, i64)) -> String {
    format!("{}.{key}", at.as_microsecond())
}

/// The place that a cursor of ours names.
pub(crate) fn place(cursor: &str) -> Result<(Timestamp, i64)> {
    let read = || {
        let (at, key) = cursor.split_once('.')?;
        Some((time(at)?, number(key, 18)?))
    };
    read().ok_or_else(no_cursor)
}

/// The place of a run in a list that is sorted by time and run, as it stands in a cursor.
pub(crate) fn run_cursor((at, run): (Timestamp, &RunId)) -> String {
    format!("{}.{}", at.as_microsecond(), worded(run.as_str()))
}

/// The place that such a cursor names.
pub(crate) fn run_place(cursor: &str) -> Result<(Timestamp, RunId)> {
    let read = || {
        let (at, run) = cursor.split_once('.')?;
        Some((time(at)?, RunId::from(word(run)?)))
    };
    read().ok_or_else(no_cursor)
}

/// The place of a failure group in a list of them, as it stands in a cursor.
pub(crate) fn group_cursor(place: &GroupPlace) -> String {
    let names = [
        &place.fingerprint,
        &place.failure_status,
        &place.workflow_type,
    ];
    let [group, status, workflow_type] = names.map(|name| worded(name));
    let seen = place.last_seen_at.as_microsecond();
    format!("{}.{seen}.{group}.{status}.{workflow_type}", place.count)
}

/// The place that such a cursor names.
pub(crate) fn group_place(cursor: &str) -> Result<GroupPlace> {
    let read = || {
        let mut parts = cursor.split('.');
        let place = GroupPlace {
            count: number(parts.next()?, 18)?.try_into().ok()?,
            last_seen_at: time(parts.next()?)?,
            fingerprint: word(parts.next()?)?,
            failure_status: word(parts.next()?)?,
            workflow_type: word(parts.next()?)?,
        };
        Some(place).filter(|_| parts.next().is_none())
    };
    read().ok_or_else(no_cursor)
}

/// The place of a batch in the list of the newest, as it stands in a cursor.
pub(crate) fn batch_cursor(place: &BatchPlace) -> String {
    let (ended, started) = (place.processed_at, place.started_at);
    format!(
        "{}.{}.{}",
        ended.as_microsecond(),
        started.as_microsecond(),
        place.batch
    )
}

/// The place of a batch that a cursor of ours names.
pub(crate) fn batch_place(cursor: &str) -> Result<BatchPlace> {
    let read = || {
        let (ended, rest) = cursor.split_once('.')?;
        let (started, batch) = rest.split_once('.')?;
        let at = |text| Timestamp::from_microsecond(number(text, 17)?).ok();
        Some(BatchPlace {
            processed_at: at(ended)?,
            started_at: at(started)?,
            batch: Some(batch)
                .filter(|batch| {
                    !batch.is_empty() && batch.bytes().all(|one| one.is_ascii_graphic())
                })
                .map(BatchId::from)?,
        })
    };
    read().ok_or_else(no_cursor)
}

/// The key that a cursor of ours names, in a list that is sorted by key.
pub(crate) fn key(cursor: &str) -> Result<i64> {
    number(cursor, 18).ok_or_else(no_cursor)
}

/// A time as a cursor has it: its microseconds since 1970.
fn time(text: &str) -> Option<Timestamp> {
    Timestamp::from_microsecond(number(text, 17)?).ok()
}

/// A name as a cursor has it: letters and digits, and anything else escaped.
fn worded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The name that stands in a cursor so.
fn word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'%';
    let name = percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(name).filter(|_| text.bytes().all(plain))
}

/// The place of an entry in a list that is sorted by a number and its key, as it stands in a cursor.
pub(crate) fn numbers_cursor((by, key): (i64, i64)) -> String {
    format!("{by}.{key}")
}

/// The place that such a cursor names.
pub(crate) fn numbers_place(cursor: &str) -> Result<(i64, i64)> {
    let read = || {
        let (by, key) = cursor.split_once('.')?;
        Some((number(by, 17)?, number(key, 18)?))
    };
    read().ok_or_else(no_cursor)
}

/// The place of an operation in a list of them, as it stands in a cursor.
pub(crate) fn operation_cursor(operation: &Operation) -> String {
    format!("{}.{}", operation.created_at.as_microsecond(), operation.id)
}

/// The place that such a cursor names.
pub(crate) fn operation_place(cursor: &str) -> Result<(Timestamp, OperationId)> {
    let read = || {
        let (at, id) = cursor.split_once('.')?;
        let at = Timestamp::from_microsecond(number(at, 17)?).ok()?;
        Some((at, OperationId::from(id)))
    };
    read().ok_or_else(no_cursor)
}

/// The place of an order in a list of those that an operation did not start, as it stands in a cursor.
pub(crate) fn not_started_cursor(one: &NotStarted) -> String {
    let (failed, key) = one.place();
    let state = if failed { FAILED } else { SKIPPED };
    format!("{state}.{key}")
}

/// The place that such a cursor names.
pub(crate) fn not_started_place(cursor: &str) -> Result<(bool, i64)> {
    let read = || match cursor.split_once('.')? {
        (FAILED, key) => Some((true, number(key, 18)?)),
        (SKIPPED, key) => Some((false, number(key, 18)?)),
        _ => None,
    };
    read().ok_or_else(no_cursor)
}

/// A number as a cursor has it: digits alone, at most so many.
fn number(text: &str, digits: usize) -> Option<i64> {
    let alone = text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| alone)
}

fn no_cursor() -> ApiError {
    ApiError::invalid("cursor is not one that this list gave: begin again without it")
}

/// What a key is that may stand in a query several times, or once with commas between.
pub(crate) fn list() -> Array {
    ArrayBuilder::new()
        .schema_type(SchemaType::from_iter([Type::Array, Type::String]))
        .items(ObjectBuilder::new().schema_type(Type::String))
        .build()
}

/// The values of a key that may stand in a query several times, or once with commas between.
pub(crate) fn several(values: Vec<String>) -> Vec<String> {
    let values = values.iter().flat_map(|value| value.split(','));
    let values = values.map(str::trim).filter(|value| !value.is_empty());
    values.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_names_its_place() {
        let at = (
            Timestamp::from_microsecond(1_760_000_000_000_001).unwrap(),
            42,
        );
        assert_eq!(place(&cursor(at)).unwrap(), at);
        let run = (at.0, RunId::from("7d0f.1-é".to_owned()));
        assert_eq!(run_place(&run_cursor((run.0, &run.1))).unwrap(), run);
        let group = GroupPlace {
            count: 12,
            last_seen_at: at.0,
            fingerprint: "0123456789abcdef".to_owned(),
            failure_status: "shipping.failed 50%".to_owned(),
            workflow_type: String::new(),
        };
        assert_eq!(group_place(&group_cursor(&group)).unwrap(), group);
    }

    #[test]
    fn a_cursor_names_a_batch() {
        let place = BatchPlace {
            processed_at: Timestamp::from_microsecond(1_760_000_000_000_001).unwrap(),
            started_at: Timestamp::from_microsecond(1_750_000_000_000_001).unwrap(),
            batch: "0198b1d2-1111-7000-8000-0123456789ab".into(),
        };
        assert_eq!(batch_place(&batch_cursor(&place)).unwrap(), place);
        for cursor in [
            "",
            "1",
            "1.2",
            "1.2.",
            "1.2.a b",
            "a.2.b",
            "1.b.c",
            "99999999999999999999.1.b",
        ] {
            assert!(batch_place(cursor).is_err(), "{cursor:?}");
        }
    }

    #[test]
    fn what_is_no_cursor_is_refused() {
        for cursor in [
            "",
            ".",
            "1",
            "1.",
            ".1",
            "a.1",
            "1.b",
            "+1.1",
            "1.-1",
            "99999999999999999999.1",
            "1.1.1",
        ] {
            assert!(place(cursor).is_err(), "{cursor:?}");
            assert!(not_started_place(cursor).is_err(), "{cursor:?}");
        }
        for cursor in ["", "1", "a.b", "-1.b"] {
            assert!(operation_place(cursor).is_err(), "{cursor:?}");
        }
    }

    #[test]
    fn a_cursor_of_what_was_not_started_names_its_place() {
        for failed in [true, false] {
            let one = NotStarted {
                pk: 42,
                workflow_id: "w".into(),
                order_id: "o".into(),
                failed,
                reason: "why".into(),
            };
            let place = not_started_place(&not_started_cursor(&one)).unwrap();
            assert_eq!(place, (failed, 42));
        }
        for cursor in ["", "1", "a.run", "1.run id", "1.run.1"] {
            assert!(run_place(cursor).is_err(), "{cursor:?}");
        }
        for cursor in ["", "1.2.a.b", "1.2.a.b.c.d", "x.2.a.b.c", "1.2.a.b-.c"] {
            assert!(group_place(cursor).is_err(), "{cursor:?}");
        }
    }

    #[test]
    fn a_value_may_be_given_several_times_or_with_commas() {
        let given = ["a,b", "", " c ,", "d"].map(str::to_owned).to_vec();
        assert_eq!(several(given), ["a", "b", "c", "d"]);
    }

    #[test]
    fn a_limit_lies_within_its_bounds() {
        for (asked, is) in [
            (None, Some(50)),
            (Some(1), Some(1)),
            (Some(200), Some(200)),
            (Some(0), None),
            (Some(201), None),
        ] {
            assert_eq!(limit(asked, 50, 200).ok(), is, "{asked:?}");
        }
    }
}

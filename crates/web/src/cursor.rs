//! Places in lists, as cursors have them: numbers, times (their microseconds since 1970) and names, with dots between.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use redrive_core::ids::{BatchId, OperationId, RunId};
use redrive_ledger::{BatchPlace, GroupPlace, NotStarted, Operation};

use crate::problem::{ApiError, Result};

/// Which of the orders that an operation did not start come first, and which then.
const FAILED: &str = "failed";
const SKIPPED: &str = "skipped";

/// The cursor of an entry in a list that is sorted by time and key.
pub(crate) fn of_entry((at, key): (Timestamp, i64)) -> String {
    format!("{}.{key}", at.as_microsecond())
}

/// The place that such a cursor names.
pub(crate) fn entry(cursor: &str) -> Result<(Timestamp, i64)> {
    read(cursor, |[at, key]| Some((time(at)?, number(key, 18)?)))
}

/// The key that a cursor names in a list that is sorted by key.
pub(crate) fn key(cursor: &str) -> Result<i64> {
    read(cursor, |[key]| number(key, 18))
}

/// The cursor of an entry in a list that is sorted by a number and its key.
pub(crate) fn of_numbers((by, key): (i64, i64)) -> String {
    format!("{by}.{key}")
}

/// The place that such a cursor names.
pub(crate) fn numbers(cursor: &str) -> Result<(i64, i64)> {
    read(cursor, |[by, key]| {
        Some((number(by, 17)?, number(key, 18)?))
    })
}

/// The cursor of a run in a list that is sorted by time and run.
pub(crate) fn of_run((at, run): (Timestamp, &RunId)) -> String {
    format!("{}.{}", at.as_microsecond(), worded(run.as_str()))
}

/// The place that such a cursor names.
pub(crate) fn run(cursor: &str) -> Result<(Timestamp, RunId)> {
    read(cursor, |[at, run]| {
        Some((time(at)?, RunId::from(word(run)?)))
    })
}

/// The cursor of a failure group.
pub(crate) fn of_group(place: &GroupPlace) -> String {
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
pub(crate) fn group(cursor: &str) -> Result<GroupPlace> {
    read(cursor, |[count, seen, group, status, workflow_type]| {
        Some(GroupPlace {
            count: number(count, 18)?.try_into().ok()?,
            last_seen_at: time(seen)?,
            fingerprint: word(group)?,
            failure_status: word(status)?,
            workflow_type: word(workflow_type)?,
        })
    })
}

/// The cursor of a batch in the list of the newest.
pub(crate) fn of_batch(place: &BatchPlace) -> String {
    let (ended, started) = (place.processed_at, place.started_at);
    format!(
        "{}.{}.{}",
        ended.as_microsecond(),
        started.as_microsecond(),
        place.batch
    )
}

/// The place that such a cursor names.
pub(crate) fn batch(cursor: &str) -> Result<BatchPlace> {
    read(cursor, |[ended, started, batch]| {
        let visible = !batch.is_empty() && batch.bytes().all(|one| one.is_ascii_graphic());
        Some(BatchPlace {
            processed_at: time(ended)?,
            started_at: time(started)?,
            batch: visible.then(|| BatchId::from(batch))?,
        })
    })
}

/// The cursor of an operation.
pub(crate) fn of_operation(operation: &Operation) -> String {
    format!("{}.{}", operation.created_at.as_microsecond(), operation.id)
}

/// The place that such a cursor names.
pub(crate) fn operation(cursor: &str) -> Result<(Timestamp, OperationId)> {
    let plain = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-');
    read(cursor, |[at, id]| {
        let known = (1..=100).contains(&id.len()) && id.bytes().all(plain);
        Some((time(at)?, known.then(|| OperationId::from(id))?))
    })
}

/// The cursor of an order in a list of those that an operation did not start.
pub(crate) fn of_not_started(one: &NotStarted) -> String {
    let (failed, key) = one.place();
    let state = if failed { FAILED } else { SKIPPED };
    format!("{state}.{key}")
}

/// The place that such a cursor names.
pub(crate) fn not_started(cursor: &str) -> Result<(bool, i64)> {
    read(cursor, |[state, key]| match state {
        FAILED => Some((true, number(key, 18)?)),
        SKIPPED => Some((false, number(key, 18)?)),
        _ => None,
    })
}

/// What a cursor of so many parts says; the last one may have dots of its own.
fn read<T, const N: usize>(cursor: &str, says: impl FnOnce([&str; N]) -> Option<T>) -> Result<T> {
    let parts: Vec<&str> = cursor.splitn(N, '.').collect();
    let said = parts.try_into().ok().and_then(says);
    said.ok_or_else(|| {
        ApiError::invalid("cursor is not one that this list gave: begin again without it")
    })
}

fn time(text: &str) -> Option<Timestamp> {
    Timestamp::from_microsecond(number(text, 17)?).ok()
}

/// A name: letters and digits, and anything else escaped.
fn worded(name: &str) -> String {
    utf8_percent_encode(name, NON_ALPHANUMERIC).to_string()
}

/// The name that stands there so.
fn word(text: &str) -> Option<String> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'%';
    let name = percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(name).filter(|_| text.bytes().all(plain))
}

/// A number: digits alone, at most so many.
fn number(text: &str, digits: usize) -> Option<i64> {
    let alone = text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| alone)
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
        assert_eq!(entry(&of_entry(at)).unwrap(), at);
        let one_run = (at.0, RunId::from("7d0f.1-é".to_owned()));
        assert_eq!(run(&of_run((one_run.0, &one_run.1))).unwrap(), one_run);
        let place = GroupPlace {
            count: 12,
            last_seen_at: at.0,
            fingerprint: "0123456789abcdef".to_owned(),
            failure_status: "shipping.failed 50%".to_owned(),
            workflow_type: String::new(),
        };
        assert_eq!(group(&of_group(&place)).unwrap(), place);
    }

    #[test]
    fn a_cursor_names_an_operation() {
        let at = Timestamp::from_microsecond(1_760_000_000_000_001).unwrap();
        let id = "0198b1d2-1111-7000-8000-0123456789ab";
        let read = operation(&format!("1760000000000001.{id}")).unwrap();
        assert_eq!(read, (at, OperationId::from(id)));
        for cursor in ["", "1", "1.", "1.g", "1.579875431937834e+16", "1.A", "a.1"] {
            assert!(operation(cursor).is_err(), "{cursor:?}");
        }
    }

    #[test]
    fn a_cursor_names_a_batch() {
        let place = BatchPlace {
            processed_at: Timestamp::from_microsecond(1_760_000_000_000_001).unwrap(),
            started_at: Timestamp::from_microsecond(1_750_000_000_000_001).unwrap(),
            batch: "0198b1d2-1111-7000-8000-0123456789ab".into(),
        };
        assert_eq!(batch(&of_batch(&place)).unwrap(), place);
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
            assert!(batch(cursor).is_err(), "{cursor:?}");
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
            assert!(entry(cursor).is_err(), "{cursor:?}");
            assert!(not_started(cursor).is_err(), "{cursor:?}");
        }
        for cursor in ["", "1", "a.b", "-1.b"] {
            assert!(operation(cursor).is_err(), "{cursor:?}");
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
            let place = not_started(&of_not_started(&one)).unwrap();
            assert_eq!(place, (failed, 42));
        }
        for cursor in ["", "1", "a.run", "1.run id", "1.run.1"] {
            assert!(run(cursor).is_err(), "{cursor:?}");
        }
        for cursor in ["", "1.2.a.b", "1.2.a.b.c.d", "x.2.a.b.c", "1.2.a.b-.c"] {
            assert!(group(cursor).is_err(), "{cursor:?}");
        }
    }
}

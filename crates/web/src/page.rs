//! Pages of a list: so many at a time, from an offset or after a cursor.

use jiff::Timestamp;

use crate::problem::{ApiError, Result};

/// Items a page, where nothing else is asked for, and at most.
pub(crate) const USUAL: u32 = 50;
pub(crate) const LARGEST: u32 = 500;

/// An offset up to which a list can be asked for; whoever goes on after that follows the cursor.
const MOST_OFFSET: u32 = 10_000;

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
        let at = Timestamp::from_microsecond(number(at, 17)?).ok()?;
        Some((at, number(key, 18)?))
    };
    read().ok_or_else(no_cursor)
}

/// The key that a cursor of ours names, in a list that is sorted by key.
pub(crate) fn key(cursor: &str) -> Result<i64> {
    number(cursor, 18).ok_or_else(no_cursor)
}

/// A number as a cursor has it: digits alone, at most so many.
fn number(text: &str, digits: usize) -> Option<i64> {
    let alone = text.len() <= digits && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| alone)
}

fn no_cursor() -> ApiError {
    ApiError::invalid("cursor is not one that this list gave: begin again without it")
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

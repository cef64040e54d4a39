//! Pages of a list: so many at a time, from an offset. Those after a [`cursor`](crate::cursor) are as large.

use utoipa::openapi::schema::{Array, ArrayBuilder, ObjectBuilder, SchemaType, Type};

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

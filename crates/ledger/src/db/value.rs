//! The values that a statement is given for its `$1`, `$2`, ...

use jiff::Timestamp;
use sqlx::postgres::PgArguments;
use sqlx::query::Query;
use sqlx::sqlite::SqliteArguments;
use sqlx::{Postgres, Sqlite};

use super::instant::Instant;

/// One value. A flag is the number 0 or 1, and a time its microseconds since 1970.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    /// A number, or none.
    Int(Option<i64>),
    /// A text, or none.
    Text(Option<String>),
    /// Bytes.
    Bytes(Vec<u8>),
    /// The time of a column that is PostgreSQL's own `TIMESTAMPTZ`; SQLite has microseconds there too.
    Instant(Timestamp),
    /// Several numbers: what `json_each` and `unnest` list.
    Ints(Vec<i64>),
    /// Several texts, in the same way.
    Texts(Vec<String>),
}

/// The values of a statement, in the order of their numbers.
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::db::Value::from($value)),*] };
}
pub(crate) use args;

impl Value {
    /// Several texts.
    pub fn texts<T: AsRef<str>>(texts: impl IntoIterator<Item = T>) -> Self {
        let texts = texts.into_iter();
        Self::Texts(texts.map(|text| storable(text.as_ref())).collect())
    }
}

/// The text without the one character that PostgreSQL cannot store. Failure messages come from any program.
pub(crate) fn storable(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

/// Binds a value for SQLite, where a list is a JSON array.
pub(super) fn bind_sqlite<'q>(
    query: Query<'q, Sqlite, SqliteArguments>,
    value: Value,
) -> Query<'q, Sqlite, SqliteArguments> {
    match value {
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Instant(at) => query.bind(at.as_microsecond()),
        Value::Ints(numbers) => query.bind(crate::wire::list(&numbers)),
        Value::Texts(texts) => query.bind(crate::wire::list(&texts)),
    }
}

/// Binds a value for PostgreSQL, where a list is an array.
pub(super) fn bind_postgres<'q>(
    query: Query<'q, Postgres, PgArguments>,
    value: Value,
) -> Query<'q, Postgres, PgArguments> {
    match value {
        Value::Int(number) => query.bind(number),
        Value::Text(text) => query.bind(text),
        Value::Bytes(bytes) => query.bind(bytes),
        Value::Instant(at) => query.bind(Instant::from(at)),
        Value::Ints(numbers) => query.bind(numbers),
        Value::Texts(texts) => query.bind(texts),
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(Some(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(Some(number.into()))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(Some(flag.into()))
    }
}

impl From<Option<i64>> for Value {
    fn from(number: Option<i64>) -> Self {
        Self::Int(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(Some(storable(text)))
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

impl From<Option<&str>> for Value {
    fn from(text: Option<&str>) -> Self {
        Self::Text(text.map(storable))
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<&[i64]> for Value {
    fn from(numbers: &[i64]) -> Self {
        Self::Ints(numbers.to_vec())
    }
}

impl From<Vec<i64>> for Value {
    fn from(numbers: Vec<i64>) -> Self {
        Self::Ints(numbers)
    }
}

impl From<&Option<String>> for Value {
    fn from(text: &Option<String>) -> Self {
        Self::from(text.as_deref())
    }
}

//! A row of either database, as [`crate::rows`] reads it.

use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::sqlite::SqliteRow;
use sqlx::{Column, ColumnIndex, TypeInfo};

use super::Value;
use super::instant::{Instant, is_timestamptz};
use crate::contract::Result;
use crate::error::Doing;
use crate::rows::Fields;

/// A row.
pub(crate) enum Row {
    Sqlite(SqliteRow),
    Postgres(PgRow),
}

impl Row {
    /// The bytes of a column.
    pub fn bytes(&self, column: &'static str) -> Result<Vec<u8>> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .doing("read bytes")
    }

    /// The values of a row of PostgreSQL, as a copy in SQLite is given them.
    pub fn copied(&self) -> Result<Vec<Value>> {
        match self {
            Self::Sqlite(_) => Ok(Vec::new()),
            Self::Postgres(row) => (0..row.len())
                .map(|column| postgres_value(row, column))
                .collect::<std::result::Result<_, _>>()
                .doing("read a row"),
        }
    }
}

impl Fields for Row {
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => postgres_int(row, column),
        }
        .doing("read a number")
    }

    fn maybe_text(&self, column: &'static str) -> Result<Option<String>> {
        match self {
            Self::Sqlite(row) => row.try_get(column),
            Self::Postgres(row) => row.try_get(column),
        }
        .doing("read a text")
    }
}

fn postgres_value(row: &PgRow, column: usize) -> std::result::Result<Value, sqlx::Error> {
    Ok(match row.try_column(column)?.type_info().name() {
        "TEXT" => Value::Text(row.try_get(column)?),
        "BYTEA" => Value::Bytes(row.try_get(column)?),
        _ => Value::Int(postgres_int(row, column)?),
    })
}

/// Numbers, flags (`EXISTS` is one) and times are numbers to us.
fn postgres_int(
    row: &PgRow,
    column: impl ColumnIndex<PgRow> + Copy,
) -> std::result::Result<Option<i64>, sqlx::Error> {
    let ty = row.try_column(column)?.type_info();
    match ty.name() {
        "BOOL" => Ok(row.try_get::<Option<bool>, _>(column)?.map(i64::from)),
        _ if is_timestamptz(ty) => {
            let at: Option<Instant> = row.try_get(column)?;
            Ok(at.map(|at| at.0))
        }
        _ => row.try_get(column),
    }
}

//! An SQLite row, as [`crate::rows`] reads it.

use sqlx::Row;
use sqlx::sqlite::SqliteRow;

use crate::contract::Result;
use crate::error::Doing;
use crate::rows::Fields;

impl Fields for SqliteRow {
    fn maybe_int(&self, column: &'static str) -> Result<Option<i64>> {
        self.try_get(column).doing("read a number")
    }

    fn maybe_text(&self, column: &'static str) -> Result<Option<String>> {
        self.try_get(column).doing("read a text")
    }

    fn flag(&self, column: &'static str) -> Result<bool> {
        self.try_get(column).doing("read a flag")
    }
}

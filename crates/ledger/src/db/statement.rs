//! A statement for either database.
//!
//! Most are one text. Three of SQLite's turns are put into PostgreSQL's words here, in one place: `INDEXED BY`, which
//! PostgreSQL does not have, and lists, which are JSON arrays there and arrays here.

use std::borrow::Cow;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// What a statement says.
#[derive(Debug, Clone)]
pub(crate) struct Statement {
    sqlite: Cow<'static, str>,
    /// Where PostgreSQL needs other words.
    postgres: Option<Cow<'static, str>>,
    /// How PostgreSQL locks the rows that are read; in SQLite a writer is alone.
    lock: &'static str,
}

impl Statement {
    /// One text for both.
    pub const fn both(text: &'static str) -> Self {
        Self {
            sqlite: Cow::Borrowed(text),
            postgres: None,
            lock: "",
        }
    }

    /// A text for each.
    pub const fn each(sqlite: &'static str, postgres: &'static str) -> Self {
        Self {
            sqlite: Cow::Borrowed(sqlite),
            postgres: Some(Cow::Borrowed(postgres)),
            lock: "",
        }
    }

    /// A text for each, put together from literals of ours.
    pub fn made(sqlite: String, postgres: String) -> Self {
        Self {
            sqlite: Cow::Owned(sqlite),
            postgres: Some(Cow::Owned(postgres)),
            lock: "",
        }
    }

    /// The same, with the rows locked until the transaction ends: `lock` ends the statement.
    pub const fn locked(mut self, lock: &'static str) -> Self {
        self.lock = lock;
        self
    }

    /// Its words for SQLite.
    pub fn for_sqlite(self) -> SqlStr {
        match self.sqlite {
            Cow::Borrowed(text) => text.into_sql_str(),
            // Put together from literals of ours; values are bound.
            Cow::Owned(text) => AssertSqlSafe(text).into_sql_str(),
        }
    }

    /// Its words for PostgreSQL.
    pub fn for_postgres(self) -> SqlStr {
        let mut text = match self.postgres {
            Some(text) => text.into_owned(),
            None => in_postgres(&self.sqlite),
        };
        if !self.lock.is_empty() {
            text.push(' ');
            text.push_str(self.lock);
        }
        AssertSqlSafe(text).into_sql_str()
    }
}

impl From<&'static str> for Statement {
    fn from(text: &'static str) -> Self {
        Self::both(text)
    }
}

impl From<String> for Statement {
    fn from(text: String) -> Self {
        Self {
            sqlite: Cow::Owned(text),
            ..Self::both("")
        }
    }
}

/// SQLite's text in PostgreSQL's words.
fn in_postgres(text: &str) -> String {
    let text = without_hints(text);
    let text = replaced(&text, "IN (SELECT value FROM json_each(", "))", |list| {
        format!("= ANY({list})")
    });
    replaced(&text, "json_each(", ") AS j", |list| {
        format!("unnest({list}) AS j (value)")
    })
}

/// The text without `INDEXED BY` and the index's name.
fn without_hints(text: &str) -> String {
    let mut parts = text.split(" INDEXED BY ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| {
        let end = |letter: char| !letter.is_ascii_alphanumeric() && letter != '_';
        let name = part.find(end).unwrap_or(part.len());
        text + &part[name..]
    })
}

/// The text with each stretch from `begin` to `end` replaced by what `by` makes of what stands between them.
fn replaced(text: &str, begin: &str, end: &str, by: impl Fn(&str) -> String) -> String {
    let mut made = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(begin) {
        let Some((inner, after)) = after.split_once(end) else {
            break;
        };
        made.push_str(before);
        made.push_str(&by(inner));
        rest = after;
    }
    made.push_str(rest);
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sqlites_hints_and_lists_have_postgres_words() {
        let listed =
            "SELECT a.* FROM json_each($1) AS j JOIN attempts AS a ON a.order_pk = j.value";
        let chosen = "DELETE FROM x WHERE id IN (SELECT value FROM json_each($1)) AND k IN (SELECT value FROM json_each($2))";
        let hinted = "SELECT * FROM orders AS o INDEXED BY orders_due\nWHERE id IN (SELECT o.id FROM failures INDEXED BY x)";
        for (sqlite, postgres) in [
            (
                listed,
                "SELECT a.* FROM unnest($1) AS j (value) JOIN attempts AS a ON a.order_pk = j.value",
            ),
            (chosen, "DELETE FROM x WHERE id = ANY($1) AND k = ANY($2)"),
            (
                hinted,
                "SELECT * FROM orders AS o\nWHERE id IN (SELECT o.id FROM failures)",
            ),
        ] {
            assert_eq!(Statement::both(sqlite).for_sqlite().as_str(), sqlite);
            assert_eq!(Statement::both(sqlite).for_postgres().as_str(), postgres);
        }
    }

    #[test]
    fn a_lock_and_a_text_of_its_own_are_for_postgres_only() {
        let statement =
            Statement::each("SELECT max(1, 2)", "SELECT greatest(1, 2)").locked("FOR UPDATE");
        assert_eq!(statement.clone().for_sqlite().as_str(), "SELECT max(1, 2)");
        assert_eq!(
            statement.for_postgres().as_str(),
            "SELECT greatest(1, 2) FOR UPDATE"
        );
    }
}

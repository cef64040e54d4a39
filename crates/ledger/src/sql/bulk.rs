//! Many rows by one statement: the lines of [`crate::wire`], a JSON array whose keys are the names of the columns.
//!
//! SQLite takes the array apart, once (`MATERIALIZED`: else it would write each line out as text again for every key), and the
//! lines key by key; PostgreSQL reads it as rows of the table.

use std::collections::BTreeSet;

use crate::db::Statement;

/// Inserts the lines `$1` into a table; `end` says what happens to a row that is there already.
macro_rules! insert {
    ($table:ident: $first:ident $(, $column:ident)* $(; $end:literal)?) => {
        $crate::db::Statement::each(
            concat!(
                "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1)) ",
                "INSERT INTO ", stringify!($table), " (", stringify!($first), $(", ", stringify!($column),)* ") ",
                "SELECT j.value ->> '", stringify!($first), "'", $(", j.value ->> '", stringify!($column), "'",)*
                " FROM j WHERE true", $(" ", $end,)?
            ),
            concat!(
                "INSERT INTO ", stringify!($table), " (", stringify!($first), $(", ", stringify!($column),)* ") ",
                "SELECT j.", stringify!($first), $(", j.", stringify!($column),)*
                " FROM jsonb_populate_recordset(NULL::", stringify!($table), ", $1::jsonb) AS j", $(" ", $end,)?
            ),
        )
    };
}

/// Updates the rows of a table that have a line's key in `$1`; `end` says which of them only.
macro_rules! update {
    ($table:ident by $key:ident: $first:ident $(, $column:ident)* $(; $end:literal)?) => {
        $crate::db::Statement::each(
            concat!(
                "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1)) ",
                "UPDATE ", stringify!($table), " SET ", stringify!($first), " = j.value ->> '", stringify!($first), "'",
                $(", ", stringify!($column), " = j.value ->> '", stringify!($column), "'",)*
                " FROM j WHERE ", stringify!($table), ".", stringify!($key), " = j.value ->> '",
                stringify!($key), "'", $(" ", $end,)?
            ),
            concat!(
                "UPDATE ", stringify!($table), " SET ", stringify!($first), " = j.", stringify!($first),
                $(", ", stringify!($column), " = j.", stringify!($column),)*
                " FROM jsonb_populate_recordset(NULL::", stringify!($table), ", $1::jsonb) AS j WHERE ",
                stringify!($table), ".", stringify!($key), " = j.", stringify!($key), $(" ", $end,)?
            ),
        )
    };
}

pub(super) use {insert, update};

/// As `update!`, with columns that are chosen as it runs; they are names of ours.
pub(super) fn update_of(
    table: &'static str,
    key: &'static str,
    columns: &BTreeSet<&'static str>,
) -> Statement {
    let set = |value: fn(&str) -> String| {
        let columns = columns.iter();
        let set: Vec<String> = columns
            .map(|name| format!("{name} = {}", value(name)))
            .collect();
        set.join(", ")
    };
    Statement::made(
        format!(
            "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1)) UPDATE {table} SET {} FROM j \
             WHERE {table}.{key} = j.value ->> '{key}'",
            set(|name| format!("j.value ->> '{name}'"))
        ),
        format!(
            "UPDATE {table} SET {} FROM jsonb_populate_recordset(NULL::{table}, $1::jsonb) AS j \
             WHERE {table}.{key} = j.{key}",
            set(|name| format!("j.{name}"))
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chosen_columns_are_updated_and_no_others() {
        let updated = update_of("orders", "id", &BTreeSet::from(["fence", "state"]));
        assert_eq!(
            updated.clone().for_sqlite().as_str(),
            "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1)) \
             UPDATE orders SET fence = j.value ->> 'fence', state = j.value ->> 'state' FROM j \
             WHERE orders.id = j.value ->> 'id'"
        );
        assert_eq!(
            updated.for_postgres().as_str(),
            "UPDATE orders SET fence = j.fence, state = j.state \
             FROM jsonb_populate_recordset(NULL::orders, $1::jsonb) AS j WHERE orders.id = j.id"
        );
    }

    #[test]
    fn lines_are_keys_to_sqlite_and_rows_to_postgres() {
        let inserted: Statement = insert!(verdicts: batch_id, at; "ON CONFLICT DO NOTHING");
        assert_eq!(
            inserted.clone().for_sqlite().as_str(),
            "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1)) \
             INSERT INTO verdicts (batch_id, at) SELECT j.value ->> 'batch_id', j.value ->> 'at' \
             FROM j WHERE true ON CONFLICT DO NOTHING"
        );
        assert_eq!(
            inserted.for_postgres().as_str(),
            "INSERT INTO verdicts (batch_id, at) SELECT j.batch_id, j.at \
             FROM jsonb_populate_recordset(NULL::verdicts, $1::jsonb) AS j ON CONFLICT DO NOTHING"
        );
        let updated: Statement =
            update!(attempts by id: note, run_id; "AND attempts.outcome IS NULL");
        assert_eq!(
            updated.clone().for_sqlite().as_str(),
            "WITH j (value) AS MATERIALIZED (SELECT value FROM json_each($1)) \
             UPDATE attempts SET note = j.value ->> 'note', run_id = j.value ->> 'run_id' FROM j \
             WHERE attempts.id = j.value ->> 'id' AND attempts.outcome IS NULL"
        );
        assert_eq!(
            updated.for_postgres().as_str(),
            "UPDATE attempts SET note = j.note, run_id = j.run_id \
             FROM jsonb_populate_recordset(NULL::attempts, $1::jsonb) AS j \
             WHERE attempts.id = j.id AND attempts.outcome IS NULL"
        );
    }
}

//! A configuration as a list of single values.
//!
//! The *key* of a value says where it stands: `policy.watch[0].order_id`. Its *shape* is the key without what a file
//! chooses, the places in lists and the names of statuses: `policy.watch[].order_id`, `policy.statuses.NAME.reprocess`.

use toml::{Table, Value};

/// The tables below this one are named by the file.
const NAMED_BY_THE_FILE: &str = "policy.statuses";

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub struct Leaf {
    /// Where it stands.
    pub key: String,
    /// Which setting it is.
    pub shape: String,
    /// The value.
    pub value: Value,
}

/// Every value of a table, however deep. A list is taken apart if it has tables, and is one value otherwise.
pub fn flatten(table: &Table) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    add_table("", "", table, &mut leaves);
    leaves
}

fn add_table(key: &str, shape: &str, table: &Table, leaves: &mut Vec<Leaf>) {
    for (name, value) in table {
        let placeholder = if shape == NAMED_BY_THE_FILE {
            "NAME"
        } else {
            name
        };
        add(
            join(key, &quoted(name)),
            join(shape, placeholder),
            value,
            leaves,
        );
    }
}

fn add(key: String, shape: String, value: &Value, leaves: &mut Vec<Leaf>) {
    match value {
        Value::Table(table) => add_table(&key, &shape, table, leaves),
        Value::Array(list) if list.iter().any(Value::is_table) => {
            for (place, value) in list.iter().enumerate() {
                add(
                    format!("{key}[{place}]"),
                    format!("{shape}[]"),
                    value,
                    leaves,
                );
            }
        }
        _ => leaves.push(Leaf {
            key,
            shape,
            value: value.clone(),
        }),
    }
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

/// The name as a TOML file has to write it.
fn quoted(name: &str) -> String {
    let bare = |letter: char| letter.is_ascii_alphanumeric() || letter == '_' || letter == '-';
    if !name.is_empty() && name.chars().all(bare) {
        name.to_owned()
    } else {
        Value::from(name).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_its_key_and_its_shape() {
        let table: Table = "worker.task_queue = 'q'\npolicy.rules = []\npolicy.watch = [{ order_id = 'a' }, { order_id \
                            = 'b' }]\npolicy.statuses.'a b'.reprocess = true"
            .parse()
            .unwrap();
        let leaves = flatten(&table);
        let found: Vec<_> = leaves
            .iter()
            .map(|leaf| (leaf.key.as_str(), leaf.shape.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("policy.rules", "policy.rules"),
                (
                    "policy.statuses.\"a b\".reprocess",
                    "policy.statuses.NAME.reprocess"
                ),
                ("policy.watch[0].order_id", "policy.watch[].order_id"),
                ("policy.watch[1].order_id", "policy.watch[].order_id"),
                ("worker.task_queue", "worker.task_queue"),
            ]
        );
        assert_eq!(leaves[3].value, Value::from("b"));
    }
}

//! What bodies consist of: a table for each shape that the document names.

use serde_json::Value;

use super::{Kind, Words, text};

/// A shape with a name.
pub(super) struct Shape {
    pub name: String,
    pub about: Words,
    /// What it consists of, where that is a shape of its own.
    pub includes: Vec<String>,
    pub fields: Vec<Field>,
    /// The words that it can be.
    pub choices: Vec<String>,
    /// What it is otherwise.
    pub kind: String,
}

/// A field, or a parameter.
pub(super) struct Field {
    pub name: String,
    pub kind: Kind,
    pub required: bool,
    pub bounds: String,
    pub about: Words,
}

/// All of them.
pub(super) fn shapes(document: &Value) -> Vec<Shape> {
    let named = document["components"]["schemas"].as_object();
    named
        .into_iter()
        .flatten()
        .map(|(name, schema)| shape(name, schema))
        .collect()
}

fn shape(name: &str, schema: &Value) -> Shape {
    let mut shape = Shape {
        name: name.to_owned(),
        about: Words::of(&schema["description"]),
        includes: Vec::new(),
        fields: Vec::new(),
        choices: words(&schema["enum"]),
        kind: Kind::of(schema).text,
    };
    add(&mut shape, schema);
    shape
}

/// What a schema says directly, and what those say of which it is made.
fn add(shape: &mut Shape, schema: &Value) {
    let required = words(&schema["required"]);
    for (name, field) in schema["properties"].as_object().into_iter().flatten() {
        let mut field = Field::of(name, field, field);
        field.required = required.contains(name);
        shape.fields.push(field);
    }
    for key in ["allOf", "oneOf", "anyOf"] {
        for part in schema[key].as_array().into_iter().flatten() {
            match super::named(part) {
                Some(name) => shape.includes.push(name.to_owned()),
                None => add(shape, part),
            }
        }
    }
}

fn words(list: &Value) -> Vec<String> {
    list.as_array().into_iter().flatten().map(text).collect()
}

impl Field {
    /// One of that schema; `told` says what it is for.
    pub fn of(name: &str, schema: &Value, told: &Value) -> Self {
        Self {
            name: name.to_owned(),
            kind: Kind::of(schema),
            required: told["required"].as_bool().unwrap_or_default(),
            bounds: bounds(schema),
            about: Words::of(&told["description"]),
        }
    }
}

/// Within what a value has to be.
fn bounds(schema: &Value) -> String {
    let said = [
        ("format", ""),
        ("minimum", "at least "),
        ("maximum", "at most "),
        ("minLength", "characters: at least "),
        ("maxLength", "characters: at most "),
        ("maxItems", "at most so many: "),
        ("pattern", "matches "),
        ("default", "by default "),
    ];
    let said = said.into_iter().filter_map(|(key, words)| {
        let value = match &schema[key] {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            _ => return None,
        };
        Some(format!("{words}{value}"))
    });
    let mut said: Vec<String> = said.collect();
    let choices = words(&schema["enum"]);
    if !choices.is_empty() {
        said.push(format!("one of {}", choices.join(", ")));
    }
    said.join("; ")
}

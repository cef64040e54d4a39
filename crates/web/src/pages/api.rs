//! The API for readers: made from the document that programs read, so that neither says more than the other.

mod body;
mod example;

use std::sync::LazyLock;

use askama::Template;
use axum::response::Response;
use serde_json::Value;

use super::{Result, shown};
use crate::api::{ANSWERS, DOCUMENT, operations};
use body::{Field, Shape};

/// Where the examples ask.
const HERE: &str = "http://127.0.0.1:8420";

#[derive(Template)]
#[template(path = "api.html")]
struct Page {
    here: &'static str,
    title: String,
    about: Words,
    common: Vec<Answer>,
    subjects: Vec<Subject>,
    shapes: Vec<Shape>,
}

/// A text; what stands in backticks is code.
#[derive(Clone)]
struct Words(Vec<(bool, String)>);

impl Words {
    fn of(text: &Value) -> Self {
        let text = text.as_str().unwrap_or_default();
        let parts = text.split('`').enumerate();
        let parts = parts.filter(|(_, part)| !part.is_empty());
        Self(
            parts
                .map(|(place, part)| (place % 2 == 1, part.to_owned()))
                .collect(),
        )
    }
}

/// Operations on one thing.
struct Subject {
    name: String,
    anchor: String,
    about: Words,
    operations: Vec<Operation>,
}

struct Operation {
    id: String,
    method: &'static str,
    path: String,
    summary: String,
    about: Words,
    parameters: Vec<Parameter>,
    body: Option<Kind>,
    answers: Vec<Answer>,
    example: String,
}

/// What an operation is asked for in particular.
struct Parameter {
    place: String,
    field: Field,
}

struct Answer {
    status: String,
    about: Words,
    body: Option<Kind>,
}

/// What something consists of: words, and the shape among them that has a section of its own.
struct Kind {
    text: String,
    link: Option<String>,
}

/// It says the same as long as this process lives.
static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let document = serde_json::to_value(&*DOCUMENT).expect("the document is made of JSON");
    page_of(&document)
});

pub(super) async fn page() -> Result<Response> {
    Ok(shown(&*PAGE))
}

fn page_of(document: &Value) -> Page {
    let subjects = document["tags"].as_array().into_iter().flatten();
    Page {
        here: "/api",
        title: text(&document["info"]["title"]),
        about: Words::of(&document["info"]["description"]),
        common: ANSWERS
            .iter()
            .map(|answer| {
                let told = &document["components"]["responses"][answer.name];
                answer_of(answer.status.as_str(), told)
            })
            .collect(),
        subjects: subjects.map(|tag| subject(document, tag)).collect(),
        shapes: body::shapes(document),
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn subject(document: &Value, tag: &Value) -> Subject {
    let name = text(&tag["name"]);
    let mut found = Vec::new();
    for (path, item) in &DOCUMENT.paths.paths {
        for (method, _) in operations(item) {
            let told = &document["paths"][path][method.to_lowercase()];
            if told["tags"][0] == name.as_str() {
                found.push(operation(document, path, method, told));
            }
        }
    }
    Subject {
        anchor: name.replace(' ', "-"),
        about: Words::of(&tag["description"]),
        name,
        operations: found,
    }
}

fn operation(document: &Value, path: &str, method: &'static str, told: &Value) -> Operation {
    let parameters = told["parameters"].as_array().into_iter().flatten();
    let parameters: Vec<&Value> = parameters.map(|one| resolved(document, one)).collect();
    let schema = &told["requestBody"]["content"]["application/json"]["schema"];
    let answers = told["responses"].as_object().into_iter().flatten();
    Operation {
        id: text(&told["operationId"]),
        method,
        path: path.to_owned(),
        summary: text(&told["summary"]),
        about: Words::of(&told["description"]),
        example: example::curl(document, path, method, &parameters, schema),
        parameters: parameters
            .into_iter()
            .map(|one| Parameter {
                place: text(&one["in"]),
                field: Field::of(&text(&one["name"]), &one["schema"], one),
            })
            .collect(),
        body: (!schema.is_null()).then(|| Kind::of(schema)),
        // What all have in common is told once.
        answers: answers
            .filter(|(_, answer)| answer["$ref"].is_null())
            .map(|(status, answer)| answer_of(status, answer))
            .collect(),
    }
}

fn answer_of(status: &str, answer: &Value) -> Answer {
    let schema = &answer["content"]["application/json"]["schema"];
    Answer {
        status: status.to_owned(),
        about: Words::of(&answer["description"]),
        body: (!schema.is_null()).then(|| Kind::of(schema)),
    }
}

/// What a reference leads to; anything else is itself.
fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let pointer = value["$ref"].as_str().and_then(|to| to.strip_prefix('#'));
    pointer
        .and_then(|pointer| document.pointer(pointer))
        .unwrap_or(value)
}

impl Kind {
    fn of(schema: &Value) -> Self {
        if let Some(name) = named(schema) {
            return Self {
                text: name.to_owned(),
                link: Some(name.to_owned()),
            };
        }
        let types = match &schema["type"] {
            Value::Array(types) => types.iter().map(text).collect::<Vec<_>>().join(" or "),
            one => text(one),
        };
        let (text, link) = match named(&schema["items"]) {
            Some(items) => (format!("{types} of {items}"), Some(items.to_owned())),
            None if schema["oneOf"].is_array() => one_of(&schema["oneOf"]),
            None => (types, None),
        };
        Self { text, link }
    }
}

/// One of several, of which at most one has a section of its own.
fn one_of(choices: &Value) -> (String, Option<String>) {
    let choices = choices.as_array().into_iter().flatten();
    let choices: Vec<Kind> = choices.map(Kind::of).collect();
    let link = choices.iter().find_map(|choice| choice.link.clone());
    let texts = choices.into_iter().map(|choice| choice.text);
    (texts.collect::<Vec<_>>().join(" or "), link)
}

/// The name of the schema that is meant.
fn named(schema: &Value) -> Option<&str> {
    schema["$ref"].as_str()?.rsplit('/').next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_and_every_shape_is_on_the_page() {
        let html = PAGE.render().unwrap();
        let mut told = 0;
        for (path, item) in &DOCUMENT.paths.paths {
            for (method, operation) in operations(item) {
                let id = operation.operation_id.as_deref().unwrap();
                assert!(html.contains(&format!("id=\"{id}\"")), "{method} {path}");
                let summary = operation.summary.as_deref().unwrap();
                let summary = summary.replace('\'', "&#39;");
                assert!(html.contains(&summary), "{summary}");
                told += 1;
            }
        }
        assert_eq!(html.matches("<code>curl ").count(), told);
        for name in DOCUMENT.components.as_ref().unwrap().schemas.keys() {
            assert!(html.contains(&format!("id=\"{name}\"")), "{name}");
        }
        assert_eq!(html.matches("<script").count(), 1, "that of every page");
    }
}

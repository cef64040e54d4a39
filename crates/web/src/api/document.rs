//! The document that describes the API, made once from what stands at each operation. What holds for all of them is added here, in one
//! place; and what it says of a body is what is asked of one.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::Method;
use serde_json::{Value, json};
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr, Required};

use super::common::{ANSWERS, Answer, Of};
use super::rehearsal::REHEARSAL;
use crate::access::TOKENS;
use crate::problem::{ApiError, Result};
use crate::repeat;

/// The document.
pub(crate) static DOCUMENT: LazyLock<OpenApi> =
    LazyLock::new(|| finished(super::routes().into_openapi()));

/// What is asked of each body, by its name in the document.
static BODIES: LazyLock<HashMap<String, jsonschema::Validator>> = LazyLock::new(|| {
    let document = serde_json::to_value(&*DOCUMENT).expect("the document is made of JSON");
    let components = &document["components"];
    let names = components["schemas"].as_object().into_iter().flatten();
    names
        .map(|(name, _)| (name.clone(), validator(name, components)))
        .collect()
});

/// A validator of the schema of that name, among the others that it may name.
fn validator(name: &str, components: &Value) -> jsonschema::Validator {
    let schema =
        json!({ "$ref": format!("#/components/schemas/{name}"), "components": components });
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .expect("a test builds every schema of the document")
}

/// Whether a body is as the document says that `name` is.
pub(crate) fn keeps(name: &str, body: &Value) -> Result<()> {
    let Some(validator) = BODIES.get(name) else {
        return Ok(());
    };
    validator.validate(body).map_err(|error| {
        let place = error.instance_path().to_string();
        let place = place.trim_start_matches('/').replace('/', ".");
        let what = error.masked();
        ApiError::invalid(match place.as_str() {
            "" => format!("the body: {what}"),
            place => format!("{place}: {what}"),
        })
    })
}

/// Whether the operation at `path`, as it stands in the document, may carry an `Idempotency-Key`.
pub(crate) fn takes_key(method: &Method, path: &str) -> bool {
    let item = DOCUMENT.paths.paths.get(path);
    item.into_iter()
        .flat_map(operations)
        .filter(|(named, _)| method == *named)
        .flat_map(|(_, operation)| operation.parameters.iter().flatten())
        .any(|parameter| *parameter == RefOr::Ref(key_ref()))
}

fn key_ref() -> Ref {
    Ref::new(format!("#/components/parameters/{}", repeat::KEY))
}

/// The methods of a path, and what each does.
pub(crate) fn operations(item: &PathItem) -> impl Iterator<Item = (&'static str, &Operation)> {
    let methods = [
        ("GET", &item.get),
        ("PUT", &item.put),
        ("POST", &item.post),
        ("DELETE", &item.delete),
        ("PATCH", &item.patch),
    ];
    methods
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_ref()?)))
}

fn operations_mut(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let methods = [
        ("GET", &mut item.get),
        ("PUT", &mut item.put),
        ("POST", &mut item.post),
        ("DELETE", &mut item.delete),
        ("PATCH", &mut item.patch),
    ];
    methods
        .into_iter()
        .filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

fn finished(mut document: OpenApi) -> OpenApi {
    let components = document.components.get_or_insert_default();
    for answer in &ANSWERS {
        let name = answer.name.to_owned();
        components.responses.insert(name, response(answer).into());
    }
    let (name, key) = (repeat::KEY.to_owned(), key());
    components.parameters.insert(name, key.into());
    for (path, item) in &mut document.paths.paths {
        for (method, operation) in operations_mut(item) {
            finish(path, method, operation);
        }
    }
    document
}

fn finish(path: &str, method: &str, operation: &mut Operation) {
    operation.operation_id = Some(id(path, method));
    let writes = method != "GET";
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter {
            allow_empty(parameter);
        }
    }
    // A secret is answered once, whoever asks for it again; and what a rehearsal says changes nothing.
    if writes && path != TOKENS && path != REHEARSAL {
        let parameters = operation.parameters.get_or_insert_default();
        parameters.push(RefOr::Ref(key_ref()));
    }
    let asks = operation.parameters.is_some();
    let served = path.starts_with("/api/");
    let responses = &mut operation.responses.responses;
    for answer in &ANSWERS {
        let given = match answer.of {
            Of::All => true,
            Of::Asking => asks,
            Of::Served => served,
            Of::Writing => writes,
        };
        if given {
            let common = || RefOr::Ref(Ref::from_response_name(answer.name));
            let status = answer.status.as_u16().to_string();
            responses.entry(status).or_insert_with(common);
        }
    }
    for (status, response) in responses {
        if let RefOr::T(response) = response
            && response.description.is_empty()
        {
            response.description = usual(status).to_owned();
        }
    }
}

/// What a status says where the operation says nothing else.
fn usual(status: &str) -> &'static str {
    let common = ANSWERS
        .iter()
        .find(|answer| answer.status.as_str() == status);
    match (status, common) {
        (_, Some(answer)) => answer.description,
        ("404", None) => "There is no such thing.",
        _ => "What was asked for.",
    }
}

/// A name for programs: of the method and the path.
fn id(path: &str, method: &str) -> String {
    let mut id = method.to_lowercase();
    let path = path.trim_start_matches("/api/v1");
    for word in path.split(['/', '-']).filter(|word| !word.is_empty()) {
        let word = match word.strip_prefix('{') {
            Some(named) => format!("by-{}", named.trim_end_matches('}')),
            None => word.to_owned(),
        };
        for part in word.split('-') {
            let (first, rest) = part.split_at(1);
            id.push_str(&first.to_uppercase());
            id.push_str(rest);
        }
    }
    id
}

/// A key of the query without a value is as good as none, where it may be left out. OpenAPI says so; `utoipa` has no field for it.
fn allow_empty(parameter: &mut Parameter) {
    let asked = parameter.parameter_in == ParameterIn::Query;
    if asked && parameter.required != Required::True {
        let empty = Extensions::from_iter([("allowEmptyValue", true)]);
        parameter.extensions = Some(empty);
    }
}

fn response(answer: &Answer) -> Response {
    let error = Ref::from_schema_name("Error");
    let content = ContentBuilder::new().schema(Some(error)).build();
    ResponseBuilder::new()
        .description(answer.description)
        .content("application/json", content)
        .build()
}

/// The header that every request which changes something may carry.
fn key() -> Parameter {
    let schema = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .max_length(Some(repeat::LONGEST))
        .pattern(Some(repeat::VISIBLE));
    ParameterBuilder::new()
        .name("Idempotency-Key")
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(
            "The same request with the same key gets the first answer again for a day, and nothing is done twice.",
        ))
        .schema(Some(schema))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_schema_is_one() {
        assert!(BODIES.len() > 40, "{}", BODIES.len());
    }

    #[test]
    fn every_operation_has_a_name_of_its_own() {
        let items = DOCUMENT.paths.paths.values();
        let named = items.flat_map(|item| operations(item).collect::<Vec<_>>());
        let mut names: Vec<&str> = named
            .filter_map(|(_, operation)| operation.operation_id.as_deref())
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
        assert!(names.contains(&"patchDeadLetterQueueByOrderIdResolve"));
        assert!(names.contains(&"getHealthz"));
    }

    #[test]
    fn what_changes_something_takes_a_key_and_nothing_else_does() {
        for (method, path, takes) in [
            (Method::PUT, "/api/v1/schedule", true),
            (Method::DELETE, "/api/v1/tokens/{name}", true),
            (Method::POST, TOKENS, false),
            (Method::GET, "/api/v1/schedule", false),
            (Method::POST, "/api/v1/schedule", false),
            (Method::PUT, "/schedule", false),
        ] {
            assert_eq!(takes_key(&method, path), takes, "{method} {path}");
        }
    }

    #[test]
    fn a_body_is_refused_where_it_is_not_as_described() {
        let good = json!({ "resolution": "cancelled", "resolvedBy": "ann" });
        assert!(keeps("Resolve", &good).is_ok());
        for (wrong, place) in [
            (json!([]), "the body:"),
            (
                json!({ "resolution": "cancelled" }),
                "the body: \"resolvedBy\"",
            ),
            (
                json!({ "resolution": "cancelled", "resolvedBy": "" }),
                "resolvedBy:",
            ),
            (
                json!({ "resolution": "lost", "resolvedBy": "ann" }),
                "resolution:",
            ),
            (
                json!({ "resolution": "cancelled", "resolvedBy": "ann", "notes": "n".repeat(4001) }),
                "notes:",
            ),
        ] {
            let error = keeps("Resolve", &wrong).unwrap_err();
            assert!(error.message().starts_with(place), "{}", error.message());
            assert!(error.message().len() < 200, "{}", error.message());
        }
    }
}

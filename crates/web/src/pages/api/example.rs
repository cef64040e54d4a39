//! How to ask, as a line for a shell: with a body where one is expected, of what has to stand in it and what is usually said.

use serde_json::{Map, Value};

use super::{HERE, resolved, text};

/// The line.
pub(super) fn curl(
    document: &Value,
    path: &str,
    method: &str,
    parameters: &[&Value],
    schema: &Value,
) -> String {
    let mut line = "curl -s".to_owned();
    if method != "GET" {
        line.push_str(&format!(" -X {method}"));
    }
    line.push_str(&format!(" {HERE}{}", address(path, parameters)));
    if !schema.is_null() {
        let body = body(document, schema);
        line.push_str(&format!(
            " \\\n    -H 'content-type: application/json' -d '{body}'"
        ));
    }
    line
}

/// The path with a name in each place for one.
fn address(path: &str, parameters: &[&Value]) -> String {
    let named = parameters.iter().filter(|one| one["in"] == "path");
    named.fold(path.to_owned(), |path, one| {
        let name = text(&one["name"]);
        let example = match name.as_str() {
            "orderId" => "ORD-1042",
            "batchId" => "reprocessing-batch-1790000000-3fa2",
            "name" => "night%20shift",
            _ => "20260924-083012-3fa2",
        };
        path.replace(&format!("{{{name}}}"), example)
    })
}

/// A body of that schema.
fn body(document: &Value, schema: &Value) -> Value {
    let schema = resolved(document, schema);
    if !schema["example"].is_null() {
        return schema["example"].clone();
    }
    if let Some(first) = schema["enum"].get(0) {
        return first.clone();
    }
    let required = schema["required"].as_array();
    let required = |name: &str| required.is_some_and(|names| names.iter().any(|one| one == name));
    let fields = schema["properties"].as_object().into_iter().flatten();
    let said = fields.filter(|(name, field)| required(name) || !field["example"].is_null());
    let said: Map<String, Value> = said
        .map(|(name, field)| (name.clone(), body(document, field)))
        .collect();
    Value::Object(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::{DOCUMENT, keeps};

    #[test]
    fn every_example_is_what_is_expected() {
        let document = serde_json::to_value(&*DOCUMENT).unwrap();
        let mut bodies = 0;
        for operation in document["paths"]
            .as_object()
            .unwrap()
            .values()
            .flat_map(|item| item.as_object().unwrap().values())
        {
            let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
            if !schema.is_null() {
                let body = body(&document, schema);
                let name = schema["$ref"].as_str().unwrap().rsplit('/').next().unwrap();
                keeps(name, &body).unwrap();
                assert!(!body.to_string().contains('\''), "it stands in quotes");
                bodies += 1;
            }
        }
        assert!(bodies > 5, "{bodies}");
    }

    #[test]
    fn a_line_names_what_it_is_about() {
        let document = serde_json::to_value(&*DOCUMENT).unwrap();
        let path = "/api/v1/dead-letter-queue/{orderId}/resolve";
        let told = &document["paths"][path]["patch"];
        let parameters: Vec<&Value> = told["parameters"].as_array().unwrap().iter().collect();
        let schema = &told["requestBody"]["content"]["application/json"]["schema"];
        assert_eq!(
            curl(&document, path, "PATCH", &parameters, schema),
            "curl -s -X PATCH http://127.0.0.1:8420/api/v1/dead-letter-queue/ORD-1042/resolve \\\n    \
             -H 'content-type: application/json' \
             -d '{\"notes\":\"refunded\",\"resolution\":\"manual_retry\",\"resolvedBy\":\"ann\"}'"
        );
    }
}

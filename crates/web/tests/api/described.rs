//! That what is written about the API is so.

use std::process::Stdio;

use axum::body::Body;
use axum::http::{StatusCode, header};
use redrive_core::report::Alert;
use redrive_core::states::State;
use redrive_web::Serving;
use redrive_web::views::RetryOutcome;
use serde_json::Value;
use tokio::process::Command;

use crate::world::{World, on_both, request};

/// Where the page's examples ask.
const HERE: &str = "http://127.0.0.1:8420";

/// The commands of a page, each with the lines that it goes on over.
fn commands(page: &str) -> Vec<String> {
    let blocks = page.split("```console\n").skip(1);
    let blocks = blocks.map(|block| block.split_once("```").unwrap().0);
    blocks
        .flat_map(|block| block.split("$ ").skip(1))
        .map(|command| command.trim_end().to_owned())
        .collect()
}

on_both!(every_command_of_the_page_about_the_api_works);
async fn every_command_of_the_page_about_the_api_works(world: World) {
    world
        .failed(&[("1041", "shipping_failed"), ("1042", "shipping_failed")])
        .await;
    world.park("1042", 70).await;
    let address = "127.0.0.1:0".parse().unwrap();
    let serving = Serving::start(world.app.clone(), address).await.unwrap();
    let there = format!("http://{}", serving.address());
    let commands = commands(include_str!("../../../../docs/API.md"));
    assert!(commands.len() > 3, "{commands:?}");
    for command in commands {
        assert!(command.starts_with("curl "), "{command}");
        let run = Command::new("sh")
            .args(["-c", &command.replace(HERE, &there)])
            .stdin(Stdio::null())
            .output()
            .await
            .unwrap();
        let told = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{command}: {told} (is curl there?)");
        let answer: Value = serde_json::from_slice(&run.stdout).unwrap();
        assert!(answer["error"].is_null(), "{command}: {answer}");
    }
    serving.stop().await.unwrap();
}

on_both!(the_api_has_a_page_for_readers);
async fn the_api_has_a_page_for_readers(world: World) {
    let answer = world.answered(request("GET", "/api", Body::empty())).await;
    let (head, html) = answer;
    assert_eq!(head.status, StatusCode::OK);
    let csp = head.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(csp.starts_with("default-src 'none'"), "{csp}");
    for (path, methods) in redrive_web::openapi().paths.paths {
        assert!(html.contains(&format!("<code>{path}</code>")), "{path}");
        let operation = methods.get.or(methods.post).or(methods.patch);
        let operation = operation.or(methods.put).or(methods.delete);
        let summary = operation.and_then(|operation| operation.summary);
        let summary = summary.unwrap().replace('\'', "&#39;");
        assert!(html.contains(&summary), "{path}: {summary}");
    }
    for (_, link) in html.match_indices("href=\"").map(|(at, mark)| {
        let rest = &html[at + mark.len()..];
        (at, rest.split_once('"').unwrap().0)
    }) {
        assert!(
            link.starts_with(['/', '#']),
            "nothing is fetched from elsewhere: {link}"
        );
        if let Some(name) = link.strip_prefix('#') {
            assert!(
                html.contains(&format!("id=\"{name}\"")),
                "{link} leads nowhere"
            );
        }
    }
}

/// What a schema of several shapes says of the shape whose `tag` says `kind`: its fields.
fn fields(schema: &str, tag: &str, kind: &str) -> Vec<String> {
    let all = serde_json::to_value(redrive_web::openapi()).unwrap();
    let shapes = all["components"]["schemas"][schema]["oneOf"].as_array();
    let shape = shapes
        .unwrap()
        .iter()
        .find(|shape| shape["properties"][tag]["enum"][0] == kind);
    let fields = shape.unwrap_or_else(|| panic!("{schema} has no {kind}"))["properties"].clone();
    fields.as_object().unwrap().keys().cloned().collect()
}

#[test]
fn shapes_have_the_fields_that_are_written() {
    let alerts = [
        Alert::DlqCount { dlq_count: 11 },
        Alert::ErrorShare {
            error_count: 1,
            found_count: 2,
        },
        Alert::Backlog { found_count: 101 },
    ];
    let retries = [
        RetryOutcome::Started {
            run_id: "run".into(),
        },
        RetryOutcome::NotStarted {
            state: State::InFlight,
            reason: "it runs".into(),
        },
    ];
    let alerts = alerts.map(|alert| ("Alert", "alert", serde_json::to_value(alert)));
    let retries = retries.map(|retry| ("RetryOutcome", "outcome", serde_json::to_value(retry)));
    for (schema, tag, value) in alerts.into_iter().chain(retries) {
        let value = value.unwrap();
        let mut described = fields(schema, tag, value[tag].as_str().unwrap());
        described.sort();
        let mut written: Vec<_> = value.as_object().unwrap().keys().cloned().collect();
        written.sort();
        assert_eq!(described, written, "{schema}");
    }
}

#[test]
fn a_parameter_takes_what_one_plain_schema_says() {
    let all = serde_json::to_value(redrive_web::openapi()).unwrap();
    let paths = all["paths"].as_object().unwrap();
    let operations = paths.values().flat_map(|path| path.as_object().unwrap());
    let parameters = operations.flat_map(|(_, operation)| operation["parameters"].as_array());
    let mut sorts = 0;
    for parameter in parameters.flatten() {
        let schema = &parameter["schema"];
        assert!(
            schema["allOf"].is_null(),
            "nothing is all of it: {parameter}"
        );
        assert_ne!(schema["type"], "object", "{parameter}");
        if let Some(words) = schema["enum"].as_array() {
            let default = &schema["default"];
            assert!(default.is_null() || words.contains(default), "{parameter}");
            sorts += i32::from(parameter["name"] == "sort" && default == "oldest");
        }
    }
    assert_eq!(sorts, 1);
}

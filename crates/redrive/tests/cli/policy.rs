//! `redrive policy test`, without a server.

use serde_json::json;

use super::site::{Ran, Site};

const POLICY: &str = r#"
[policy.statuses.carrier_down]
reprocess = true
max_retries = 3
backoff = { initial = "5m", max = "1h" }

[policy.statuses.slam_failed]
reprocess = false

[[policy.rules]]
name = "labels"
activity_type = "BuyLabel"
status = "label_missing"

[[policy.rules]]
name = "carrier"
activity_type = "BookCarrier"
message = "refused|reset"
status = "carrier_down"
"#;

fn test(arguments: &str) -> Ran {
    let site = Site::without_server();
    site.write("mine.toml", POLICY);
    site.run(&format!("policy test mine.toml {arguments}"))
}

/// The line that begins with `word`, its spaces made single.
fn line(ran: &Ran, word: &str) -> String {
    let line = ran.stdout.lines().find(|line| line.starts_with(word));
    let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
    words.join(" ")
}

#[test]
fn each_status_is_told_with_its_restarts_and_waits() {
    let ran = test("").well();
    for row in [
        "carrier_down yes 3 5m .. 10m",
        "label_missing no 0 -",
        "pick_timeout yes 5 1m .. 2m .. 4m .. 8m",
        "slam_failed no 0 -",
    ] {
        let status = row.split(' ').next().unwrap();
        assert_eq!(line(&ran, status), row, "{ran:?}");
    }
    assert!(ran.stdout.contains("mine.toml is fine."), "{ran:?}");
    let json = test("-o json").well().json();
    assert_eq!(json["failure"], json!(null));
    assert_eq!(
        json["statuses"][0],
        json!({
            "status": "carrier_down",
            "reprocess": true,
            "maxRetries": 3,
            "waits": { "longest": ["5m", "10m"], "more": false }
        })
    );
}

#[test]
fn a_described_failure_is_told_its_rule_and_why() {
    let ran = test("--activity BookCarrier --message reset").well();
    assert_eq!(
        line(&ran, "status"),
        "status carrier_down, by rule 2 (carrier)"
    );
    assert_eq!(
        line(&ran, "restarted"),
        "restarted yes: up to 3 restarts, the first at once, the others after random waits of at most 5m .. 10m \
         (full jitter)."
    );
    for part in [
        "rule 1 (labels) does not match\n  activity_type = \"BuyLabel\": not met",
        "rule 2 (carrier) matches\n  activity_type = \"BookCarrier\": met\n  message = \"refused|reset\": met",
    ] {
        assert!(ran.stdout.contains(part), "{part} in {}", ran.stdout);
    }
    let json = test("--activity BookCarrier --message reset -o json")
        .well()
        .json();
    let failure = &json["failure"];
    assert_eq!(
        failure["matched"],
        json!({ "rule": { "index": 1, "name": "carrier" } })
    );
    assert_eq!(failure["restarted"], true);
    assert_eq!(failure["rules"][0]["conditions"][0]["met"], false);
}

#[test]
fn what_is_not_restarted_is_told_with_its_reason() {
    for (arguments, status, reason) in [
        (
            "--activity BookCarrier --message closed",
            "status unclassified, by nothing: no rule matches, and the failure names no type",
            "restarted no: the policy does not reprocess unclassified; it is kept, shown and left alone.",
        ),
        (
            "--type slam_failed",
            "status slam_failed, by the type of the application failure",
            "restarted no: the policy does not reprocess slam_failed; it is kept, shown and left alone.",
        ),
        (
            "--run-timed-out --workflow-type Refund",
            "status workflow_timed_out, by the timeout of the run",
            "restarted no: the policy does not watch Refund, so its runs are never found.",
        ),
    ] {
        let ran = test(arguments).well();
        assert_eq!(
            (
                line(&ran, "status").as_str(),
                line(&ran, "restarted").as_str()
            ),
            (status, reason),
            "{arguments}"
        );
    }
}

#[test]
fn a_policy_that_makes_no_sense_is_refused() {
    let site = Site::without_server();
    site.write("bad.toml", "[policy]\nbatch_size = 0\n");
    site.run("policy test bad.toml").says(
        1,
        "error: bad.toml: policy: batch_size is 0: write a number from 1 to 1000.\n\
         hint: redrive.example.toml shows every setting with its default.",
    );
    let ran = site.run("policy test none.toml");
    assert_eq!(ran.code, Some(1), "{ran:?}");
    assert!(
        ran.stderr
            .starts_with("error: cannot read the configuration none.toml: "),
        "{ran:?}"
    );
    let ran = test("--timeout start_to_clsoe");
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{ran:?}");
    assert!(
        ran.stderr.contains("did you mean \"start_to_close\"?"),
        "{ran:?}"
    );
}

//! `redrive config check` and `redrive config show`, without a server and without a ledger.

use serde_json::json;

use super::site::{Site, exists};

#[test]
fn a_file_that_is_fine_is_said_to_be() {
    let site = Site::without_server();
    let said = |site: &Site, command: &str| site.run(command).well().stdout;
    assert_eq!(
        said(&site, "config check"),
        "There is no configuration file, so the defaults hold: fine.\n"
    );
    site.write("redrive.toml", "");
    assert_eq!(
        said(&site, "config check"),
        "redrive.toml is fine; it sets nothing.\n"
    );
    site.write(
        "mine.toml",
        "[policy]\nmax_retries = 3\nbackoff = { initial = '2m' }\n",
    );
    assert_eq!(
        said(&site, "config check --config mine.toml"),
        "mine.toml is fine; it sets 2 values.\n"
    );
    let json = site.run("config check --config mine.toml -o json").json();
    assert_eq!(json, json!({ "file": "mine.toml", "setCount": 2 }));
    let site = site.with("REDRIVE_CONFIG", "mine.toml");
    assert!(said(&site, "config check").starts_with("mine.toml is fine"));
    assert!(!exists(&site.path("redrive.db")), "no ledger is made");
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_was_meant() {
    let site = Site::without_server();
    site.write("redrive.toml", "[policy]\nmax_retrys = 3\n");
    for command in ["config check", "config show"] {
        site.run(command).says(
            1,
            "error: redrive.toml, line 2: in [policy], unknown setting \"max_retrys\": did you mean \"max_retries\"?\n\
             hint: redrive.example.toml shows every setting with its default.",
        );
    }
    site.run("config check --config none.toml").says(
        1,
        "error: cannot read the configuration none.toml: No such file or directory (os error 2).\nhint: check its path; \
         without --config and REDRIVE_CONFIG, redrive.toml in this folder is read if it is there.",
    );
    site.write("redrive.toml", "[web]\npublic_url = \"redrive\"\n");
    site.run("config check").says(
        1,
        "error: web.public_url is \"redrive\", which is no address of a web page.\n\
         hint: write it like https://redrive.example.",
    );
    site.write("redrive.toml", "");
    let open = "error: 0.0.0.0:8420 is an address that others reach, and nobody is asked who they are.\n\
         hint: let everybody show a token (web.access = \"tokens\"), or listen on 127.0.0.1 or [::1] (web.listen, --listen).";
    let site = site.with("REDRIVE_LISTEN", "0.0.0.0:8420");
    site.run("config check").says(1, open);
    site.write("redrive.toml", "[web]\naccess = \"tokens\"\n");
    site.run("config check").well();
    site.with("REDRIVE_LEDGER_URL", "mysql://orders")
        .run("config check")
        .says(
            1,
            "error: \"mysql://orders\" is no ledger: write a file path, sqlite:PATH, or postgres://USER@HOST/DATABASE.",
        );
}

#[test]
fn every_setting_is_shown_with_its_source() {
    let site = Site::without_server().with("REDRIVE_LEDGER_URL", "orders.db");
    site.write(
        "redrive.toml",
        "[policy]\nmax_retries = 3\n[policy.statuses.mine]\nreprocess = false\n",
    );
    let text = site.run("config show").well().stdout;
    let line = |key: &str| {
        let line = text.lines().find(|line| line.starts_with(key));
        let words: Vec<&str> = line.unwrap_or_default().split_whitespace().collect();
        words.join(" ")
    };
    for row in [
        "ledger.url orders.db environment REDRIVE_LEDGER_URL redrive.db",
        "web.listen 127.0.0.1:0 environment REDRIVE_LISTEN 127.0.0.1:8420",
        "worker.task_queue orchestrator default orchestrator",
        "schedule.interval 15m default 15m",
        "policy.max_retries 3 file redrive.toml 5",
        "policy.rules none default none",
        "policy.statuses.mine.reprocess false file redrive.toml -",
        "policy.statuses.pick_timeout.reprocess true default true",
    ] {
        let key = row.split(' ').next().unwrap();
        assert_eq!(line(key), row, "{text}");
    }
    let shown = site.run("config show --ledger here.db -o json").json();
    assert_eq!(shown["file"], "redrive.toml");
    let first = &shown["settings"][0];
    assert_eq!(
        (&first["key"], &first["value"], &first["source"]),
        (
            &json!("ledger.url"),
            &json!("here.db"),
            &json!({ "kind": "flag", "name": "--ledger" })
        )
    );
    let count = shown["settings"].as_array().unwrap().len();
    assert_eq!(count, text.lines().count() - 1, "the same settings in both");
}

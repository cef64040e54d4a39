//! Every mistake in a configuration is told in a sentence that names the place; the example is the defaults.

use std::collections::BTreeSet;

use super::shown::leaves;
use super::{Config, SETTINGS, Setting, Source, docs, load, load_with_sources, parse, read};
use crate::config::load::Overrides;

/// The sentence for a file of this text.
fn said(text: &str) -> String {
    super::parse(text, "redrive.toml").expect_err(text).what
}

#[test]
fn each_mistake_is_a_sentence_with_its_place() {
    let table = [
        (
            "[policy]\nbatchsize = 5",
            "redrive.toml, line 2: in [policy], unknown setting \"batchsize\": did you mean \"batch_size\"?",
        ),
        (
            "max_retries = 3",
            "redrive.toml, line 1: unknown setting \"max_retries\": the settings here are ledger, worker, schedule, web, \
             metrics, links, policy.",
        ),
        (
            "[shedule]\ninterval = \"15m\"",
            "redrive.toml, line 1: unknown setting \"shedule\": did you mean \"schedule\"?",
        ),
        (
            "[policy]\n\n[policy.scan] # how far\nlook_back = \"24h\"",
            "redrive.toml, line 4: in [policy.scan], unknown setting \"look_back\": did you mean \"lookback\"?",
        ),
        (
            "[schedule]\ninterval = \"15 minuets\"",
            "redrive.toml, line 2: schedule.interval: bad duration \"15 minuets\": write it like \"30s\", \"15m\", \"1h\".",
        ),
        (
            "[schedule]\ninterval = 15",
            "redrive.toml, line 2: schedule.interval is integer `15`: write a duration in quotes, like \"30s\", \
             \"15m\", \"1h\".",
        ),
        (
            "[policy]\nbackoff = { factor = 2.0, initial = \"-1m\" }",
            "redrive.toml, line 2: policy.backoff.initial: bad duration \"-1m\": it cannot be negative, write it like \
             \"30s\", \"15m\", \"1h\".",
        ),
        (
            "[policy]\nbatch_size = \"many\"",
            "redrive.toml, line 2: policy.batch_size is string \"many\": write a whole number, 0 or more.",
        ),
        (
            "[policy]\nmax_retries = -1",
            "redrive.toml, line 2: policy.max_retries is integer `-1`: write a whole number, 0 or more.",
        ),
        (
            "[schedule]\nmanage = \"no\"",
            "redrive.toml, line 2: schedule.manage is string \"no\": write true or false.",
        ),
        (
            "[worker]\ntask_queue = 5",
            "redrive.toml, line 2: worker.task_queue is integer `5`: write text in quotes.",
        ),
        (
            "[metrics]\nlisten = \"here\"",
            "redrive.toml, line 2: metrics.listen: \"here\" is no address: write it like \"0.0.0.0:9420\", or \"\" for none.",
        ),
        (
            "[metrics]\nlisten = 9420",
            "redrive.toml, line 2: metrics.listen is integer `9420`: write text in quotes.",
        ),
        (
            "[ledger\nurl = \"x\"",
            "redrive.toml, line 1 is not TOML: unclosed table, expected `]`.",
        ),
        (
            "[policy]\nbatch_size = 0",
            "redrive.toml: policy: batch_size is 0: write a number from 1 to 1000.",
        ),
        (
            "[worker]\norders_at_once = 0",
            "redrive.toml: worker.orders_at_once is 0: write a number from 1 to 1000.",
        ),
        (
            "[ledger]\nurl = \"mysql://here\"",
            "redrive.toml: ledger.url: \"mysql://here\" is no ledger: write a file path, sqlite:PATH, or postgres://USER@HOST/DATABASE.",
        ),
        (
            "[schedule]\ninterval = \"0s\"\nid = \" \"",
            "redrive.toml has 2 mistakes:\n  - schedule.id is empty: write a name, or leave the setting away for the \
             default\n  - schedule.interval is shorter than a second: write how often a batch starts, like \"15m\".",
        ),
    ];
    for (text, sentence) in table {
        assert_eq!(said(text), sentence, "{text}");
    }
}

#[test]
fn every_mistake_of_the_policy_is_told_at_once() {
    let told = said("[policy]\nbatch_size = 0\nstarts_per_second = 0\nbackoff = { factor = 0.5 }");
    for part in [
        "has 3 mistakes",
        "policy: batch_size is 0",
        "policy: starts_per_second is 0",
        "policy: backoff.factor",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
}

#[test]
fn a_status_that_says_nothing_is_asked_to() {
    let told = said("[policy.statuses.carrier_closed]\nmax_retries = 2");
    assert!(
        told.contains("status \"carrier_closed\" does not say whether to reprocess it"),
        "{told}"
    );
}

#[test]
fn an_empty_file_is_the_defaults() {
    assert_eq!(super::parse("", "redrive.toml").unwrap(), Config::default());
}

#[test]
fn the_example_is_the_defaults_commented_or_not() {
    let text = include_str!("../../../../redrive.example.toml");
    assert_eq!(
        super::parse(text, "redrive.example.toml").unwrap(),
        Config::default()
    );
    let set: String = text
        .lines()
        .map(|line| line.strip_prefix("#= ").unwrap_or(line).to_owned() + "\n")
        .collect();
    assert_eq!(
        super::parse(&set, "redrive.example.toml").unwrap(),
        Config::default()
    );
}

#[test]
fn a_worker_tells_its_numbers_where_it_is_told_to() {
    let listens = |text| parse(text, "redrive.toml").unwrap().metrics.listen;
    assert_eq!(listens("[metrics]\nlisten = \"\""), None);
    let anywhere = listens("[metrics]\nlisten = \"[::]:9420\"").unwrap();
    assert_eq!(anywhere.to_string(), "[::]:9420");
}

#[test]
fn what_the_example_shows_beside_the_defaults_can_be_set_too() {
    let text = include_str!("../../../../redrive.example.toml");
    let set: String = text
        .lines()
        .map(|line| line.strip_prefix("#   ").unwrap_or(line).to_owned() + "\n")
        .collect();
    let config = super::parse(&set, "redrive.example.toml").unwrap();
    assert_eq!(config.policy.max_retries("shipping_failed"), 8);
    assert_eq!(config.policy.rules.len(), 1);
}

#[test]
fn the_example_names_every_setting() {
    let text = include_str!("../../../../redrive.example.toml");
    let defaults = serde_json::to_value(Config::default()).unwrap();
    for name in names(&defaults) {
        assert!(
            text.contains(&format!("{name} = ")),
            "redrive.example.toml does not show {name}"
        );
    }
}

/// The names of all settings, however deep; lists and the statuses' own names aside.
fn names(value: &serde_json::Value) -> Vec<String> {
    let Some(table) = value.as_object() else {
        return Vec::new();
    };
    let each = table.iter().flat_map(|(name, value)| match value {
        serde_json::Value::Object(_) if name != "statuses" => names(value),
        serde_json::Value::Object(_) | serde_json::Value::Array(_) => Vec::new(),
        _ => vec![name.clone()],
    });
    each.collect()
}

#[test]
fn a_named_file_must_be_there() {
    let overrides = Overrides {
        config: Some("/nowhere/redrive.toml".into()),
        ledger: None,
    };
    let problem = load(&overrides).unwrap_err();
    assert!(
        problem
            .what
            .starts_with("cannot read the configuration /nowhere/redrive.toml: "),
        "{}",
        problem.what
    );
}

#[test]
fn a_ledger_in_a_file_is_looked_for_beside_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("redrive.toml");
    std::fs::write(&file, "[ledger]\nurl = \"sqlite:data/orders.db\"").unwrap();
    let wanted = folder.path().join("data/orders.db").display().to_string();
    assert_eq!(read(&file).unwrap().ledger.url, wanted);

    let overrides = Overrides {
        config: Some(file),
        ledger: Some("here.db".to_owned()),
    };
    assert_eq!(
        load(&overrides).unwrap().ledger.url,
        "here.db",
        "what the command line names starts where it is given"
    );
}

/// A file with every setting that has no default.
const EVERY_OPTION: &str = "[policy.statuses.a]\nreprocess = true\nmax_retries = 1\nbackoff = {}\n[[policy.rules]]\n\
                            name = 'r'\nworkflow_type = 'w'\nactivity_type = 'a'\nfailure_type = 'f'\nmessage = \
                            'm'\ntimeout = 'heartbeat'\nstatus = 's'\n";

fn shapes(config: &Config) -> BTreeSet<String> {
    leaves(config).into_iter().map(|leaf| leaf.shape).collect()
}

#[test]
fn every_setting_has_an_entry_and_every_entry_a_setting() {
    let every = parse(EVERY_OPTION, "every.toml").unwrap();
    let known: BTreeSet<String> = &shapes(&Config::default()) | &shapes(&every);
    let listed: BTreeSet<String> = SETTINGS.iter().map(|entry| entry.key.to_owned()).collect();
    assert_eq!(listed.len(), SETTINGS.len(), "a setting is listed twice");
    assert_eq!(listed, known);
    for entry in SETTINGS {
        assert!(
            !entry.unit.is_empty() && entry.meaning.ends_with('.'),
            "{entry:?}"
        );
    }
}

/// What has no default is seen in no default: serde tells the names where one is wrong.
#[test]
fn no_setting_without_a_default_is_forgotten() {
    for (text, list, left_out) in [
        ("[[policy.rules]]\nzzz = 1", "policy.rules[].", None),
        (
            "[policy.statuses.a]\nzzz = 1",
            "policy.statuses.NAME.",
            Some("backoff"),
        ),
        (
            "[policy.statuses.a.backoff]\nzzz = 1",
            "policy.statuses.NAME.backoff.",
            None,
        ),
        ("[[policy.watch]]\nzzz = 1", "policy.watch[].", None),
    ] {
        let error = toml::from_str::<Config>(text).unwrap_err().to_string();
        let (_, names) = error
            .split_once("unknown field `zzz`")
            .expect("serde names what it knows");
        let names: Vec<&str> = names.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "{error}");
        for name in names.into_iter().filter(|name| Some(*name) != left_out) {
            assert!(
                Setting::of(&format!("{list}{name}")).is_some(),
                "{list}{name} has no entry"
            );
        }
    }
}

#[test]
fn the_example_of_the_docs_can_be_used() {
    let config = parse(docs::EXAMPLE, "the docs").unwrap();
    assert_eq!(config.policy.rules.len(), 3);
    assert_eq!(config.policy.max_retries("carrier_down"), 8);
    assert!(!config.policy.reprocess("validation_failed"));
}

#[test]
fn each_value_is_shown_with_where_it_comes_from() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("redrive.toml");
    let text = "[policy]\nmax_retries = 3\nbackoff = { initial = '2m' }\n[ledger]\nurl = 'a.db'\n\
                [[policy.watch]]\nworkflow_type = 'Order'\n[[policy.watch]]\nworkflow_type = 'Refund'\n";
    std::fs::write(&file, text).unwrap();
    let overrides = Overrides {
        config: Some(file.clone()),
        ledger: Some("b.db".to_owned()),
    };
    let loaded = load_with_sources(&overrides).unwrap();
    assert_eq!(loaded.written_settings(), 5);
    let shown = loaded.settings();
    let of = |key: &str| {
        let setting = shown.iter().find(|setting| setting.key == key).unwrap();
        let default = setting.default.as_ref().map(ToString::to_string);
        (
            setting.value.to_string(),
            setting.source.clone(),
            default.unwrap_or_default(),
        )
    };
    let written = || Source::File(file.clone());
    for (key, value, source, default) in [
        (
            "ledger.url",
            "\"b.db\"",
            Source::Flag("--ledger"),
            "\"redrive.db\"",
        ),
        ("policy.max_retries", "3", written(), "5"),
        ("policy.backoff.initial", "\"2m\"", written(), "\"1m\""),
        ("policy.backoff.factor", "2.0", Source::Default, "2.0"),
        ("policy.watch[1].workflow_type", "\"Refund\"", written(), ""),
        ("policy.rules", "[]", Source::Default, "[]"),
    ] {
        assert_eq!(
            of(key),
            (value.to_owned(), source, default.to_owned()),
            "{key}"
        );
    }
    let watched: Vec<_> = shown
        .iter()
        .map(|setting| setting.key.as_str())
        .filter(|key| key.contains("watch"))
        .collect();
    assert_eq!(
        watched,
        [
            "policy.watch[0].workflow_type",
            "policy.watch[0].order_id",
            "policy.watch[0].customer_id",
            "policy.watch[1].workflow_type",
            "policy.watch[1].order_id",
            "policy.watch[1].customer_id"
        ]
    );
}

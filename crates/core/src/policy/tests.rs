//! The policy as people write it: defaults, overrides, sentences about mistakes.

use std::time::Duration;

use super::*;

/// Stands for a larger file in which the policy is a table.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct File {
    ledger: String,
    policy: Policy,
}

fn policy(text: &str) -> Policy {
    toml::from_str(text).unwrap()
}

/// What `validate` says of a policy written like this.
fn problems(text: &str) -> Vec<String> {
    policy(text).validate().err().unwrap_or_default()
}

#[test]
fn the_defaults_are_the_specifications() {
    let policy = Policy::default();
    assert_eq!(policy.max_retries, 5);
    assert_eq!(policy.batch_size, 100);
    assert_eq!(policy.starts_per_second, 20.0);
    assert_eq!(policy.watch[0].workflow_type, "OrderFulfillmentWorkflow");
    assert!(!policy.restart_children && policy.keep_start_requests);
    assert_eq!(policy.scan.overlap, Duration::from_secs(900));
    assert_eq!(policy.settle.longest_check, Duration::from_secs(3600));
    assert_eq!(policy.validate(), Ok(()));
    assert_eq!(self::policy(""), policy);
}

#[test]
fn exactly_the_default_statuses_are_reprocessed() {
    let policy = Policy::default();
    for status in DEFAULT_REPROCESSABLE {
        assert!(policy.reprocess(status), "{status}");
    }
    for status in ["payment_failed", "unclassified", "", "Shipping_Failed"] {
        assert!(!policy.reprocess(status), "{status}");
    }
    let mut sorted = DEFAULT_REPROCESSABLE;
    sorted.sort_unstable();
    assert_eq!(policy.reprocessable(), sorted);
}

#[test]
fn a_status_may_have_its_own_budget_and_waits() {
    let policy = policy(
        "max_retries = 7\nbackoff = { initial = '2m' }\n\
         [statuses.shipping_failed]\nmax_retries = 2\nbackoff = { initial = '10s', max = '1m' }\n",
    );
    assert_eq!(policy.max_retries("shipping_failed"), 2);
    assert_eq!(policy.max_retries("slam_failed"), 7);
    assert_eq!(policy.max_retries("never heard of"), 7);
    assert_eq!(
        policy.backoff("shipping_failed").initial,
        Duration::from_secs(10)
    );
    assert_eq!(
        policy.backoff("slam_failed").initial,
        Duration::from_secs(120)
    );
    assert!(policy.reprocess("shipping_failed"));
}

#[test]
fn only_watched_types_are_watched() {
    let policy = policy("[[watch]]\nworkflow_type = 'Refund'\norder_id = 'refund-{orderId}'\n");
    assert_eq!(
        policy.watched("Refund").unwrap().order_id_of("refund-7"),
        "7"
    );
    assert!(policy.watched("OrderFulfillmentWorkflow").is_none());
    assert!(policy.watched("refund").is_none());
}

#[test]
fn a_policy_is_one_table_of_a_larger_file() {
    let file: File = toml::from_str(
        "ledger = 'redrive.db'\n\
         [policy]\nmax_retries = 3\nstarts_per_second = 5\n\
         [policy.scan]\nlookback = '7d'\n\
         [policy.statuses.payment_failed]\nreprocess = true\n\
         [[policy.rules]]\nname = 'carrier down'\nactivity_type = 'buy_label'\nstatus = 'shipping_failed'\n",
    )
    .unwrap();
    assert_eq!(file.ledger, "redrive.db");
    assert_eq!(
        (file.policy.max_retries, file.policy.starts_per_second),
        (3, 5.0)
    );
    assert_eq!(file.policy.scan.lookback, Duration::from_secs(7 * 86_400));
    assert_eq!(file.policy.rules.len(), 1);
    assert!(file.policy.reprocess("payment_failed") && file.policy.reprocess("slam_failed"));
    let empty: File = toml::from_str("").unwrap();
    assert_eq!(empty.policy, Policy::default());
}

#[test]
fn unknown_settings_are_refused_at_every_level() {
    let table = [
        "max_retry = 5",
        "[backoff]\nfirst = '1m'",
        "[scan]\nlook_back = '1h'",
        "[settle]\ncheck = '1m'",
        "[statuses.slam_failed]\nretries = 1",
        "[[watch]]\nworkflow_type = 'A'\nid = 'x'",
        "[[rules]]\nname = 'a'\nstatus = 'b'\nactivity = 'c'",
    ];
    for text in table {
        let error = toml::from_str::<Policy>(text).unwrap_err().to_string();
        assert!(crate::suggest::unknown_setting(&error).is_some(), "{error}");
    }
}

#[test]
fn what_is_written_is_read_back() {
    let policy = policy(
        "max_retries = 3\n[backoff]\ninitial = '90s'\n\
         [statuses.slam_failed]\nreprocess = false\n\
         [[rules]]\nname = 'r'\nmessage = '5\\d\\d'\ntimeout = 'heartbeat'\nstatus = 'slam_failed'\n",
    );
    assert_eq!(self::policy(&toml::to_string(&policy).unwrap()), policy);
    let json = serde_json::to_string(&policy).unwrap();
    assert_eq!(serde_json::from_str::<Policy>(&json).unwrap(), policy);
}

#[test]
fn the_digest_follows_the_meaning_and_not_the_writing() {
    let plain = Policy::default().digest();
    assert_eq!(plain.len(), 16);
    let same = [
        "starts_per_second = 20",
        "backoff = { initial = '60s' }",
        "# a comment\n[statuses.slam_failed]",
    ];
    for text in same {
        assert_eq!(policy(text).digest(), plain, "{text}");
    }
    let other = [
        "max_retries = 4",
        "restart_children = true",
        "max_item_errors = 4",
        "backoff = { factor = 3.0 }",
        "[statuses.slam_failed]\nreprocess = false",
        "[[rules]]\nname = 'r'\nmessage = 'x'\nstatus = 's'",
        "[[rules]]\nname = 'r'\nmessage = 'y'\nstatus = 's'",
        "[[watch]]\nworkflow_type = 'A'",
        "[scan]\nlookback = '1h'",
        "[settle]\nrecheck = '1h'",
    ];
    let mut digests: Vec<_> = other.iter().map(|text| policy(text).digest()).collect();
    digests.push(plain);
    digests.sort_unstable();
    digests.dedup();
    assert_eq!(digests.len(), other.len() + 1);
}

#[test]
fn mistakes_are_told_in_sentences() {
    let table = [
        (
            "watch = []",
            "watch is empty: name at least one workflow type, like [[policy.watch]] with workflow_type = \
             \"OrderFulfillmentWorkflow\"",
        ),
        (
            "[[watch]]\nworkflow_type = 'A'\norder_id = 'order-{id}'",
            "watch \"A\": the template order_id = \"order-{id}\" has no {orderId}, write it like \
             \"order-fulfillment-{orderId}\"",
        ),
        (
            "[[watch]]\nworkflow_type = 'A'\norder_id = '{orderId}{orderId}'",
            "watch \"A\": the template order_id = \"{orderId}{orderId}\" has more than one {orderId}, write it like \
             \"order-fulfillment-{orderId}\"",
        ),
        (
            "[[watch]]\nworkflow_type = ''",
            "a watch has an empty workflow_type: write the type's name as Temporal knows it",
        ),
        (
            "watch = [{ workflow_type = 'A' }, { workflow_type = 'A' }, { workflow_type = 'A' }]",
            "watch names the workflow type \"A\" twice: remove one of them",
        ),
        (
            "batch_size = 0",
            "batch_size is 0: write a number from 1 to 1000",
        ),
        (
            "batch_size = 1001",
            "batch_size is 1001: write a number from 1 to 1000",
        ),
        (
            "visibility_calls_per_second = 0",
            "visibility_calls_per_second is 0: write a number above 0, like 5",
        ),
        (
            "starts_per_second = 0",
            "starts_per_second is 0: write a number above 0, like 20 (to stop every start, use halt)",
        ),
        (
            "max_item_errors = 0",
            "max_item_errors is 0: write 1 or more, like 5",
        ),
        (
            "backoff = { initial = '2h' }",
            "backoff.max is 1h, shorter than backoff.initial, 2h: write a max of at least \"2h\"",
        ),
        (
            "[statuses.slam_failed.backoff]\nfactor = 0",
            "statuses.slam_failed.backoff.factor is 0: waits must not shrink, write 1.0 or more, like 2.0",
        ),
        (
            "[statuses.'']\nreprocess = true",
            "statuses has an entry without a name: name it, like \"shipping_failed\"",
        ),
        (
            "[[rules]]\nname = ''\nmessage = 'x'\nstatus = 's'",
            "rule 1 has no name: give it one, like \"carrier down\"",
        ),
        (
            "[[rules]]\nname = 'r'\nmessage = 'x'\nstatus = ' '",
            "rule 1 has no status: name the one it gives, like \"shipping_failed\"",
        ),
        (
            "[[rules]]\nname = 'r'\nstatus = 's'",
            "rule 1 has no condition, so it would match every failure: give it workflow_type, activity_type, \
             failure_type, message or timeout",
        ),
        (
            "[[rules]]\nname = 'r'\nmessage = 'x'\nstatus = 's'\n[[rules]]\nname = 'r'\nmessage = 'y'\nstatus = 's'",
            "two rules are called \"r\": give each its own name",
        ),
        (
            "scan = { sweep_every = '0s' }",
            "scan.sweep_every is 0: write how often to sweep, like \"1h\"",
        ),
        (
            "scan = { sweep_back = '5m' }",
            "scan.sweep_back is 5m, shorter than scan.overlap, 15m: a sweep would see nothing new, write it like \
             \"24h\"",
        ),
        (
            "scan = { window_rows = 0 }",
            "scan.window_rows is 0: nothing could be read, write 1 or more, like 5000",
        ),
        (
            "settle = { recheck = '0s' }",
            "settle.recheck is 0: runs would be looked at without end, write it like \"24h\"",
        ),
        (
            "settle = { longest_check = '10s' }",
            "settle.longest_check is 10s, shorter than settle.first_check, 1m: write it like \"1h\"",
        ),
    ];
    for (text, sentence) in table {
        assert_eq!(problems(text), [sentence], "{text}");
    }
}

#[test]
fn all_mistakes_are_told_at_once() {
    assert_eq!(
        problems("watch = []\nbatch_size = 0\nstarts_per_second = -1").len(),
        3
    );
    for rate in ["nan", "inf", "-0.5"] {
        assert_eq!(
            problems(&format!("starts_per_second = {rate}")).len(),
            1,
            "{rate}"
        );
    }
}

#[test]
fn no_retries_and_no_lookback_are_choices_not_mistakes() {
    assert_eq!(
        problems("max_retries = 0\nbackoff = { initial = '0s' }\nscan = { lookback = '0s' }"),
        [""; 0]
    );
}

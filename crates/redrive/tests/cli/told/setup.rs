//! `config`, `policy` and `migrate`: they need no server.

use crate::site::Site;
use crate::tape::Tape;

const CONFIG: &str = r#"
[policy]
max_retries = 3

[policy.statuses.carrier_down]
reprocess = true
backoff = { initial = "5m", max = "1h" }

[[policy.rules]]
name = "carrier"
activity_type = "BookCarrier"
message = "refused|reset"
status = "carrier_down"
"#;

/// Two folders with that file.
fn sites(file: &str) -> [Site; 2] {
    [(); 2].map(|()| {
        let site = Site::without_server();
        site.write("redrive.toml", file);
        site
    })
}

#[test]
fn what_the_configuration_says() {
    let [site, mistyped] = [CONFIG, "[policy]\nmax_retrys = 3\n"].map(|file| {
        let site = Site::without_server();
        site.write("redrive.toml", file);
        site
    });
    let bare = Site::without_server();
    let mut tape = Tape::at(&[&site, &mistyped, &bare], &[]);
    tape.reads(&bare, "config check");
    tape.reads(&site, "config check");
    tape.reads(&mistyped, "config check");
    tape.reads(&site, "config check --config nowhere.toml");
    tape.reads(&site, "config show");
    insta::assert_snapshot!(tape.told());
}

#[test]
fn what_a_policy_under_test_says() {
    let site = Site::without_server();
    site.write("mine.toml", CONFIG);
    site.write("odd.toml", "[policy]\nbatch_size = 0\n");
    let mut tape = Tape::at(&[&site], &[]);
    for command in [
        "policy test mine.toml",
        "policy test mine.toml --activity BookCarrier --message reset",
        "policy test mine.toml --type fraud_suspected",
        "policy test odd.toml",
    ] {
        tape.reads(&site, command);
    }
    insta::assert_snapshot!(tape.told());
}

#[test]
fn what_a_migration_says() {
    let sites = sites("");
    let sites = sites.each_ref();
    let mut tape = Tape::at(&sites, &[]);
    for command in [
        "migrate --dry-run",
        "migrate",
        "migrate",
        "migrate --dry-run",
    ] {
        tape.acts(&sites, command);
    }
    for site in sites {
        site.write(
            "list.db",
            "this is a shopping list, and a long one at that\n",
        );
    }
    tape.acts(&sites, "migrate --ledger list.db");
    insta::assert_snapshot!(tape.told());
}

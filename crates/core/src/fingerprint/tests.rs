//! The fingerprint holds under everything that varies, and only under that.

use proptest::prelude::*;

use super::*;

#[test]
fn what_varies_becomes_a_placeholder() {
    let table = [
        ("no stock for sku 4711", "no stock for sku <n>"),
        ("order ORD-17 rejected", "order <n> rejected"),
        ("order-fulfillment-ab12 failed", "<n> failed"),
        (
            "took 1.5s, 1m30s, -5 or 1,234.50 EUR",
            "took <n>, <n>, <n> or <n> EUR",
        ),
        ("token 0xDEADBEEF at 7f3a9c", "token <n> at <n>"),
        ("commit deadbeef, hash ABCDEFAB", "commit <n>, hash <n>"),
        (
            "run 550e8400-e29b-41d4-a716-446655440000 gone",
            "run <uuid> gone",
        ),
        ("at 2026-01-31T10:00:00.123Z", "at <time>"),
        ("at 2026-01-31 10:00:00.123 +0000 UTC", "at <time>"),
        ("due 2026-01-31, not later", "due <time>, not later"),
        ("Sat, 31 Jan 2026 10:00:00 GMT: closed", "<time>: closed"),
        ("Sat Jan 31 10:00:00 UTC 2026 closed", "<time> closed"),
        ("from Dec 5 on", "from <time> on"),
        ("Decline 5 of 7", "Decline <n> of <n>"),
        ("between 10:00 AM and 10:20:30", "between <time> and <time>"),
        ("line 12:30 or 12:5", "line <n> or <n>"),
        (
            "mail to jane.doe+x9@example.co.uk bounced",
            "mail to <email> bounced",
        ),
        (
            "10.0.0.1:8080 refused, 192.168.1.254 too",
            "<ip> refused, <ip> too",
        ),
        (
            "dial [2001:db8::ff00:42]:443: refused",
            "dial [<ip>]:<n>: refused",
        ),
        ("fe80::1: unreachable", "<ip>: unreachable"),
        ("from a0:fe:01:23:cc:dd", "from <ip>"),
        (
            "module::2fa and 2::code are off",
            "module::<n> and <n>::code are off",
        ),
        (
            "bad id 'eu/A-17/x' and \"b.2\" and `c:3`",
            "bad id '<n>' and \"<n>\" and `<n>`",
        ),
        (r#"{"id":"A1","qty":5}"#, r#"{"id":"<n>","qty":<n>}"#),
        (
            "GET https://api.example.com/v1/orders/17?x=5",
            "GET https://api.example.com/<n>/orders/<n>?x=<n>",
        ),
        ("订单123失败", "订单<n>失败"),
        ("  two\t lines\r\n and\u{0}more  ", "two lines and more"),
        ("", ""),
    ];
    for (message, normalised) in table {
        assert_eq!(normalise(message), normalised, "{message}");
    }
}

#[test]
fn wording_stays() {
    let table = [
        "field 'shipping_address' is missing",
        "carrier \"fedex\" is down",
        "thread panicked in decade::faces, face the facade",
        "can't ship: it's May already",
        "a::b::Bad::Foo failed",
        "réseau indisponible — пожар на складе",
    ];
    for message in table {
        assert_eq!(normalise(message), message);
    }
}

#[test]
fn long_messages_are_cut_at_a_word() {
    let cut = normalise(&"word ".repeat(100));
    assert_eq!(cut, "word ".repeat(40).trim_end());
    assert_eq!(
        normalise(&"x".repeat(500)).chars().count(),
        MAX_NORMALISED_CHARS
    );
    assert_eq!(
        normalise(&"警".repeat(500)).chars().count(),
        MAX_NORMALISED_CHARS
    );
    let at_the_cut = format!("{} deadbeefs", "/".repeat(191));
    assert_eq!(normalise(&at_the_cut), "/".repeat(191));
}

#[test]
fn the_fingerprint_never_changes_between_versions() {
    // Groups are stored by it: a change here orphans every stored group.
    assert_eq!(
        fingerprint(
            "OrderFulfillmentWorkflow",
            "shipping_failed",
            "no carrier for order 17"
        ),
        "df260929a827f763"
    );
}

#[test]
fn type_and_status_are_part_of_it() {
    let base = fingerprint("A", "b", "c");
    for (workflow_type, status, message) in [
        ("B", "b", "c"),
        ("A", "c", "c"),
        ("A", "b", "d"),
        ("Ab", "", "c"),
    ] {
        assert_ne!(fingerprint(workflow_type, status, message), base);
    }
}

/// A message about one order, in the words of one template.
fn message(template: usize, varying: &str) -> String {
    match template {
        0 => format!("order {varying} failed: carrier down"),
        1 => format!("{varying}: no label"),
        2 => format!("cannot pick '{varying}' (x={varying})"),
        _ => format!("rejected [{varying}], see {varying}"),
    }
}

fn same_group(template: usize, a: &str, b: &str) -> Result<(), TestCaseError> {
    let (a, b) = (message(template, a), message(template, b));
    prop_assert_eq!(
        fingerprint("T", "s", &a),
        fingerprint("T", "s", &b),
        "{} / {}",
        a,
        b
    );
    Ok(())
}

/// Ids as shops make them: letters and digits, at least one digit, perhaps in parts.
fn an_id() -> impl Strategy<Value = String> {
    "[A-Za-z]{0,6}[-_]?[A-Za-z0-9]{0,8}[0-9][A-Za-z0-9]{0,8}(-[a-z0-9]{1,4})?"
}

/// RFC 3339 with and without a fraction, in UTC or an offset.
fn a_time() -> impl Strategy<Value = String> {
    "20[0-9]{2}-(0[1-9]|1[0-2])-[0-2][0-9]T[01][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?(Z|[+-]0[0-9]:00)"
}

proptest! {
    #[test]
    fn stable_under_changed_ids(template in 0..4usize, a in an_id(), b in an_id()) {
        same_group(template, &a, &b)?;
    }

    #[test]
    fn stable_under_changed_numbers(template in 0..4usize, a: i64, b: i64, c in -1e6..1e6f64) {
        same_group(template, &a.to_string(), &b.to_string())?;
        same_group(template, &a.to_string(), &format!("{c:.2}"))?;
    }

    #[test]
    fn stable_under_changed_uuids(template in 0..4usize, a: u128, b: u128) {
        let [a, b] = [a, b].map(|bits| uuid::Uuid::from_u128(bits).to_string());
        same_group(template, &a, &b)?;
        same_group(template, &a.to_uppercase(), &b)?;
    }

    #[test]
    fn stable_under_changed_hex(template in 0..4usize, a in "[0-9a-f]{8,64}", b in "[0-9a-f]{8,64}") {
        same_group(template, &a, &b)?;
    }

    #[test]
    fn stable_under_changed_times(template in 0..4usize, a in a_time(), b in a_time()) {
        same_group(template, &a, &b)?;
    }

    #[test]
    fn stable_under_changed_addresses(template in 0..4usize, a: u32, b: u32, c: u64, d: u64) {
        let [v4a, v4b] = [a, b].map(|bits| std::net::Ipv4Addr::from(bits).to_string());
        same_group(template, &v4a, &v4b)?;
        let [v6a, v6b] = [c, d].map(|bits| Ipv6Addr::from(0x2001_0db8 << 96 | u128::from(bits)).to_string());
        same_group(template, &v6a, &v6b)?;
    }

    #[test]
    fn stable_under_changed_emails(
        template in 0..4usize, a in "[a-z]{1,8}(\\.[a-z0-9]{1,8})?@[a-z]{1,8}\\.com", b in "[a-z0-9+]{1,8}@[a-z-]{1,8}\\.io",
    ) {
        same_group(template, &a, &b)?;
    }

    #[test]
    fn stable_under_white_space(words in prop::collection::vec("[a-z0-9]{1,8}", 1..10)) {
        prop_assert_eq!(normalise(&words.join(" ")), normalise(&format!("\n{}\t", words.join(" \r\n "))));
    }

    #[test]
    fn other_wording_is_another_group(
        a in prop::collection::vec("[g-zG-Z]{1,8}", 1..20), b in prop::collection::vec("[g-zG-Z]{1,8}", 1..20),
        id in an_id(),
    ) {
        let (first, second) = (format!("{} {id}", a.join(" ")), format!("{} {id}", b.join(" ")));
        prop_assert_eq!(a == b, fingerprint("T", "s", &first) == fingerprint("T", "s", &second));
    }

    #[test]
    fn normalising_twice_changes_nothing(message in "(?s).{0,400}") {
        let once = normalise(&message);
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn normalising_twice_changes_nothing_of_what_looks_like_ids(message in "([a-fA-F0-9:.@/<>'\"`n_+-]|é| |Jan |UTC|١){0,400}") {
        let once = normalise(&message);
        prop_assert!(once.chars().count() <= MAX_NORMALISED_CHARS);
        prop_assert!(!once.contains(|c: char| c.is_ascii_digit() || c.is_control()));
        prop_assert_eq!(normalise(&once), once);
    }

    #[test]
    fn a_fingerprint_is_sixteen_hex_digits(workflow_type: String, status: String, message: String) {
        let print = fingerprint(&workflow_type, &status, &message);
        prop_assert!(print.len() == 16 && print.chars().all(|c| c.is_ascii_hexdigit()));
    }
}

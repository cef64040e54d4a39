//! Which failures are the same: the fingerprint of a failure group.
//!
//! Two failures belong to one group if they agree in workflow type, failure status and *normalised* message: the
//! message with everything that varies by order or by time replaced with a placeholder. `<n>` stands for any number
//! or id, that is, for any run of letters, digits, `-` and `_` with a digit in it; so "order 17" and "order A-17x"
//! are alike, whatever an id looks like this time. `<uuid>`, `<time>`, `<ip>` and `<email>` are known by their form.
//! What remains is wording. The price: "HTTP 404" and "HTTP 503" share a group unless a rule of the policy gives
//! them different statuses.

use std::net::Ipv6Addr;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::digest;

/// The longest normalised message, in characters: the wording that tells failures apart comes first.
pub const MAX_NORMALISED_CHARS: usize = 200;

/// The longest run of hex letters taken for an id, in characters: the hex form of a 512-bit hash. [`VARYING`] says so too.
const MAX_HEX_LETTERS: usize = 128;

/// What a quoted id is made of: no white space, at least one digit.
const QUOTABLE: &str = r"[\w.:/\#+-]* \d [\w.:/\#+-]*";

/// A month by its English name, whole or short; what only begins like one ("Decline") is none.
const MONTH: &str =
    "(?: Jan(?:uary)? | Feb(?:ruary)? | Mar(?:ch)? | Apr(?:il)? | May | June? | July? | Aug(?:ust)?
    | Sep(?:t(?:ember)?)? | Oct(?:ober)? | Nov(?:ember)? | Dec(?:ember)? )";

/// What is replaced, by the name of its placeholder. At one place in the text the first that fits is taken.
///
/// Every digit belongs to one of these, so nothing they need is left in the output, and normalising twice changes
/// nothing. Two kinds need no digit, an email address and eight or more hex letters; `cut` takes care of the latter.
const VARYING: &str = r#"(?x)
    (?<email> [\w.+-]+ @ [\w-]+ (?: \. [\w-]+ )+ )
    |
    (?<quoted> " QUOTABLE " | ' QUOTABLE ' | ` QUOTABLE ` )
    |
    (?<uuid> \b [[:xdigit:]]{8} - (?: [[:xdigit:]]{4} - ){3} [[:xdigit:]]{12} \b )
    |
    (?<time>
        # 2026-01-31T10:00:00.5Z, 2026-01-31 10:00:00 +0000 UTC, 2026/01/31
        \b \d{4} [-/] \d{2} [-/] \d{2}
        (?: [T\x20] \d{1,2} : \d{2} (?: : \d{2} )? (?: [.,] \d+ )? | \b )
        (?: \x20? (?: Z | [+-]\d{2} :? \d{2} ) \b )? (?: \x20? (?: UTC | GMT ) \b )?
        |
        # Sat, 31 Jan 2026 10:00:00 GMT; 31-Jan-2026; Jan 31, 2026; Sat Jan 31 10:00:00 UTC 2026
        \b (?: (?: Mon | Tue | Wed | Thu | Fri | Sat | Sun ) [a-z]* ,? \x20 )?
        (?:
            \d{1,2} [\x20-]
            MONTH
            [\x20-] \d{4}
            |
            MONTH
            \x20 \d{1,2} \b (?: ,? \x20 \d{4} \b )?
        )
        (?: \x20 \d{1,2} : \d{2} : \d{2} (?: [.,] \d+ )? )?
        (?: \x20 (?: UTC | GMT | [+-]\d{4} ) \b )? (?: \x20 \d{4} \b )?
        |
        # 10:00:00.5, 10:00 AM
        \b \d{1,2} : \d{2} (?: : \d{2} (?: [.,] \d+ )? (?: \x20? [AaPp][Mm] \b )? | \x20? [AaPp][Mm] \b )
    )
    |
    (?<ip> \b \d{1,3} (?: \. \d{1,3} ){3} (?: : \d+ )? \b | \b (?: [[:xdigit:]]{2} : ){5} [[:xdigit:]]{2} \b )
    |
    (?<n>
        [A-Za-z\d_-]* (?: \d | \b (?: [a-f]{8,128} | [A-F]{8,128} ) \b )
        (?: [A-Za-z\d_-] | [.,:] \d )*
    )
    "#;

static VARYING_REGEX: LazyLock<Regex> = LazyLock::new(|| {
    compiled(
        &VARYING
            .replace("QUOTABLE", QUOTABLE)
            .replace("MONTH", MONTH),
    )
});

/// Anything that could be an IPv6 address; whether it is one, its parser says.
static IPV6_LIKE: LazyLock<Regex> =
    LazyLock::new(|| compiled("[[:xdigit:]:]*:[[:xdigit:]]*:[[:xdigit:]:.]*"));

fn compiled(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the patterns here are constants, and the tests compile them")
}

/// The message with all that varies replaced by placeholders, white space and control characters collapsed to single
/// spaces, and cut to [`MAX_NORMALISED_CHARS`]. Normalising a normalised message changes nothing.
pub fn normalise(message: &str) -> String {
    let spaced = message.replace(char::is_control, " ");
    let collapsed = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    let without_ipv6 = replace_ipv6(&collapsed);
    cut(&VARYING_REGEX.replace_all(&without_ipv6, placeholder))
}

/// The fingerprint of a failure: 16 hex digits of the SHA-256 of workflow type, status and normalised message,
/// separated by NUL.
pub fn fingerprint(workflow_type: &str, status: &str, message: &str) -> String {
    digest::short([workflow_type, status, &normalise(message)].join("\0"))
}

fn placeholder(found: &Captures<'_>) -> String {
    if let Some(quoted) = found.name("quoted") {
        let quote = &quoted.as_str()[..1];
        return format!("{quote}<n>{quote}");
    }
    let name = ["email", "uuid", "time", "ip"]
        .into_iter()
        .find(|name| found.name(name).is_some());
    format!("<{}>", name.unwrap_or("n"))
}

fn replace_ipv6(text: &str) -> String {
    let replaced = IPV6_LIKE.replace_all(text, |found: &Captures<'_>| {
        let like = found.get_match();
        let before = text[..like.start()].chars().next_back();
        let after = text[like.end()..].chars().next();
        let address = like.as_str().trim_end_matches('.');
        // "fe80::1: connection refused": the last colon is the sentence's, unless it ends the address "fe80::".
        let address = address
            .strip_suffix(':')
            .filter(|shorter| is_ipv6(shorter))
            .unwrap_or(address);
        if before.is_some_and(is_wordy) || after.is_some_and(is_wordy) || !is_ipv6(address) {
            return like.as_str().to_owned();
        }
        format!("<ip>{}", &like.as_str()[address.len()..])
    });
    replaced.into_owned()
}

/// A digit is asked for so that `a::b`, a path in code, is not taken for an address.
fn is_ipv6(text: &str) -> bool {
    text.contains(|c: char| c.is_ascii_digit()) && text.parse::<Ipv6Addr>().is_ok()
}

fn is_wordy(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Cuts to the longest length allowed; a word at the cut goes whole, so that no part of it looks like hex letters. A
/// word longer than those can be stays, cut.
fn cut(text: &str) -> String {
    let Some((end, next)) = text.char_indices().nth(MAX_NORMALISED_CHARS) else {
        return text.to_owned();
    };
    let kept = &text[..end];
    let whole = kept.trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '_');
    let splits_a_word = is_wordy(next) && kept.len() - whole.len() <= MAX_HEX_LETTERS;
    let kept = if splits_a_word { whole } else { kept };
    kept.trim_end().to_owned()
}

#[cfg(test)]
mod tests;

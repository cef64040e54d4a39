//! A tape of what commands say, for snapshots: each as text and as JSON, with its exit code.
//!
//! What differs from run to run is replaced here and nowhere else, by words of the same length where a table's columns
//! hang on it: times, ages in seconds, ids (numbered as they appear), places, versions.

use std::collections::HashMap;

use redrive_fulfillment::testbed::Testbed;
use regex::{Captures, Regex};

use super::site::{Ran, Site};

/// What was said so far.
#[derive(Default)]
pub struct Tape {
    pages: Vec<String>,
    places: Vec<(String, &'static str)>,
}

impl Tape {
    /// A tape on which these places are told by their kind.
    pub fn at(sites: &[&Site], testbeds: &[&Testbed]) -> Self {
        let mut places = Vec::new();
        for site in sites {
            let folder = site.path("");
            let folder = folder.canonicalize().unwrap_or(folder);
            places.push((folder.display().to_string(), "<folder>"));
        }
        for testbed in testbeds {
            places.push((testbed.namespace.clone(), "<namespace>"));
            places.push((testbed.server.clone(), "<address>"));
        }
        Self {
            pages: Vec::new(),
            places,
        }
    }

    /// A command that changes nothing: the same site is asked for the text and for the JSON.
    #[track_caller]
    pub fn reads(&mut self, site: &Site, command: &str) {
        self.acts(&[site, site], command);
    }

    /// A command that changes something: the first site is told in text, the second in JSON.
    #[track_caller]
    pub fn acts(&mut self, sites: &[&Site; 2], command: &str) {
        self.each(sites, [command, command]);
    }

    /// As [`Tape::acts`], for a command that names what each site has an id of its own for.
    #[track_caller]
    pub fn each(&mut self, sites: &[&Site; 2], commands: [&str; 2]) {
        let text = sites[0].run(commands[0]);
        let json = sites[1].run(&format!("{} -o json", commands[1]));
        let lines = |ran: &Ran| self.steady(&ran.stderr).lines().count();
        assert_eq!(
            (text.code, lines(&text)),
            (json.code, lines(&json)),
            "text and JSON differ: {text:?} {json:?}"
        );
        if !json.stdout.is_empty() && !commands[1].contains("--csv") {
            json.json();
        }
        self.pages.push(format!(
            "$ redrive {}\n{}{}[exit {}]\n$ redrive {} -o json\n{}",
            commands[0],
            text.stdout,
            text.stderr,
            text.code.unwrap(),
            commands[1],
            json.stdout
        ));
    }

    /// What one command said, by itself.
    pub fn of(&self, command: &str, ran: &Ran) -> String {
        let Ran {
            code,
            stdout,
            stderr,
        } = ran;
        self.steady(&format!(
            "$ redrive {command}\n{stdout}{stderr}[exit {code:?}]\n"
        ))
    }

    /// Everything that was said.
    pub fn told(&self) -> String {
        self.steady(&self.pages.join("\n"))
    }

    fn steady(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (place, kind) in &self.places {
            text = text.replace(place, kind);
        }
        for (pattern, kind) in [
            (
                r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC",
                "<time of 23 letters...>",
            ),
            (r#""\d{4}-\d\d-\d\dT[^"]*Z""#, "\"<time>\""),
            (r#""(\w*[aA]geHours)": [\d.]+"#, "\"$1\": <hours>"),
            (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "<time of 20 letters>"),
            (r"\d{4}-\d\d-\d\d", "<today...."),
            (r"Temporal \d+\.\d+\.\d+", "Temporal <version>"),
            (r"redrive_[0-9a-f]{64}", "<secret>"),
            (r"127\.0\.0\.1:\d\d+", "<address>"),
        ] {
            let pattern = Regex::new(pattern).unwrap();
            text = pattern.replace_all(&text, kind).into_owned();
        }
        numbered(&aged(&text))
    }
}

/// Ages of seconds and some minutes, with the spaces of a table's column behind them.
fn aged(text: &str) -> String {
    let age = Regex::new(r"\b(?:\d+ s|[1-5] min)\b( {2,})?").unwrap();
    let told = age.replace_all(text, |found: &Captures<'_>| match found.get(1) {
        Some(_) => format!("{:width$}", "<age>", width = found[0].len()),
        None => "<age>".to_owned(),
    });
    told.into_owned()
}

/// Ids by the number of their first appearance, so that it stays to be seen which are the same.
fn numbered(text: &str) -> String {
    let mut told = text.to_owned();
    for (kind, pattern) in [
        ("id", r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"),
        ("rehearsal", r"rehearsal-\d{16}-[0-9a-f]{8}"),
        ("by hand", r"\b\d{10}-[0-9a-f]{4}\b"),
        ("operation", r"\b\d{8}-\d{6}-[0-9a-f]{4}\b"),
    ] {
        let mut numbers = HashMap::new();
        let pattern = Regex::new(pattern).unwrap();
        let numbered = pattern.replace_all(&told, |found: &Captures<'_>| {
            let next = numbers.len() + 1;
            let number = numbers.entry(found[0].to_owned()).or_insert(next);
            let width = found[0].len() - kind.len() - 3;
            format!("<{kind} {number:.<width$}>")
        });
        told = numbered.into_owned();
    }
    told
}

#[test]
fn what_differs_from_run_to_run_is_replaced() {
    let tape = Tape {
        pages: Vec::new(),
        places: vec![("/tmp/x".to_owned(), "<folder>")],
    };
    let (one, two) = (
        "0198b1d2-1111-7000-8000-0123456789ab",
        "0198b1d2-2222-7000-8000-0123456789ab",
    );
    let steady = tape.steady(&format!(
        "{one} {two} {one} /tmp/x/a 12 s ago, 9 s       |, 3 min ago"
    ));
    assert_eq!(
        steady,
        "<id 1..............................> <id 2..............................> \
         <id 1..............................> <folder>/a <age> ago, <age>     |, <age> ago"
    );
}

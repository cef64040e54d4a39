//! docs/QUICKSTART.md is a recorded session: its commands are run, and must print what stands below them.
//!
//! *Step*: a line of a `console` block that begins with `$ `, and what stands below it. A `toml` block is the file
//! redrive.toml from there on. What differs from one session to the next is made the same by [`same`] before two are
//! compared.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::ToSpan;
use jiff::tz::TimeZone;
use nix::sys::signal::Signal;
use redrive_engine::{Clock, SystemClock};
use redrive_fulfillment::testbed::{eventually, eventually_within};
use regex::Regex;

use super::site::{Site, Stays};

/// How to record the page.
const ANEW: &str = "REDRIVE_WRITE_DOCS=1 cargo test -p redrive --test cli quickstart:: (then read what has changed)";
/// What a command that stays says when it is ready.
const STAYS: &str = "Ctrl-C stops it.";
/// Commands that stay.
const STAYING: [&str; 2] = ["redrive up", "redrive sample"];

/// A part of the page.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Lines that are left as they are.
    Prose(String),
    /// A file redrive.toml.
    File(String),
    /// Commands, each with what it printed.
    Session(Vec<Step>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Step {
    command: String,
    printed: Vec<String>,
}

/// What a page's commands are run in.
struct Terminal {
    site: Site,
    staying: Vec<Stays>,
}

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/QUICKSTART.md")
}

fn read(text: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut lines = text.lines();
    let mut prose = String::new();
    while let Some(line) = lines.next() {
        let _ = writeln!(prose, "{line}");
        let block = match line {
            "```console" | "```toml" => lines.by_ref().take_while(|line| *line != "```"),
            _ => continue,
        };
        let block: Vec<&str> = block.collect();
        parts.push(Part::Prose(std::mem::take(&mut prose)));
        parts.push(match line {
            "```toml" => Part::File(block.join("\n") + "\n"),
            _ => Part::Session(steps(&block)),
        });
        prose = "```\n".to_owned();
    }
    parts.push(Part::Prose(prose));
    parts
}

fn steps(block: &[&str]) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in block {
        match (line.strip_prefix("$ "), steps.last_mut()) {
            (Some(command), _) => steps.push(Step {
                command: command.to_owned(),
                printed: Vec::new(),
            }),
            (None, Some(step)) => step.printed.push((*line).to_owned()),
            (None, None) => panic!("a session begins with a command, and not with {line:?}"),
        }
    }
    for step in &mut steps {
        trim(&mut step.printed);
    }
    steps
}

/// Without empty lines at the end, which only part a step from the next.
fn trim(lines: &mut Vec<String>) {
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
}

fn write(parts: &[Part]) -> String {
    let text = |part: &Part| match part {
        Part::Prose(text) | Part::File(text) => text.clone(),
        Part::Session(steps) => {
            let steps: Vec<String> = steps.iter().map(Step::text).collect();
            steps.join("\n")
        }
    };
    parts.iter().map(text).collect()
}

impl Step {
    fn text(&self) -> String {
        let lines = [format!("$ {}", self.command)];
        let lines = lines.iter().chain(&self.printed);
        lines.map(|line| format!("{line}\n")).collect()
    }
}

/// The line without what differs from session to session: times, spans, ids, ports, and with them a table's widths.
fn same(line: &str) -> String {
    let rules = [
        (r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC", "<time>"),
        (r"\d{4}-\d\d-\d\dT[\d:.]+Z", "<time>"),
        (r"\d{4}-\d\d-\d\d", "<day>"),
        (
            r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
            "<id>",
        ),
        (r"\b[0-9a-f]{8}-[0-9a-f-]*…", "<id>…"),
        (r"127\.0\.0\.1:\d+", "<address>"),
        (r"no house \d+ in \d+th Street", "no house <n> in <street>"),
        (r"\b\d+ (ms|s|min|h|days)\b", "<span>"),
        (r" {2,}", "  "),
        (r"\s+$", ""),
    ];
    let rule = |line: String, (found, told): (&str, &str)| {
        let found = Regex::new(found).unwrap();
        found.replace_all(&line, told).into_owned()
    };
    rules.into_iter().fold(line.to_owned(), rule)
}

fn drift(old: &Step, new: &Step) -> Option<String> {
    let plain = |step: &Step| {
        step.printed
            .iter()
            .map(|line| same(line))
            .collect::<Vec<_>>()
    };
    (plain(old) != plain(new)).then(|| {
        format!(
            "the page has\n{}\nand it prints\n{}",
            old.text(),
            new.text()
        )
    })
}

impl Terminal {
    fn new() -> Self {
        Self {
            site: Site::with_temporal_cli(),
            staying: Vec::new(),
        }
    }

    async fn perform(mut self, parts: &[Part]) -> (Self, Vec<Part>) {
        let mut recorded = Vec::new();
        for part in parts {
            if let Part::File(text) = part {
                self.site.write("redrive.toml", text);
            }
            let Part::Session(steps) = part else {
                recorded.push(part.clone());
                continue;
            };
            let mut performed = Vec::new();
            for step in steps {
                let printed;
                (self, printed) = self.step(&step.command).await;
                performed.push(Step {
                    command: step.command.clone(),
                    printed,
                });
            }
            recorded.push(Part::Session(performed));
        }
        (self, recorded)
    }

    async fn step(mut self, command: &str) -> (Self, Vec<String>) {
        if STAYING.iter().any(|staying| command.starts_with(staying)) {
            let stays = self.site.start_line(command);
            let printed = stays.read(STAYS);
            self.staying.push(stays);
            if let Some(address) = address(&printed) {
                self.site = self.site.with("TEMPORAL_ADDRESS", &address);
            }
            return (self, printed);
        }
        if command.starts_with("redrive run") {
            eventually(
                "every restart to have ended, as a reader would wait",
                || async { at_rest(&self.site) },
            )
            .await;
        }
        let ran = self.site.run_line(command);
        assert_eq!(ran.code, Some(0), "{command}: {ran:?}");
        let mut printed = ran
            .stdout
            .lines()
            .map(|line| line.trim_end().to_owned())
            .collect();
        trim(&mut printed);
        (self, printed)
    }

    fn close(self) {
        // The last began on what the first brought.
        for stays in self.staying.into_iter().rev() {
            stays.signal(Signal::SIGINT);
            assert_eq!(stays.ended().code(), Some(0));
        }
    }
}

/// Where the server listens that `redrive up` brought.
fn address(printed: &[String]) -> Option<String> {
    let line = printed.iter().find(|line| line.starts_with("Temporal "))?;
    let (_, line) = line.split_once("127.0.0.1:")?;
    let (port, _) = line.split_once(',')?;
    Some(format!("127.0.0.1:{port}"))
}

/// Whether a batch would learn the end of every restart that is on the way.
fn at_rest(site: &Site) -> Option<()> {
    let flying = site.run("status -o json").well().json()["inFlight"].clone();
    let told = site.run("run --dry-run -o json").well().json();
    let ended = |count: &str| told["result"][count].as_u64().unwrap();
    (flying.as_u64().unwrap() == ended("recoveredCount") + ended("failedAgainCount")).then_some(())
}

/// A session that a midnight falls into has another day's row in its report.
async fn midnight_is_far() {
    eventually_within(Duration::from_secs(200), "midnight to pass", || async {
        let now = SystemClock.now().to_zoned_datetime(TimeZone::UTC);
        let then = now.checked_add(2.minutes()).unwrap();
        (now.date() == then.date()).then_some(())
    })
    .await;
}

#[tokio::test]
#[expect(
    clippy::disallowed_methods,
    reason = "a person asks for the page to be written by a variable"
)]
async fn the_quickstart_is_what_happens() {
    midnight_is_far().await;
    let text = std::fs::read_to_string(page()).unwrap();
    let parts = read(&text);
    let (terminal, performed) = Terminal::new().perform(&parts).await;
    terminal.close();
    let sessions = |parts: &[Part]| -> Vec<Step> {
        let steps = parts.iter().filter_map(|part| match part {
            Part::Session(steps) => Some(steps.clone()),
            _ => None,
        });
        steps.flatten().collect()
    };
    let (old, new) = (sessions(&parts), sessions(&performed));
    let drifts: Vec<String> = old
        .iter()
        .zip(&new)
        .filter_map(|(old, new)| drift(old, new))
        .collect();
    if !drifts.is_empty() && std::env::var_os("REDRIVE_WRITE_DOCS").is_some() {
        std::fs::write(page(), write(&performed)).unwrap();
    } else {
        let drifts = drifts.join("\n");
        assert!(
            drifts.is_empty(),
            "docs/QUICKSTART.md is not what happens. Record it anew: {ANEW}\n{drifts}"
        );
    }
    let recovered = "Recovered: a run of it completed.";
    assert!(
        new.iter()
            .any(|step| step.printed.iter().any(|line| line == recovered)),
        "the page leads to the first recovered order: {new:#?}"
    );
}

#[test]
fn a_page_is_read_and_written_as_it_is() {
    let text = std::fs::read_to_string(page()).unwrap();
    assert_eq!(write(&read(&text)), text);
    let parts = read("one\n```console\n$ redrive up\nReady.\n\n$ redrive status\n```\ntwo\n");
    let step = |command: &str, printed: &[&str]| Step {
        command: command.to_owned(),
        printed: printed.iter().map(|line| (*line).to_owned()).collect(),
    };
    assert_eq!(
        parts,
        [
            Part::Prose("one\n```console\n".to_owned()),
            Part::Session(vec![
                step("redrive up", &["Ready."]),
                step("redrive status", &[])
            ]),
            Part::Prose("```\ntwo\n".to_owned()),
        ]
    );
}

#[test]
fn sessions_differ_in_what_they_say_and_not_in_when() {
    let monday = "2026-11-23 19:40:05 UTC  failed  in 0193a5b0-7c1e-7d0a-9f5e-2a6c1f0d8b11, 5 s  at 127.0.0.1:7233";
    let friday = "2026-11-27 09:00:00 UTC  failed    in 0193a5bb-d9f2-7e64-8d0b-61b7a4c2e903, 12 min at 127.0.0.1:51";
    assert_eq!(same(monday).replace("  at", " at"), same(friday));
    for other in [
        "2026-11-27 09:00:00 UTC  recovered  in 0193a5bb-d9f2-7e64-8d0b-61b7a4c2e903, 12 min  at 127.0.0.1:51",
        "2 orders failed",
    ] {
        assert_ne!(same(other), same(monday));
    }
    let step = |line: &str| Step {
        command: "redrive status".to_owned(),
        printed: vec![line.to_owned()],
    };
    assert_eq!(drift(&step("1 order, 5 s"), &step("1 order, 3 h")), None);
    let told = drift(&step("1 order"), &step("2 orders")).unwrap();
    assert!(
        told.contains("the page has\n$ redrive status\n1 order\n"),
        "{told}"
    );
}

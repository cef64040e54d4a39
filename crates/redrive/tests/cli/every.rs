//! Every command's text and JSON stand in a snapshot: a new command does not go without one.

use std::collections::BTreeSet;
use std::path::Path;

use super::manual::{cli, leaves, resolve};

/// Commands without one, and why.
const EXCEPT: [(&str, &str); 8] = [
    ("redrive up", "it stays: its process is tested in `serving`"),
    (
        "redrive worker",
        "it stays: its process is tested in `serving` and `lost_server`",
    ),
    (
        "redrive serve",
        "it stays: its process is tested in `serving`",
    ),
    (
        "redrive openapi",
        "its answer has a snapshot beside the API that it describes",
    ),
    (
        "redrive demo",
        "its report is tested whole in `demo`, and has snapshots beside its text",
    ),
    (
        "redrive sample",
        "it stays: its answer is in the recorded session that `quickstart` checks",
    ),
    (
        "redrive completions",
        "its answer is a shell's: `completions` lets shells read it",
    ),
    (
        "redrive man",
        "its answer is the reference, which `reference` has as a snapshot",
    ),
];

/// The commands of every snapshot, with their words after `$ redrive`.
fn told() -> Vec<Vec<String>> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli");
    let folders = ["snapshots", "told/snapshots"].map(|folder| tests.join(folder));
    let files = folders
        .iter()
        .flat_map(|folder| std::fs::read_dir(folder).unwrap());
    let mut told = Vec::new();
    for file in files {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("$ redrive "));
        told.extend(lines.map(|line| line.split_whitespace().map(str::to_owned).collect()));
    }
    told
}

#[test]
fn every_command_has_a_snapshot_of_its_text_and_of_its_json() {
    let root = cli();
    let (mut texts, mut jsons) = (BTreeSet::new(), BTreeSet::new());
    for words in told() {
        let (_, path, rest) = resolve(&root, &words);
        let name = format!("redrive {}", path.join(" "));
        let json = rest.windows(2).any(|pair| pair == ["-o", "json"]);
        if json { &mut jsons } else { &mut texts }.insert(name);
    }
    let mut every = BTreeSet::new();
    leaves(&root, "redrive", &mut every);
    for (name, reason) in EXCEPT {
        assert!(
            every.remove(name),
            "there is no command {name:?} ({reason})"
        );
        assert!(
            !texts.contains(name),
            "{name:?} has a snapshot: it is no exception any more"
        );
    }
    let without =
        |told: &BTreeSet<String>| -> Vec<String> { every.difference(told).cloned().collect() };
    assert_eq!(without(&texts), [""; 0], "no snapshot has their text");
    assert_eq!(without(&jsons), [""; 0], "no snapshot has their JSON");
}

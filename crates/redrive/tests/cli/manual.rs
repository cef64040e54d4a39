//! The manual and the command line say the same: every command, option and variable in the documents exists, and every
//! command and variable that exists is in the documents.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory};
use redrive::cli::Cli;
use regex::Regex;

/// The project's root.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The documents, by name.
fn documents() -> Vec<(String, String)> {
    let mut files = vec![root().join("README.md")];
    let docs = std::fs::read_dir(root().join("docs")).unwrap();
    files.extend(docs.map(|entry| entry.unwrap().path()));
    files.sort();
    files
        .into_iter()
        .filter(|file| file.extension().is_some_and(|ending| ending == "md"))
        .map(|file| {
            let name = file.file_name().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&file).unwrap())
        })
        .collect()
}

/// What stands as a command in a document: code spans that begin with `redrive `, and such lines of code blocks.
fn commands_in(text: &str) -> Vec<String> {
    let span = Regex::new(r"`(redrive [^`]+)`").unwrap();
    let line = Regex::new(r"(?m)^(?:\$ )?(redrive [^#|\n]+)").unwrap();
    let block = Regex::new(r"(?ms)^```[a-z]*\n(.*?)^```").unwrap();
    let spans = span.captures_iter(text).map(|found| found[1].to_owned());
    let blocks = block.captures_iter(text).flat_map(|found| {
        let lines = found[1].to_owned();
        let commands: Vec<String> = line
            .captures_iter(&lines)
            .map(|found| found[1].to_owned())
            .collect();
        commands
    });
    spans.chain(blocks).collect()
}

/// The command that the words name, as far as they name subcommands, and the words that are left.
pub fn resolve<'a>(
    root: &'a Command,
    words: &'a [String],
) -> (&'a Command, Vec<String>, &'a [String]) {
    let (mut command, mut path, mut at) = (root, Vec::new(), 0);
    while let Some(below) = words.get(at).and_then(|word| command.find_subcommand(word)) {
        path.push(below.get_name().to_owned());
        (command, at) = (below, at + 1);
    }
    (command, path, &words[at..])
}

/// What is wrong with a command of a document.
fn wrong(root: &Command, text: &str) -> Option<String> {
    let words: Vec<String> = text.split_whitespace().skip(1).map(str::to_owned).collect();
    let (command, path, rest) = resolve(root, &words);
    if command.has_subcommands() {
        let next = rest.first()?;
        let is_name = next
            .chars()
            .all(|letter| letter.is_ascii_lowercase() || letter == '-');
        if is_name && !next.starts_with('-') {
            return Some(format!("{text:?}: there is no command {next:?}"));
        }
    }
    let option = Regex::new(r"^\[?(--[a-z][a-z-]*)").unwrap();
    for word in rest {
        let Some(found) = option.captures(word) else {
            continue;
        };
        let name = found[1].trim_start_matches('-').to_owned();
        let known = ["help", "version"].contains(&name.as_str())
            || command
                .get_arguments()
                .any(|argument| argument.get_long() == Some(&name))
            || root
                .get_arguments()
                .any(|argument| argument.get_long() == Some(&name));
        if !known {
            return Some(format!(
                "{text:?}: `redrive {}` has no option --{name}",
                path.join(" ")
            ));
        }
    }
    None
}

/// Every command without further ones below it, as it is called.
pub fn leaves(command: &Command, path: &str, found: &mut BTreeSet<String>) {
    let below: Vec<&Command> = command
        .get_subcommands()
        .filter(|below| below.get_name() != "help" && !below.is_hide_set())
        .collect();
    if below.is_empty() {
        found.insert(path.to_owned());
    }
    for below in below {
        leaves(below, &format!("{path} {}", below.get_name()), found);
    }
}

/// The command line's own description of itself.
pub fn cli() -> Command {
    let mut root = Cli::command();
    root.build();
    root
}

#[test]
fn every_command_in_the_documents_exists() {
    let root = cli();
    let mut found = Vec::new();
    for (name, text) in documents() {
        let commands = commands_in(&text);
        found.extend(
            commands
                .iter()
                .filter_map(|command| Some(format!("{name}: {}", wrong(&root, command)?))),
        );
    }
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_command_is_in_the_documents() {
    let root = cli();
    let mut missing = BTreeSet::new();
    leaves(&root, "redrive", &mut missing);
    for (_, text) in documents() {
        for command in commands_in(&text) {
            let words: Vec<String> = command
                .split_whitespace()
                .skip(1)
                .map(str::to_owned)
                .collect();
            let (_, path, _) = resolve(&root, &words);
            missing.remove(&format!("redrive {}", path.join(" ")));
        }
    }
    assert!(missing.is_empty(), "no document names {missing:#?}");
}

#[test]
fn the_check_itself_finds_what_is_wrong() {
    let root = cli();
    for (text, part) in [
        ("redrive dlq explode", "there is no command \"explode\""),
        (
            "redrive dlq list --colour red",
            "`redrive dlq list` has no option --colour",
        ),
        ("redrive launch", "there is no command \"launch\""),
    ] {
        let told = wrong(&root, text).unwrap();
        assert!(told.contains(part), "{told}");
    }
    for text in [
        "redrive dlq list --status S -o json",
        "redrive orders show ID",
        "redrive --help",
    ] {
        assert_eq!(wrong(&root, text), None);
    }
}

/// The variables of ours that a text names.
fn variables_in(text: &str) -> BTreeSet<String> {
    let variable = Regex::new(r"\bREDRIVE_[A-Z_]*[A-Z]\b").unwrap();
    variable
        .find_iter(text)
        .map(|found| found.as_str().to_owned())
        .collect()
}

#[test]
fn variables_are_documented_and_documented_ones_exist() {
    let source = root().join("crates/redrive/src/environment.rs");
    let mut known = variables_in(&std::fs::read_to_string(source).unwrap());
    // What the generated page says it is written by.
    known.insert("REDRIVE_WRITE_DOCS".to_owned());
    let documented: BTreeSet<String> = documents()
        .iter()
        .flat_map(|(_, text)| variables_in(text))
        .collect();
    assert_eq!(known, documented);
}

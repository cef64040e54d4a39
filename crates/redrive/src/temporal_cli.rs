//! Where the Temporal CLI is: the program whose `server start-dev` is the Temporal server of one machine.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::environment;
use crate::problem::Problem;

/// The program's name.
const NAME: &str = "temporal";
/// Where `make setup` puts it.
const TOOLS: &str = ".tools";

/// Finds the Temporal CLI: `named` (by `--temporal-cli`), else `REDRIVE_TEMPORAL_CLI`, else the project's tool folder in
/// this folder or one above it, else the PATH.
///
/// Errors: what is named is not there; it is nowhere, with how to get it.
pub fn find(named: Option<&Path>) -> Result<PathBuf, Problem> {
    if let Some(path) = named {
        return at(path, "--temporal-cli");
    }
    if let Some(path) = environment::raw(environment::TEMPORAL_CLI) {
        return at(Path::new(&path), environment::TEMPORAL_CLI);
    }
    let here = env::current_dir().unwrap_or_default();
    in_tools(&here)
        .or_else(|| on_path(environment::raw("PATH").as_deref()))
        .ok_or_else(nowhere)
}

fn at(path: &Path, named_by: &str) -> Result<PathBuf, Problem> {
    if path.is_file() {
        return Ok(path.to_owned());
    }
    Err(Problem::user(
        format!(
            "{named_by} names {}, and there is no such file.",
            path.display()
        ),
        "name the `temporal` program itself, or leave it away to have it looked for.",
    ))
}

fn in_tools(here: &Path) -> Option<PathBuf> {
    here.ancestors()
        .map(|folder| folder.join(TOOLS).join(NAME))
        .find(|path| path.is_file())
}

fn on_path(path: Option<&OsStr>) -> Option<PathBuf> {
    env::split_paths(path?)
        .map(|folder| folder.join(NAME))
        .find(|path| path.is_file())
}

fn nowhere() -> Problem {
    Problem::user(
        "the Temporal CLI, which carries the Temporal server for this machine, is not here.",
        "run `make setup` in the project's folder, or install Temporal's CLI so that `temporal` is on the PATH, or name \
         it with --temporal-cli; or set TEMPORAL_ADDRESS to use a server that runs already.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_folder_is_found_from_a_folder_below_it() {
        let root = tempfile::tempdir().unwrap();
        let below = root.path().join("a/b");
        std::fs::create_dir_all(&below).unwrap();
        assert_eq!(in_tools(&below), None);
        std::fs::create_dir(root.path().join(TOOLS)).unwrap();
        let cli = root.path().join(TOOLS).join(NAME);
        std::fs::write(&cli, "").unwrap();
        assert_eq!(in_tools(&below), Some(cli));
    }

    #[test]
    fn the_path_is_searched_in_its_order() {
        let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = env::join_paths([first.path(), second.path()]).unwrap();
        assert_eq!(on_path(Some(&path)), None);
        let cli = second.path().join(NAME);
        std::fs::write(&cli, "").unwrap();
        assert_eq!(on_path(Some(&path)), Some(cli));
        let cli = first.path().join(NAME);
        std::fs::write(&cli, "").unwrap();
        assert_eq!(on_path(Some(&path)), Some(cli));
        assert_eq!(on_path(None), None);
    }

    #[test]
    fn a_named_program_that_is_missing_is_not_replaced_by_another() {
        let problem = find(Some(Path::new("/nowhere/temporal"))).unwrap_err();
        assert_eq!(
            problem.what,
            "--temporal-cli names /nowhere/temporal, and there is no such file."
        );
    }
}

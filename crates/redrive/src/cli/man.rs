//! `redrive man`: the pages of the manual, one a command.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use serde::Serialize;

use super::Cli;
use crate::printer::{Paint, Printer};
use crate::problem::Problem;

/// Print the manual's first page, or write all of its pages into a folder
///
/// To read a page: redrive man --dir man && man -l man/redrive-dlq-retry.1
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Write one page for each command into this folder, which is made if need be
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

/// The manual's first page.
#[derive(Serialize)]
struct FirstPage {
    page: String,
}

/// The pages that were written.
#[derive(Serialize)]
struct Written {
    files: Vec<PathBuf>,
}

/// Runs the command.
pub fn run(args: &ManArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    match &args.dir {
        None => {
            let page = String::from_utf8(page(root)?)?;
            printer.data(&FirstPage { page }, |made, _| made.page.clone())?;
        }
        Some(folder) => {
            let files = write_all(root, folder).map_err(|error| cannot_write(folder, &error))?;
            printer.data(&Written { files }, Written::text)?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn page(command: Command) -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    Man::new(command).render(&mut page)?;
    Ok(page)
}

fn write_all(root: Command, folder: &Path) -> io::Result<Vec<PathBuf>> {
    fs::create_dir_all(folder)?;
    let mut files = Vec::new();
    write_pages(root, folder, &mut files)?;
    Ok(files)
}

/// Writes the page of a command, then those of the commands below it.
fn write_pages(command: Command, folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let below: Vec<Command> = command.get_subcommands().cloned().collect();
    let file = folder.join(Man::new(command.clone()).get_filename());
    fs::write(&file, page(command)?)?;
    files.push(file);
    below
        .into_iter()
        .try_for_each(|command| write_pages(command, folder, files))
}

fn cannot_write(folder: &Path, error: &io::Error) -> Problem {
    Problem::user(
        format!(
            "cannot write the manual into {}: {error}.",
            folder.display()
        ),
        "name a folder that this user may write with --dir.",
    )
}

impl Written {
    fn text(&self, _: Paint) -> String {
        let files = self.files.iter().map(|file| file.display().to_string());
        files.collect::<Vec<_>>().join("\n")
    }
}

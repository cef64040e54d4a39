//! The whole reference of the command line, as one text that is read when it changes.

use clap::{Command, CommandFactory};
use redrive::cli::Cli;

#[test]
fn the_reference_of_every_command() {
    let mut root = Cli::command().term_width(100);
    root.build();
    let mut pages = Vec::new();
    add_pages(&mut root, &mut pages);
    insta::assert_snapshot!(pages.join("\n\n"));
}

fn add_pages(command: &mut Command, pages: &mut Vec<String>) {
    let name = command
        .get_bin_name()
        .unwrap_or_else(|| command.get_name())
        .to_owned();
    let page = command
        .clone()
        .term_width(100)
        .hide_options_everywhere(pages.is_empty())
        .render_long_help();
    let page: Vec<String> = page
        .to_string()
        .lines()
        .map(|line| line.trim_end().to_owned())
        .collect();
    pages.push(format!(
        "{name}\n{}\n\n{}",
        "=".repeat(name.len()),
        page.join("\n").trim_end()
    ));
    for below in command.get_subcommands_mut() {
        if below.get_name() != "help" {
            add_pages(below, pages);
        }
    }
}

trait HideEverywhere {
    /// What every command takes is shown on the first page only.
    fn hide_options_everywhere(self, shown: bool) -> Self;
}

impl HideEverywhere for Command {
    fn hide_options_everywhere(self, shown: bool) -> Self {
        self.mut_args(|argument| {
            let everywhere = argument.get_help_heading() == Some("Everywhere");
            if everywhere && !shown {
                argument.hide(true)
            } else {
                argument
            }
        })
    }
}

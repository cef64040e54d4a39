//! Asking before something is done that cannot be taken back.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::problem::Problem;

/// Asks on the terminal; only `y` and `yes` are a yes.
///
/// Errors: nobody is there to answer.
pub fn asked(question: &str) -> Result<bool, Problem> {
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Err(Problem::user(
            format!("\"{question}\" cannot be asked: this is no terminal."),
            "look at what is about to be done, then say --yes.",
        ));
    }
    // Nobody can answer a question that could not be written.
    let _ = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    Ok(read.is_ok() && is_yes(&answer))
}

fn is_yes(answer: &str) -> bool {
    ["y", "yes"].contains(&answer.trim().to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("y\n") && is_yes(" YES "));
        assert!(!is_yes("\n") && !is_yes("yep") && !is_yes("no"));
    }
}

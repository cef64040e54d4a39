//! A finding, and the list of them as text.

use serde::Serialize;

use crate::printer::{Paint, table};

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Ok,
    /// It could not be looked at.
    NotChecked,
    /// Look at it some time.
    Warning,
    /// Orders are not restarted, or will be lost.
    Problem,
}

/// What one check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// The check.
    pub check: &'static str,
    /// How bad it is.
    pub level: Level,
    /// What is so, in a sentence.
    pub what: String,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Finding {
    /// As it should be.
    pub fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self {
            check,
            level: Level::Ok,
            what: what.into(),
            remedy: None,
        }
    }

    /// It could not be looked at.
    pub fn not_checked(check: &'static str, why: impl Into<String>) -> Self {
        Self {
            level: Level::NotChecked,
            ..Self::ok(check, why)
        }
    }

    /// To be looked at.
    pub fn warning(
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Warning,
            remedy: Some(remedy.into()),
            ..Self::ok(check, what)
        }
    }

    /// To be mended.
    pub fn problem(
        check: &'static str,
        what: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        Self {
            level: Level::Problem,
            ..Self::warning(check, what, remedy)
        }
    }
}

/// The findings as a list, and a last line that sums them up.
pub fn text(findings: &[Finding], paint: Paint) -> String {
    let mut table = table(["", "check", "finding"]);
    for finding in findings {
        let sign = match finding.level {
            Level::Ok => paint.green("ok"),
            Level::NotChecked => paint.dim("-"),
            Level::Warning => paint.yellow("warning"),
            Level::Problem => paint.red("PROBLEM"),
        };
        let what = match &finding.remedy {
            Some(remedy) => format!("{}\n{remedy}", finding.what),
            None => finding.what.clone(),
        };
        table.add_row([sign, finding.check.to_owned(), what]);
    }
    let count = |level| {
        findings
            .iter()
            .filter(|finding| finding.level == level)
            .count()
    };
    let sum = match (count(Level::Problem), count(Level::Warning)) {
        (0, 0) => paint.green("Nothing is wrong."),
        (0, warnings) => paint.yellow(format_args!("No problem, warnings: {warnings}.")),
        (problems, warnings) => {
            paint.red(format_args!("Problems: {problems}, warnings: {warnings}."))
        }
    };
    format!("{}\n\n{sum}", table.trim_fmt())
}

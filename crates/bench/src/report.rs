//! The report: one value, printed as a table or as JSON, and kept as a file.

use redrive::printer::{Paint, table};
use serde::Serialize;

use crate::figures::{Figure, Reach};
use crate::machine::Machine;

/// The report.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    /// When it was made.
    pub at: String,
    /// The machine.
    pub machine: Machine,
    /// What was measured, and how often.
    pub setup: Setup,
    /// The figures.
    pub figures: Vec<Figure>,
}

/// What was measured, and how often.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Setup {
    /// Runs of each part.
    pub runs: u32,
    /// Orders a drain.
    pub orders: usize,
    /// Whether the server kept its state on a file.
    pub on_file: bool,
    /// Raw starts at the same time: the fastest of those that were tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_at_once: Option<usize>,
    /// How long it all took, in seconds.
    pub seconds: u64,
}

impl Report {
    /// The report as text.
    pub fn text(&self, paint: Paint) -> String {
        let Setup {
            runs,
            orders,
            on_file,
            raw_at_once,
            seconds,
        } = &self.setup;
        let kept = if *on_file { "on a file" } else { "in memory" };
        let at_once = raw_at_once.map_or_else(String::new, |at_once| {
            format!(", raw starts {at_once} at a time")
        });
        let lines = [
            self.table(paint),
            String::new(),
            format!(
                "Medians of {runs} runs of {orders} orders; a server with its state {kept}{at_once}. {seconds} s in all."
            ),
            format!("On {}.", self.machine.sentence()),
        ];
        lines.join("\n")
    }

    fn table(&self, paint: Paint) -> String {
        let mut table = table(["figure", "median", "lowest", "highest", "", "reach", ""]);
        for figure in &self.figures {
            let samples = || figure.samples.iter().copied();
            let lowest = samples().fold(f64::INFINITY, f64::min);
            let highest = samples().fold(f64::NEG_INFINITY, f64::max);
            table.add_row([
                figure.title.clone(),
                number(figure.median),
                number(lowest),
                number(highest),
                figure.unit.to_owned(),
                figure.reach.map_or_else(String::new, reach),
                match figure.reached {
                    Some(true) => paint.green("reached"),
                    Some(false) => paint.red("missed"),
                    None => String::new(),
                },
            ]);
        }
        table.trim_fmt()
    }
}

fn reach(reach: Reach) -> String {
    match reach {
        Reach::AtLeast(least) => format!(">= {}", number(least)),
        Reach::AtMost(most) => format!("<= {}", number(most)),
    }
}

/// Three digits that count, or a whole number.
fn number(value: f64) -> String {
    let digits = match value.abs() {
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.digits$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_three_digits_that_count() {
        let told = [0.0312, 1.5, 26.25, 104.4, 12_345.6].map(number);
        assert_eq!(told, ["0.031", "1.50", "26.2", "104", "12346"]);
    }
}

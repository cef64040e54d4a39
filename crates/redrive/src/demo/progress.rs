//! What the demo is doing, while it does it: a bar on a terminal, a line now and then elsewhere; always on stderr.

use std::fmt::Display;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use tokio::time::Instant;

use crate::printer::Printer;

/// How often a line is written where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(5);
/// How often the bar moves by itself, so that one sees that it lives.
const TICK: Duration = Duration::from_millis(120);

/// Shows one thing after the other.
pub(super) struct Progress<'a> {
    printer: &'a Printer,
    what: String,
    bar: ProgressBar,
    told_at: Instant,
}

impl<'a> Progress<'a> {
    /// Shows nothing yet.
    pub fn new(printer: &'a Printer) -> Self {
        Self {
            printer,
            what: String::new(),
            bar: ProgressBar::hidden(),
            told_at: Instant::now(),
        }
    }

    /// Begins with `what`, of which there is `total` to do; 0 where that cannot be told.
    pub fn begin(&mut self, what: impl Into<String>, total: usize) {
        self.bar.finish_and_clear();
        self.what = what.into();
        self.told_at = Instant::now();
        self.bar = ProgressBar::with_draw_target(Some(total as u64), self.printer.progress())
            .with_style(style(total))
            .with_prefix(self.what.clone());
        self.bar.enable_steady_tick(TICK);
        if self.bar.is_hidden() {
            self.printer.say(format_args!("{} ...", self.what));
        }
    }

    /// So much of it is done; `detail` says what that is.
    pub fn at(&mut self, done: usize, detail: impl Display) {
        if !self.bar.is_hidden() {
            self.bar.set_position(done as u64);
            self.bar.set_message(detail.to_string());
        } else if self.told_at.elapsed() >= LINE_EVERY {
            self.told_at = Instant::now();
            self.printer.say(format_args!("{}: {detail}", self.what));
        }
    }

    /// It is done; `outcome` stays on the screen.
    pub fn done(&mut self, outcome: impl Display) {
        self.bar.finish_and_clear();
        self.printer.say(outcome);
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn style(total: usize) -> ProgressStyle {
    let template = match total {
        0 => "{spinner} {prefix}",
        _ => "{spinner} {prefix} {bar:30.cyan/dim} {msg}",
    };
    ProgressStyle::with_template(template).expect("the templates are constants, and right")
}

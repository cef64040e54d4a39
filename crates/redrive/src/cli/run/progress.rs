//! How far a batch is, as one line on a terminal: what it does, how many orders are done of about how many, how fast, and
//! how long it will take.
//!
//! *Done* is the batch's verdicts in the ledger; *about how many* adds what it has claimed and what is due, under the batch's limit.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use redrive_web::views::BatchNow;

use crate::cli::words::orders;
use crate::printer::Printer;

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(250);
/// How often we look how far it is, in seconds.
const LOOK: u64 = 1;
/// The same where nobody sees it.
const UNSEEN: u64 = 10;

/// The line; it vanishes when dropped.
pub(in crate::cli) struct Bar {
    bar: ProgressBar,
}

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Look {
    at: Timestamp,
    done: u64,
    left: u64,
}

impl Bar {
    /// A line that names a batch, or whatever else goes on.
    pub(in crate::cli) fn new(what: &str, printer: &Printer) -> Self {
        let bar = ProgressBar::with_draw_target(None, printer.progress());
        bar.set_style(
            ProgressStyle::with_template("{spinner} {prefix}{msg}, {elapsed}")
                .expect("the template is fixed"),
        );
        bar.set_prefix(what.to_owned());
        bar.enable_steady_tick(TICK);
        Self { bar }
    }

    /// Prints something beside the line.
    pub(super) fn beside(&self, print: impl FnOnce()) {
        self.bar.suspend(print);
    }

    /// Says something after the name.
    pub(in crate::cli) fn tell(&self, message: String) {
        self.bar.set_message(message);
    }

    /// For how many seconds a batch's end is waited for between two looks: without a terminal nobody sees the line.
    pub(super) fn patience(&self) -> u64 {
        if self.bar.is_hidden() { UNSEEN } else { LOOK }
    }
}

/// What the line tells of a batch, look after look.
pub(super) struct Told {
    most: Option<u32>,
    first: Option<Look>,
}

impl Told {
    /// Of a batch that handles at most so many orders.
    pub(super) fn of(most: Option<u32>) -> Self {
        Self { most, first: None }
    }

    /// What is told of a look; nothing where it does not say enough.
    pub(super) fn line(&mut self, now: &BatchNow, at: Timestamp) -> Option<String> {
        let (progress, so_far, left) = (now.progress.as_ref()?, now.so_far.as_ref()?, now.left?);
        let look = Look {
            at,
            done: so_far.found_count,
            left,
        };
        if progress.phase == "restarting" {
            self.first.get_or_insert(look);
        }
        Some(line(&progress.phase, self.most, self.first, look))
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// What the line says after the batch's name. The rate is that since `first`.
fn line(phase: &str, max_orders: Option<u32>, first: Option<Look>, look: Look) -> String {
    let Look { at, done, left } = look;
    let most = max_orders.map_or(u64::MAX, u64::from);
    let total = done.saturating_add(left).min(most).max(done);
    let mut line = format!(": {phase}, {done} of about {}", orders(total));
    let Some(first) = first else { return line };
    let seconds = at.duration_since(first.at).as_secs_f64();
    let rate = done.saturating_sub(first.done) as f64 / seconds;
    if rate.is_finite() && rate > 0.0 {
        let time = Duration::from_secs_f64((total - done) as f64 / rate);
        line += &format!(", {rate:.1} a second, {} left", span(time));
    }
    line
}

/// A span in its two largest units: `45s`, `3m 20s`, `2h 5m`.
fn span(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        seconds => format!("{}h {}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(second: i64, done: u64, left: u64) -> Look {
        let at = Timestamp::from_second(second).unwrap();
        Look { at, done, left }
    }

    #[test]
    fn the_line_tells_rate_and_time_left_once_orders_are_done() {
        let first = Some(look(0, 100, 900));
        for (phase, most, first, now, told) in [
            (
                "scanning",
                None,
                None,
                look(3, 0, 40),
                ": scanning, 0 of about 40 orders",
            ),
            (
                "restarting",
                None,
                first,
                look(0, 100, 900),
                ": restarting, 100 of about 1000 orders",
            ),
            (
                "restarting",
                None,
                first,
                look(10, 300, 700),
                ": restarting, 300 of about 1000 orders, 20.0 a second, 35s left",
            ),
            (
                "restarting",
                Some(500),
                first,
                look(10, 300, 700),
                ": restarting, 300 of about 500 orders, 20.0 a second, 10s left",
            ),
        ] {
            assert_eq!(line(phase, most, first, now), told);
        }
    }

    #[test]
    fn a_span_is_told_in_two_units() {
        for (seconds, told) in [(45, "45s"), (200, "3m 20s"), (7_500, "2h 5m")] {
            assert_eq!(span(Duration::from_secs(seconds)), told);
        }
    }
}

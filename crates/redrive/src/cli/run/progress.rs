//! How far a batch is, as one line on a terminal: what it does, how many orders are done of about how many, how fast, and
//! how long it will take.
//!
//! *Done* is the batch's verdicts in the ledger; *about how many* adds what it has claimed and what is due, under the batch's limit.

use std::convert::Infallible;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::Timestamp;
use redrive_engine::ops::{Ops, RunRequest, Running};
use redrive_engine::{Clock, SystemClock};

use crate::cli::words::orders;
use crate::printer::Printer;

/// How often the line is drawn anew.
const TICK: Duration = Duration::from_millis(250);
/// How often we look how far it is.
const LOOK: Duration = Duration::from_secs(1);

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

    /// Keeps the line up to date for as long as it is polled. Without a terminal nobody sees it, and nothing is asked.
    pub(super) async fn look_on(
        &self,
        ops: &Ops,
        request: &RunRequest,
        running: &Running,
    ) -> Infallible {
        if self.bar.is_hidden() {
            return std::future::pending().await;
        }
        let mut first = None;
        loop {
            SystemClock.sleep(LOOK).await;
            let Some(phase) = ops.progress(running).await.map(|progress| progress.phase) else {
                continue;
            };
            let counts = ops.counts(&running.batch_id).await;
            if let (Ok(counts), Ok(left)) = (counts, ops.left_to(running, request).await) {
                let look = Look {
                    at: SystemClock.now(),
                    done: counts.found_count,
                    left,
                };
                if phase == "restarting" {
                    first.get_or_insert(look);
                }
                self.tell(line(&phase, request.max_orders, first, look));
            }
        }
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

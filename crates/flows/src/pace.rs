//! Whether the next chunk may begin, as a pure decision: what the orchestration does next, step by step.
//!
//! The *width* is how many chunks may go on at the same time. It begins with one, since most batches are small, and
//! doubles with every full chunk; the next run of a long batch begins as wide as the last one ended.

/// The greatest width: enough to keep a server busy, few enough to stop quickly.
pub(crate) const WIDEST: usize = 8;
/// Chunks a run: far below the history limit even with retries; the server may suggest to continue earlier.
const CHUNKS_A_RUN: u32 = 50;

/// How far the chunks of one run have come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pace {
    /// A chunk found less than it asked for: it was the last.
    pub(crate) exhausted: bool,
    /// A chunk failed.
    pub(crate) failed: bool,
    /// The batch ends with work left.
    pub(crate) truncated: bool,
    /// Orders that may still be handed out under `maxOrders`.
    pub(crate) orders_left: Option<u32>,
    /// Chunks begun in this run.
    pub(crate) begun: u32,
    /// Chunks that go on.
    pub(crate) running: usize,
    /// How many may.
    pub(crate) width: usize,
}

/// What the world says meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Signs {
    /// The deadline has not come.
    pub(crate) open: bool,
    /// An operator paused the batch.
    pub(crate) paused: bool,
    /// An operator stopped it.
    pub(crate) stopping: bool,
    /// The server suggests to continue as new.
    pub(crate) long_enough: bool,
}

/// What to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// Begin a chunk.
    Begin,
    /// Wait for a chunk to end.
    AwaitChunk,
    /// Wait for an operator to resume, or the deadline.
    AwaitResume,
    /// End; `more`: the next run of this orchestration goes on.
    End { more: bool },
}

impl Pace {
    /// The pace of a run that begins.
    pub(crate) fn new(orders_left: Option<u32>) -> Self {
        Self {
            exhausted: false,
            failed: false,
            truncated: false,
            orders_left,
            begun: 0,
            running: 0,
            width: 1,
        }
    }

    /// The same, at the width at which another run has ended.
    pub(crate) fn as_wide_as(self, width: usize) -> Self {
        Self {
            width: width.clamp(1, WIDEST),
            ..self
        }
    }

    /// What to do next. Notes that the batch is truncated where the deadline or a stop leaves work.
    pub(crate) fn step(&mut self, signs: Signs) -> Step {
        let wants = !self.exhausted && !self.failed && self.orders_left != Some(0);
        if wants && (signs.stopping || !signs.open) {
            self.truncated = true;
        }
        let wants = wants && !self.truncated;
        let long_enough = self.begun >= CHUNKS_A_RUN || (self.begun > 0 && signs.long_enough);
        if wants && !signs.paused && !long_enough && self.running < self.width {
            Step::Begin
        } else if self.running > 0 {
            Step::AwaitChunk
        } else if wants && signs.paused {
            Step::AwaitResume
        } else {
            Step::End { more: wants }
        }
    }

    /// A chunk begins that may claim up to `limit` orders.
    pub(crate) fn begin(&mut self, limit: u32) {
        self.orders_left = self.orders_left.map(|left| left.saturating_sub(limit));
        self.begun += 1;
        self.running += 1;
    }

    /// A chunk that had asked for `limit` has ended with `claimed`; `stopped`: it gave orders back.
    pub(crate) fn end(&mut self, limit: u32, claimed: u32, stopped: bool) {
        self.running -= 1;
        self.truncated |= stopped;
        if claimed >= limit {
            self.width = (self.width * 2).min(WIDEST);
        } else {
            self.exhausted |= !stopped;
        }
    }

    /// A chunk has failed.
    pub(crate) fn fail(&mut self) {
        self.running -= 1;
        self.failed = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALM: Signs = Signs {
        open: true,
        paused: false,
        stopping: false,
        long_enough: false,
    };

    #[test]
    fn a_small_batch_is_one_chunk() {
        let mut pace = Pace::new(None);
        assert_eq!(pace.step(CALM), Step::Begin);
        pace.begin(100);
        assert_eq!(pace.step(CALM), Step::AwaitChunk);
        pace.end(100, 3, false);
        assert_eq!(pace.step(CALM), Step::End { more: false });
        assert!(!pace.truncated);
    }

    #[test]
    fn full_chunks_double_the_width_up_to_the_widest() {
        let mut pace = Pace::new(None);
        let mut widths = Vec::new();
        for _ in 0..5 {
            pace.begin(100);
            pace.end(100, 100, false);
            widths.push(pace.width);
        }
        assert_eq!(widths, [2, 4, 8, WIDEST, WIDEST]);
    }

    #[test]
    fn a_run_begins_as_wide_as_the_last_one_ended() {
        for (last, width) in [(0, 1), (1, 1), (4, 4), (WIDEST, WIDEST), (99, WIDEST)] {
            assert_eq!(Pace::new(None).as_wide_as(last).width, width);
        }
    }

    #[test]
    fn max_orders_hands_out_no_more_chunks() {
        let mut pace = Pace::new(Some(150));
        pace.begin(100);
        pace.end(100, 100, false);
        assert_eq!(pace.step(CALM), Step::Begin);
        pace.begin(50);
        assert_eq!(pace.step(CALM), Step::AwaitChunk);
        pace.end(50, 50, false);
        assert_eq!(pace.step(CALM), Step::End { more: false });
    }

    #[test]
    fn the_deadline_and_a_stop_truncate_only_what_wants_more() {
        let late = Signs {
            open: false,
            ..CALM
        };
        let stopped = Signs {
            stopping: true,
            ..CALM
        };
        for signs in [late, stopped] {
            let mut pace = Pace::new(None);
            assert_eq!(pace.step(signs), Step::End { more: false });
            assert!(pace.truncated);
            let mut done = Pace {
                exhausted: true,
                ..Pace::new(None)
            };
            assert_eq!(done.step(signs), Step::End { more: false });
            assert!(!done.truncated);
        }
    }

    #[test]
    fn a_pause_waits_for_what_runs_and_then_for_the_operator() {
        let paused = Signs {
            paused: true,
            ..CALM
        };
        let mut pace = Pace::new(None);
        pace.begin(100);
        assert_eq!(pace.step(paused), Step::AwaitChunk);
        pace.end(100, 100, false);
        assert_eq!(pace.step(paused), Step::AwaitResume);
        assert_eq!(
            pace.step(Signs {
                open: false,
                ..paused
            }),
            Step::End { more: false }
        );
    }

    #[test]
    fn a_long_run_continues_as_new_and_a_new_run_always_begins_a_chunk() {
        let suggested = Signs {
            long_enough: true,
            ..CALM
        };
        let mut pace = Pace::new(None);
        assert_eq!(pace.step(suggested), Step::Begin);
        pace.begin(100);
        pace.end(100, 100, false);
        assert_eq!(pace.step(suggested), Step::End { more: true });
        let mut long = Pace {
            begun: CHUNKS_A_RUN,
            ..Pace::new(None)
        };
        assert_eq!(long.step(CALM), Step::End { more: true });
    }

    #[test]
    fn after_a_failure_nothing_begins_and_nothing_is_called_truncated() {
        let mut pace = Pace::new(None);
        pace.begin(100);
        pace.begin(100);
        pace.fail();
        assert_eq!(pace.step(CALM), Step::AwaitChunk);
        pace.end(100, 100, false);
        assert_eq!(pace.step(CALM), Step::End { more: false });
    }

    #[test]
    fn a_chunk_that_gave_orders_back_was_not_the_last() {
        let mut pace = Pace::new(None);
        pace.begin(100);
        pace.end(100, 40, true);
        assert!(pace.truncated && !pace.exhausted);
    }
}

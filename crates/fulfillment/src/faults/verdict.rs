//! What the warehouse does with one stage of one run: decided here, executed elsewhere.

use super::Class;
use crate::{Stage, messages::Cause};

/// What the warehouse remembers of an order's runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RunStory {
    /// Other runs of the order that the warehouse refused.
    pub(crate) failed_before: u32,
    /// Whether it has refused this run already: then it goes on refusing it.
    pub(crate) failed: bool,
}

/// What the warehouse does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The stage is done.
    Perform {
        /// Whether the run is to continue as new now.
        continue_as_new: bool,
    },
    /// The stage fails; another try of the same run fails again, but `retryable` says whether it is worth one.
    Fail {
        /// What the message tells.
        cause: Cause,
        /// Whether the activity may be tried again.
        retryable: bool,
    },
    /// The stage does not end before the run's timeout.
    Hang,
}

impl Class {
    /// What becomes of `stage` for an order of this class; `down` says whether the stage has its outage now.
    pub(crate) fn verdict(&self, stage: Stage, story: RunStory, down: bool) -> Verdict {
        if !self.troubles(stage) {
            return self.perform(stage);
        }
        match *self {
            Self::Smooth => self.perform(stage),
            Self::Outage { .. } if down => fail(Cause::Outage, true),
            Self::Outage { .. } => self.perform(stage),
            Self::Poison { .. } => fail(Cause::Order, false),
            Self::Slow { .. } if story.fails_up_to(1) => Verdict::Hang,
            Self::Transient { runs, .. } | Self::RetryPolicy { runs, .. }
                if story.fails_up_to(runs) =>
            {
                fail(Cause::Order, true)
            }
            Self::ContinuesAsNew { .. } if story.fails_up_to(1) => fail(Cause::Order, true),
            Self::Slow { .. }
            | Self::Transient { .. }
            | Self::RetryPolicy { .. }
            | Self::ContinuesAsNew { .. } => self.perform(stage),
        }
    }

    fn troubles(&self, stage: Stage) -> bool {
        match self {
            Self::Smooth => false,
            Self::Transient { stage: at, .. }
            | Self::Outage { stage: at }
            | Self::Poison { stage: at }
            | Self::Slow { stage: at, .. }
            | Self::RetryPolicy { stage: at, .. }
            | Self::ContinuesAsNew { stage: at } => *at == stage,
        }
    }

    /// Whether a run of an order of this class continues as new when `stage` is done.
    pub(crate) fn continues_after(&self, stage: Stage) -> bool {
        stage == Stage::Planning && matches!(self, Self::ContinuesAsNew { .. })
    }

    fn perform(&self, stage: Stage) -> Verdict {
        Verdict::Perform {
            continue_as_new: self.continues_after(stage),
        }
    }
}

impl RunStory {
    /// Whether this run is one of the order's first `runs` failed runs.
    const fn fails_up_to(self, runs: u32) -> bool {
        self.failed || self.failed_before < runs
    }
}

const fn fail(cause: Cause, retryable: bool) -> Verdict {
    Verdict::Fail { cause, retryable }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FRESH: RunStory = RunStory {
        failed_before: 0,
        failed: false,
    };
    const DONE: Verdict = Verdict::Perform {
        continue_as_new: false,
    };

    fn after(failed_before: u32) -> RunStory {
        RunStory {
            failed_before,
            ..FRESH
        }
    }

    #[test]
    fn a_transient_order_fails_its_first_runs_and_each_of_them_whole() {
        let class = Class::Transient {
            stage: Stage::Slam,
            runs: 2,
        };
        let failed = fail(Cause::Order, true);
        assert_eq!(class.verdict(Stage::Planning, FRESH, false), DONE);
        assert_eq!(class.verdict(Stage::Slam, FRESH, false), failed);
        assert_eq!(class.verdict(Stage::Slam, after(1), false), failed);
        assert_eq!(class.verdict(Stage::Slam, after(2), false), DONE);
        let refused = RunStory {
            failed_before: 2,
            failed: true,
        };
        assert_eq!(class.verdict(Stage::Slam, refused, false), failed);
    }

    #[test]
    fn an_outage_lasts_as_long_as_the_stage_is_down() {
        let class = Class::Outage {
            stage: Stage::Shipping,
        };
        let failed = fail(Cause::Outage, true);
        assert_eq!(class.verdict(Stage::Shipping, after(9), true), failed);
        assert_eq!(class.verdict(Stage::Shipping, FRESH, false), DONE);
        assert_eq!(class.verdict(Stage::Slam, FRESH, true), DONE);
    }

    #[test]
    fn poison_never_ends_and_slow_hangs_once() {
        let poison = Class::Poison { stage: Stage::Slam };
        let failed = fail(Cause::Order, false);
        assert_eq!(poison.verdict(Stage::Slam, after(99), false), failed);
        let slow = Class::Slow {
            stage: Stage::Slam,
            run_timeout_ms: 9,
        };
        assert_eq!(slow.verdict(Stage::Slam, FRESH, false), Verdict::Hang);
        assert_eq!(slow.verdict(Stage::Slam, after(1), false), DONE);
    }

    #[test]
    fn continues_as_new_after_planning() {
        let class = Class::ContinuesAsNew {
            stage: Stage::Shipping,
        };
        let handed_over = Verdict::Perform {
            continue_as_new: true,
        };
        assert_eq!(class.verdict(Stage::Planning, FRESH, false), handed_over);
        assert_eq!(class.verdict(Stage::Slam, FRESH, false), DONE);
        assert_eq!(class.verdict(Stage::Shipping, after(1), false), DONE);
    }
}

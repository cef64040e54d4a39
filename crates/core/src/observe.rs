//! The one door through which every observed close of a run comes in: what a failed run means for its order.
//!
//! A run is a candidate for the *failed run* of its order (the one a restart acts on), never an order of its own. The
//! server's description has the last word: what stands here only orders what visibility and descriptions bring in,
//! in any order and any number of times.

use jiff::Timestamp;

use crate::ids::RunId;
use crate::states::State;

/// A run of a watched workflow that closed as failed or timed out and has no successor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    /// The run.
    pub run_id: RunId,
    /// The first run of its chain.
    pub first_run_id: RunId,
    /// When it closed.
    pub closed_at: Timestamp,
}

/// What the ledger knows of the order whose run closed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Where the order stands.
    pub state: State,
    /// The failed run that a restart acts on, and when it closed. A stopped order has the run that was stopped.
    pub failed_run: RunId,
    /// When that run closed.
    pub failed_at: Timestamp,
    /// In flight: the first run of the chain that is followed, and a time before which nothing of it can have closed
    /// (its start, or the close of the failed run it was started from).
    pub followed: Option<(RunId, Timestamp)>,
    /// Closed: when.
    pub closed_at: Option<Timestamp>,
    /// Closed by an operator's `cancelled`: later failures are shown, not restarted.
    pub cancelled: bool,
}

/// What a close means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Meaning {
    /// The first failure of an order not known before.
    First,
    /// The run that was followed has failed.
    FailedAgain,
    /// A later run of the order failed: it is the new failed run.
    Newer,
    /// A closed order failed anew: a new generation begins.
    NewGeneration,
    /// It lies before what is known: kept as history.
    History,
    /// What it means cannot be told yet: it waits until the order's intent or followed run is settled.
    Later,
}

/// What `close` means for the order known as `order`; `None` where no order of its workflow id is known.
pub fn observe(order: Option<&Known>, close: &Close) -> Meaning {
    let Some(order) = order else {
        return Meaning::First;
    };
    match order.state {
        State::Claimed => Meaning::Later,
        State::InFlight => in_flight(order, close),
        State::Failed | State::Held | State::DeadLettered => {
            if close.closed_at > order.failed_at && close.run_id != order.failed_run {
                Meaning::Newer
            } else {
                Meaning::History
            }
        }
        State::Recovered | State::Resolved | State::Stopped => {
            let later = order
                .closed_at
                .is_none_or(|closed_at| close.closed_at > closed_at);
            if later && !order.cancelled {
                Meaning::NewGeneration
            } else {
                Meaning::History
            }
        }
    }
}

/// What closed before the followed run began is history; the followed chain's own failure ends it; any other close means
/// that the followed chain has ended too, and how, only a description tells.
fn in_flight(order: &Known, close: &Close) -> Meaning {
    match &order.followed {
        Some((_, since)) if close.closed_at <= *since => Meaning::History,
        Some((first_run, _)) if *first_run == close.first_run_id => Meaning::FailedAgain,
        _ => Meaning::Later,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    fn at(second: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_secs(second)
    }

    fn known(state: State) -> Known {
        Known {
            state,
            failed_run: "r0".into(),
            failed_at: at(10),
            followed: (state == State::InFlight).then(|| ("r1".into(), at(20))),
            closed_at: (!state.is_open()).then(|| at(30)),
            cancelled: false,
        }
    }

    fn close(run: &str, first: &str, closed: i64) -> Close {
        Close {
            run_id: run.into(),
            first_run_id: first.into(),
            closed_at: at(closed),
        }
    }

    #[test]
    fn an_unknown_order_has_its_first_failure() {
        assert_eq!(observe(None, &close("r0", "r0", 10)), Meaning::First);
    }

    #[test]
    fn while_an_intent_is_open_closes_wait() {
        for closed in [5, 50] {
            assert_eq!(
                observe(Some(&known(State::Claimed)), &close("r9", "r9", closed)),
                Meaning::Later
            );
        }
    }

    #[test]
    fn a_followed_chain_fails_in_whichever_of_its_runs() {
        let order = known(State::InFlight);
        assert_eq!(
            observe(Some(&order), &close("r1", "r1", 25)),
            Meaning::FailedAgain
        );
        assert_eq!(
            observe(Some(&order), &close("r2", "r1", 25)),
            Meaning::FailedAgain
        );
    }

    #[test]
    fn beside_a_followed_chain_earlier_runs_are_history_and_later_ones_wait() {
        let order = known(State::InFlight);
        assert_eq!(
            observe(Some(&order), &close("r7", "r7", 18)),
            Meaning::History
        );
        assert_eq!(
            observe(Some(&order), &close("r8", "r8", 28)),
            Meaning::Later
        );
    }

    #[test]
    fn the_failure_that_an_operators_reset_answered_is_history() {
        let reset = Known {
            followed: Some(("r1".into(), at(27))),
            ..known(State::InFlight)
        };
        assert_eq!(
            observe(Some(&reset), &close("r1", "r1", 25)),
            Meaning::History
        );
        assert_eq!(
            observe(Some(&reset), &close("r1-reset", "r1", 29)),
            Meaning::FailedAgain
        );
    }

    #[test]
    fn a_waiting_order_follows_its_latest_failure() {
        for state in [State::Failed, State::Held, State::DeadLettered] {
            let order = known(state);
            assert_eq!(
                observe(Some(&order), &close("r1", "r1", 15)),
                Meaning::Newer
            );
            assert_eq!(
                observe(Some(&order), &close("r0", "r0", 10)),
                Meaning::History
            );
            assert_eq!(observe(Some(&order), &close("q", "q", 5)), Meaning::History);
        }
    }

    #[test]
    fn a_closed_order_that_fails_anew_begins_a_generation() {
        for state in [State::Recovered, State::Resolved, State::Stopped] {
            let order = known(state);
            assert_eq!(
                observe(Some(&order), &close("r5", "r5", 40)),
                Meaning::NewGeneration
            );
            assert_eq!(
                observe(Some(&order), &close("r4", "r4", 29)),
                Meaning::History
            );
        }
    }

    #[test]
    fn after_a_cancellation_later_failures_are_only_shown() {
        let order = Known {
            cancelled: true,
            ..known(State::Resolved)
        };
        assert_eq!(
            observe(Some(&order), &close("r5", "r5", 40)),
            Meaning::History
        );
    }
}

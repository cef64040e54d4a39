//! What became of an order that an operation has taken, as rows tell it.

use redrive_core::ids::RunId;
use redrive_core::states::State;

use crate::OrderPk;

/// What the rows tell of an order that an operation has resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    pub pk: OrderPk,
    /// The generation that the retry opened.
    pub generation: u32,
    /// It is the order's current one.
    pub current: bool,
    pub state: State,
    /// Starts that the server refused in this generation.
    pub item_errors: u32,
    /// The operation's batch has looked at it.
    pub looked_at: bool,
    /// A run that was started in the generation of the retry.
    pub run: Option<RunId>,
    /// What the operation's batch said of it: its reason, or else its verdict.
    pub said: Option<String>,
    /// What any batch said of it last.
    pub said_last: Option<String>,
}

/// What is known of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Learnt {
    /// Nothing yet.
    Waits,
    /// It was started.
    Started(RunId),
    /// It could not be.
    Failed(String),
    /// There was nothing to start.
    Skipped(String),
}

/// Why an order is not dealt with that a batch will deal with later.
pub(crate) const LEFT: &str = "no batch has handled it yet; the next one does";

/// Reads the facts.
pub(crate) fn judge(facts: &Facts) -> Learnt {
    if let Some(run) = &facts.run {
        return Learnt::Started(run.clone());
    }
    if !facts.current {
        return Learnt::Skipped("it was retried again since".into());
    }
    let said = || facts.said.as_deref().map(|reason| reason.replace('_', " "));
    let last = || {
        facts
            .said_last
            .as_deref()
            .map(|reason| reason.replace('_', " "))
    };
    match facts.state {
        State::Claimed => Learnt::Waits,
        State::Failed => match said() {
            Some(reason) => Learnt::Failed(reason),
            None if facts.item_errors > 0 => {
                Learnt::Failed(last().unwrap_or_else(|| "it cannot be started".into()))
            }
            None if facts.looked_at => Learnt::Failed(LEFT.into()),
            None => Learnt::Waits,
        },
        State::DeadLettered => {
            Learnt::Failed(last().unwrap_or_else(|| "dead-lettered again".into()))
        }
        State::InFlight => Learnt::Skipped(said().unwrap_or_else(|| "already running".into())),
        state => Learnt::Skipped(said().unwrap_or_else(|| format!("it is {state}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(state: State) -> Facts {
        Facts {
            pk: 1,
            generation: 2,
            current: true,
            state,
            item_errors: 0,
            looked_at: false,
            run: None,
            said: None,
            said_last: None,
        }
    }

    #[test]
    fn what_can_still_be_started_waits() {
        assert_eq!(judge(&facts(State::Failed)), Learnt::Waits);
        let claimed = Facts {
            said: Some("answer_unknown".into()),
            ..facts(State::Claimed)
        };
        assert_eq!(judge(&claimed), Learnt::Waits);
    }

    #[test]
    fn a_run_of_the_generation_is_a_start_whatever_came_of_it() {
        for state in [
            State::InFlight,
            State::Failed,
            State::Recovered,
            State::DeadLettered,
        ] {
            let started = Facts {
                run: Some("r".into()),
                current: false,
                ..facts(state)
            };
            assert_eq!(judge(&started), Learnt::Started("r".into()), "{state}");
        }
    }

    #[test]
    fn a_refused_start_failed_whoever_tried() {
        let ours = Facts {
            said: Some("no attribute Tier".into()),
            item_errors: 1,
            ..facts(State::Failed)
        };
        assert_eq!(judge(&ours), Learnt::Failed("no attribute Tier".into()));
        let theirs = Facts {
            said: None,
            said_last: Some("no attribute Tier".into()),
            ..ours
        };
        assert_eq!(judge(&theirs), Learnt::Failed("no attribute Tier".into()));
        let buried = Facts {
            said_last: Some("cannot_start".into()),
            ..facts(State::DeadLettered)
        };
        assert_eq!(judge(&buried), Learnt::Failed("cannot start".into()));
    }

    #[test]
    fn what_this_batch_passed_over_is_left_to_the_next() {
        let passed = Facts {
            looked_at: true,
            ..facts(State::Failed)
        };
        assert_eq!(judge(&passed), Learnt::Failed(LEFT.into()));
    }

    #[test]
    fn what_went_on_without_us_is_skipped() {
        let running = Facts {
            said: Some("already_running".into()),
            ..facts(State::InFlight)
        };
        assert_eq!(judge(&running), Learnt::Skipped("already running".into()));
        assert_eq!(
            judge(&facts(State::Held)),
            Learnt::Skipped("it is held".into())
        );
        let again = Facts {
            current: false,
            ..facts(State::Failed)
        };
        assert_eq!(
            judge(&again),
            Learnt::Skipped("it was retried again since".into())
        );
    }
}

//! The states of an order, and the one table that says which event takes it from which state to which.
//!
//! *Open* orders still need something: [`State::Failed`] waits for its turn, [`State::Claimed`] is owned by a chunk,
//! [`State::InFlight`] has a run that is followed, [`State::Held`] waits for an operator, [`State::DeadLettered`] for a
//! decision. *Closed* orders need nothing: they recovered, were resolved, or a person stopped them.

use serde::{Deserialize, Serialize};

macro_rules! named_enum {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
        // The schema's macro does not see through the names below.
        #[schema(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, in the order of its declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The name in the ledger, the API and the logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),* }
            }

            /// The value of that name.
            pub fn parse(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == text)
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}
pub(crate) use named_enum;

named_enum! {
    /// Where an order stands.
    State {
        /// Its latest known run failed; it waits for its turn.
        Failed = "failed",
        /// A chunk of a batch owns it.
        Claimed = "claimed",
        /// A run of it goes on and is followed to its end.
        InFlight = "in_flight",
        /// An operator keeps it back.
        Held = "held",
        /// It waits in the dead letter queue for a decision.
        DeadLettered = "dead_lettered",
        /// A run of it completed.
        Recovered = "recovered",
        /// An operator closed it, or it was repaired outside Redrive.
        Resolved = "resolved",
        /// A person terminated or cancelled its latest run.
        Stopped = "stopped",
    }
}

impl State {
    /// Whether the order still needs something.
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Recovered | Self::Resolved | Self::Stopped)
    }
}

named_enum! {
    /// What can happen to an order.
    Event {
        /// A chunk takes it.
        Claim = "claim",
        /// Its chunk gives it back untouched.
        Release = "release",
        /// Its restart was started, or found to have been.
        Restarted = "restarted",
        /// The server refused this one start; it will be tried again.
        ItemError = "item_error",
        /// Its latest run is running, and it is not a restart of ours from this failure.
        FoundRunning = "found_running",
        /// Its latest run completed.
        FoundCompleted = "found_completed",
        /// Its latest run was terminated or cancelled by a person.
        FoundStopped = "found_stopped",
        /// Its latest run failed, and it is not the one we knew.
        FoundFailed = "found_failed",
        /// Temporal knows the workflow id no more.
        FoundGone = "found_gone",
        /// It is moved to the dead letter queue.
        DeadLetter = "dead_letter",
        /// An operator keeps it back.
        Hold = "hold",
        /// An operator lets it go on.
        Unhold = "unhold",
        /// An operator gives it a fresh budget.
        Reset = "reset",
        /// An operator retries it now, whatever was before.
        ManualRetry = "manual_retry",
        /// An operator closes its dead letter.
        Resolve = "resolve",
    }
}

/// Where `event` takes an order that is in `state`; `None` where it is refused.
///
/// A failure of a closed order ([`Event::FoundFailed`]) opens a new generation: [`crate::observe`] says when.
pub const fn next(state: State, event: Event) -> Option<State> {
    use State::{Claimed, DeadLettered, Failed, Held, InFlight, Recovered, Resolved, Stopped};
    let to = match (event, state) {
        (Event::Claim, Failed) => Claimed,
        (Event::Release | Event::ItemError, Claimed) => Failed,
        (Event::Restarted, Claimed) => InFlight,

        (Event::FoundRunning, Claimed | InFlight | Failed) => InFlight,
        (Event::FoundRunning, Held | DeadLettered) => state,

        (Event::FoundCompleted, Claimed | InFlight) => Recovered,
        (Event::FoundCompleted, Failed | Held | DeadLettered) => Resolved,

        (Event::FoundStopped, Claimed | InFlight | Failed | Held | DeadLettered) => Stopped,

        (Event::FoundFailed, Claimed | InFlight | Failed | Recovered | Resolved | Stopped) => {
            Failed
        }
        (Event::FoundFailed, Held | DeadLettered) => state,

        (Event::FoundGone | Event::DeadLetter, Claimed | Failed | Held) => DeadLettered,
        (Event::FoundGone, InFlight | DeadLettered) => DeadLettered,

        (Event::Hold, Failed) => Held,
        (Event::Unhold, Held) => Failed,
        (Event::Reset, Failed | Held | DeadLettered) => Failed,
        (Event::ManualRetry, DeadLettered | Failed | Held | Resolved | Stopped) => Failed,
        (Event::Resolve, DeadLettered) => Resolved,
        _ => return None,
    };
    Some(to)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole table, one line an event: `-` is refused.
    const TABLE: &str = "\
event           failed        claimed       in_flight     held          dead_lettered recovered     resolved      stopped
claim           claimed       -             -             -             -             -             -             -
release         -             failed        -             -             -             -             -             -
restarted       -             in_flight     -             -             -             -             -             -
item_error      -             failed        -             -             -             -             -             -
found_running   in_flight     in_flight     in_flight     held          dead_lettered -             -             -
found_completed resolved      recovered     recovered     resolved      resolved      -             -             -
found_stopped   stopped       stopped       stopped       stopped       stopped       -             -             -
found_failed    failed        failed        failed        held          dead_lettered failed        failed        failed
found_gone      dead_lettered dead_lettered dead_lettered dead_lettered dead_lettered -             -             -
dead_letter     dead_lettered dead_lettered -             dead_lettered -             -             -             -
hold            held          -             -             -             -             -             -             -
unhold          -             -             -             failed        -             -             -             -
reset           failed        -             -             failed        failed        -             -             -
manual_retry    failed        -             -             failed        failed        -             failed        failed
resolve         -             -             -             -             resolved      -             -             -
";

    #[test]
    fn every_pair_of_state_and_event_is_decided() {
        let mut table = format!("{:<16}", "event");
        for state in State::ALL {
            table += &format!("{:<14}", state.as_str());
        }
        for event in Event::ALL {
            table = table.trim_end().to_owned() + &format!("\n{:<16}", event.as_str());
            for state in State::ALL {
                table += &format!("{:<14}", next(*state, *event).map_or("-", State::as_str));
            }
        }
        assert_eq!(table.trim_end().to_owned() + "\n", TABLE);
    }

    #[test]
    fn an_open_order_is_closed_only_by_recovery_resolution_or_a_stop() {
        for state in State::ALL.iter().filter(|state| state.is_open()) {
            for event in Event::ALL {
                let closes = next(*state, *event).is_some_and(|to| !to.is_open());
                let may = matches!(
                    event,
                    Event::FoundCompleted | Event::FoundStopped | Event::Resolve
                );
                assert!(!closes || may, "{event} closed {state}");
            }
        }
    }

    #[test]
    fn names_are_read_back() {
        for state in State::ALL {
            assert_eq!(State::parse(state.as_str()), Some(*state));
        }
        assert_eq!(State::parse("gone"), None);
    }

    /// What an answer has is what its description says.
    #[test]
    fn names_are_described_as_they_are_written() {
        use crate::decide::{DeadLetterReason, RunStatus, SkipReason};
        use crate::report::{BatchStatus, VerdictKind};
        use utoipa::PartialSchema;

        macro_rules! named {
            ($($name:ident),*) => {
                $(
                    let described = serde_json::to_value($name::schema()).unwrap();
                    let names: Vec<&str> = $name::ALL.iter().map(|value| value.as_str()).collect();
                    assert_eq!(described["enum"], serde_json::json!(names), stringify!($name));
                )*
            };
        }
        named!(
            State,
            Event,
            DeadLetterReason,
            RunStatus,
            SkipReason,
            BatchStatus,
            VerdictKind
        );
    }
}

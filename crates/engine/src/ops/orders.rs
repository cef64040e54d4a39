//! What an operator does to orders one by one: hold, release, reset, and into the dead letter queue.

use redrive_core::states::State;
use redrive_core::words::plain;
use redrive_ledger::{Act, NewAuditEvent, OrderRow, Park};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Records, Result};

/// What is done to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OrderDeed {
    /// No batch restarts it until it is released.
    Hold,
    /// Batches may restart it again.
    Release,
    /// It gets a fresh budget, due at once.
    Reset,
    /// It goes into the dead letter queue, where it waits for a decision.
    DeadLetter,
}

impl OrderDeed {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Hold, Self::Release, Self::Reset, Self::DeadLetter];

    /// Its name in an address of the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Reset => "reset",
            Self::DeadLetter => "dead-letter",
        }
    }

    /// Why an order in that state does not allow it, and what to do.
    pub fn refused(self, state: State) -> String {
        let now = plain(state.as_str());
        match (self, state) {
            (Self::Hold, State::Held) => "it is held already".to_owned(),
            (_, State::Claimed) => "a batch is at it; try again when that has ended".to_owned(),
            (Self::Release, State::InFlight) => "it is in flight, not held".to_owned(),
            (_, State::InFlight) => {
                "it is in flight: wait for its run to end, or end its run with `temporal workflow terminate`".to_owned()
            }
            (_, State::DeadLettered) => {
                "it is in the dead letter queue; `redrive dlq retry`, `cancel` or `escalate` decides about it".to_owned()
            }
            (Self::Release, _) => format!("it is {now}, not held"),
            _ => format!("it is {now}, so it needs nothing more"),
        }
    }
}

impl Records {
    /// Does it to an order, and returns it as it is then. `Err(state)` inside: the state does not allow it.
    pub async fn act_on(
        &self,
        id: &str,
        deed: OrderDeed,
        by: &NewAuditEvent,
    ) -> Result<std::result::Result<OrderRow, State>> {
        let act = match deed {
            OrderDeed::Hold => Act::Hold,
            OrderDeed::Release => Act::Release,
            OrderDeed::Reset => Act::Reset,
            OrderDeed::DeadLetter => {
                return Ok(match self.park(id, &Park::from(by.clone())).await? {
                    Ok(_) => Ok(self.show_order(id).await?.order),
                    Err(state) => Err(state),
                });
            }
        };
        Ok(self.act(id, act, by).await?.map(|order| *order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deed_has_one_name() {
        for deed in OrderDeed::ALL {
            let name = serde_json::to_value(deed).expect("a name is JSON");
            assert_eq!(name, deed.as_str());
        }
    }

    #[test]
    fn each_state_has_its_reason() {
        for (deed, state, reason) in [
            (OrderDeed::Hold, State::Held, "it is held already"),
            (OrderDeed::Release, State::Failed, "it is failed, not held"),
            (
                OrderDeed::Release,
                State::InFlight,
                "it is in flight, not held",
            ),
            (
                OrderDeed::Reset,
                State::Claimed,
                "a batch is at it; try again when that has ended",
            ),
            (
                OrderDeed::DeadLetter,
                State::Recovered,
                "it is recovered, so it needs nothing more",
            ),
        ] {
            assert_eq!(deed.refused(state), reason);
        }
    }
}

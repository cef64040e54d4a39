//! What a page says of what was done on the page before. Only a key goes through the address, so that nobody can put words of
//! his own on a page.

use serde::Deserialize;

macro_rules! said {
    ($($key:ident = $name:literal: $words:literal,)*) => {
        /// What was done.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
        pub(super) enum Key {
            $(#[serde(rename = $name)] $key,)*
        }

        impl Key {
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$key => $name),* }
            }

            /// The same in words.
            pub const fn words(self) -> &'static str {
                match self { $(Self::$key => $words),* }
            }
        }
    };
}

said! {
    Held = "held": "It is held back: no batch restarts it until it is released.",
    Released = "released": "It is released: the next batch may restart it.",
    Reset = "reset": "It has a fresh budget, and the next batch may restart it.",
    Parked = "parked": "It is in the dead letter queue: it waits for a decision.",
    Cancelled = "cancelled": "It is given up.",
    Escalated = "escalated": "It is handed to somebody else.",
    Started = "started": "It is started again.",
    NotStarted = "not-started": "It was not started: its story says why.",
    WillStart = "will-start": "It has not started yet: every start is halted, no worker is at it, or Temporal refuses. Its retry is decided: Redrive goes on with it.",
    Unsaid = "unsaid": "Nothing was done: say why, for whoever looks at it next.",
    DecidedBefore = "decided-before": "Nothing was done: somebody has decided it before.",
    NotNow = "not-now": "Nothing was done: where the order stands now does not allow it.",
    WorkPaused = "work-paused": "It is paused.",
    WorkResumed = "work-resumed": "It goes on.",
    WorkTold = "work-told": "It was told, and hears it when a worker goes on with it.",
    OperationStopped = "operation-stopped": "It is ending: what it has taken is finished, the rest stays in the queue.",
    BatchStopped = "batch-stopped": "It is ending: what it has not touched is given back.",
    Paused = "paused": "It is paused: no batch starts by itself.",
    Resumed = "resumed": "It ticks again.",
    Busy = "busy": "Nothing was started: a batch of the schedule runs.",
    Asked = "asked": "It was asked to tick, and has not shown it yet.",
}

/// What the page before has to say.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    said: Option<Key>,
}

impl Said {
    pub fn words(&self) -> Option<&'static str> {
        self.said.map(Key::words)
    }
}

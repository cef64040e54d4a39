//! The six stages of an order, in the order in which they are done.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One step of an order: an activity of the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// The order's data is checked.
    Validation,
    /// Stock is reserved and a route is chosen.
    Planning,
    /// The warehouse execution system picks the items.
    WesExecution,
    /// Scan, label, apply, manifest.
    Slam,
    /// The parcel goes to its chute.
    Sortation,
    /// The carrier takes it.
    Shipping,
}

impl Stage {
    /// Every stage, first to last.
    pub const ALL: [Self; 6] = [
        Self::Validation,
        Self::Planning,
        Self::WesExecution,
        Self::Slam,
        Self::Sortation,
        Self::Shipping,
    ];

    /// The name in JSON, in the log, and of the activity.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Validation => "validation",
            Self::Planning => "planning",
            Self::WesExecution => "wes_execution",
            Self::Slam => "slam",
            Self::Sortation => "sortation",
            Self::Shipping => "shipping",
        }
    }

    /// The type of the application failure of a workflow that gave up at this stage.
    #[must_use]
    pub fn failure_type(self) -> String {
        format!("{}_failed", self.name())
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

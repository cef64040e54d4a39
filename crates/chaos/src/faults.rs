//! What goes wrong within a worker beside its death: answers that are lost or late, a clock that steps.

use std::time::Duration;

use redrive_engine::gateway::Odds;

/// A late answer comes so late at most: past the two seconds for which a description is believed.
const LATEST: Duration = Duration::from_secs(3);

/// The faults.
#[derive(Debug, Clone, Copy, PartialEq, clap::Args)]
pub(crate) struct Faults {
    /// The share of Temporal's answers that a worker never hears, although the server has acted.
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub lost_replies: f64,
    /// The share of answers that come up to three seconds late.
    #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
    pub late_replies: f64,
    /// A worker's clock steps by up to so many seconds, forwards and backwards; 0: it is right.
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub clock_steps: u32,
}

impl Faults {
    /// What becomes of answers.
    pub fn odds(self) -> Odds {
        Odds {
            lost: self.lost_replies,
            late: self.late_replies,
            latest: LATEST,
        }
    }

    /// As a worker is told them.
    pub fn arguments(self) -> [String; 3] {
        [
            format!("--lost-replies={}", self.lost_replies),
            format!("--late-replies={}", self.late_replies),
            format!("--clock-steps={}", self.clock_steps),
        ]
    }
}

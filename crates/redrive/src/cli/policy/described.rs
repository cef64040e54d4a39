//! A failure described by flags, as Temporal would tell it.

use clap::Args;
use redrive_core::failure::{Cause, FailureFacts, TimeoutKind};
use redrive_core::policy::Policy;

/// A failure.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "A failure")]
pub struct Described {
    /// The type of the application failure
    #[arg(long = "type", value_name = "NAME")]
    failure_type: Option<String>,
    /// The message of the failure
    #[arg(long, value_name = "TEXT")]
    message: Option<String>,
    /// The type of the activity that failed
    #[arg(long, value_name = "NAME")]
    activity: Option<String>,
    /// The limit that was hit: start_to_close, schedule_to_start, schedule_to_close or heartbeat
    #[arg(long, value_name = "KIND")]
    timeout: Option<TimeoutKind>,
    /// The run timed out as a whole
    #[arg(long, conflicts_with_all = ["failure_type", "message", "activity", "timeout"])]
    run_timed_out: bool,
    /// The workflow type of the run that failed [default: the first that the policy watches]
    #[arg(long, value_name = "NAME")]
    workflow_type: Option<String>,
}

impl Described {
    /// What is described, if anything is: the causes as Temporal would chain them, the wrapper of the activity outside.
    pub fn facts(&self) -> Option<FailureFacts> {
        if self.run_timed_out {
            return Some(FailureFacts::run_timed_out());
        }
        let wrapper = self.activity.as_deref();
        let mut chain: Vec<Cause> = wrapper
            .map(|activity| Cause::activity(activity, "activity error"))
            .into_iter()
            .collect();
        let message = self.message.as_deref().unwrap_or_default();
        let raised = self.failure_type.is_some() || self.message.is_some();
        match self.timeout {
            // The message is the limit's, unless something was raised that has a type.
            Some(kind) if self.failure_type.is_none() => chain.push(Cause::timeout(kind, message)),
            Some(kind) => chain.push(Cause::timeout(kind, "")),
            None => {}
        }
        if self.failure_type.is_some() || (raised && self.timeout.is_none()) {
            let failure_type = self.failure_type.as_deref().unwrap_or_default();
            chain.push(Cause::application(failure_type, message));
        }
        (!chain.is_empty()).then(|| FailureFacts::new(chain))
    }

    /// The workflow type.
    pub fn workflow_type(&self, policy: &Policy) -> String {
        let watched = policy.watch.first().map(|watch| &watch.workflow_type);
        let named = self.workflow_type.as_ref().or(watched);
        named.cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        described: Described,
    }

    fn facts(arguments: &str) -> Option<FailureFacts> {
        let words = std::iter::once("test").chain(arguments.split_whitespace());
        Line::parse_from(words).described.facts()
    }

    #[test]
    fn flags_become_the_chain_that_temporal_tells() {
        use TimeoutKind::Heartbeat;
        let wrapper = || Cause::activity("A", "activity error");
        let table = [
            ("--type T --message m", vec![Cause::application("T", "m")]),
            ("--message m", vec![Cause::application("", "m")]),
            ("--activity A", vec![wrapper()]),
            (
                "--activity A --message m",
                vec![wrapper(), Cause::application("", "m")],
            ),
            (
                "--activity A --timeout heartbeat --message m",
                vec![wrapper(), Cause::timeout(Heartbeat, "m")],
            ),
            (
                "--timeout heartbeat --type T --message m",
                vec![Cause::timeout(Heartbeat, ""), Cause::application("T", "m")],
            ),
        ];
        for (arguments, chain) in table {
            assert_eq!(
                facts(arguments),
                Some(FailureFacts::new(chain)),
                "{arguments}"
            );
        }
        assert_eq!(
            facts("--run-timed-out"),
            Some(FailureFacts::run_timed_out())
        );
        assert_eq!(facts("--workflow-type W"), None);
    }
}

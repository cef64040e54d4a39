//! What an operation's workflow is given, and what it tells of itself.

use redrive_core::ids::{BatchId, OperationId};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::activities::{OperationCounts, OperationReport};
use crate::input::read_leniently;

/// The input of [`crate::DeadLetterOperationWorkflow`].
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationInput {
    /// The operation; what it is about stands in the ledger.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<OperationId>,
    /// How far earlier runs of this workflow have come; `None`: it is the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part: Option<OperationPart>,
    /// What is wrong with the input, in a sentence.
    #[serde(skip)]
    pub refused: Option<String>,
}

/// How far a workflow has come with its operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OperationPart {
    /// The operation.
    pub id: OperationId,
    /// The batch that works for it: this workflow.
    pub batch: BatchId,
    /// The next page's number.
    pub next_page: u32,
    /// The next chunk's number.
    pub next_chunk: u32,
    /// Rounds in which nothing could be started, since one in which something could.
    #[serde(default)]
    pub idle: u32,
    /// What it told last, and was told.
    #[serde(default)]
    pub so_far: OperationProgress,
}

/// How far an operation is: the answer of its query `progress`, and its result.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct OperationProgress {
    /// The operation.
    pub operation_id: String,
    /// The batch that works for it.
    pub batch_id: String,
    /// What it is doing: `beginning`, `taking`, `starting`, `waiting`, `paused`, `ending`, `ended`.
    pub phase: String,
    /// Its numbers, as the last page told them.
    #[serde(flatten)]
    pub counts: OperationCounts,
    /// Whether an operator paused it.
    pub paused: bool,
    /// Whether an operator stopped it.
    pub stopping: bool,
    /// Starts a second, at most; `None`: as fast as everything.
    pub per_second: Option<f64>,
}

impl OperationProgress {
    /// Takes in what an activity has told.
    pub(crate) fn learn(&mut self, report: &OperationReport) {
        self.counts = report.counts;
        self.per_second = report.per_second;
    }
}

/// The keys of an input.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Keys {
    operation: Option<OperationId>,
    part: Option<OperationPart>,
}

impl OperationInput {
    fn read(value: Value) -> Result<Self, String> {
        let keys: Option<Keys> = serde_json::from_value(value)
            .map_err(|error| format!("the input cannot be read: {error}"))?;
        let Keys { operation, part } = keys.unwrap_or_default();
        if operation.is_none() {
            return Err(
                "the input names no operation: `redrive dlq retry` starts one as it should be"
                    .into(),
            );
        }
        Ok(Self {
            operation,
            part,
            refused: None,
        })
    }
}
read_leniently!(OperationInput);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_input_reads_back_what_it_wrote() {
        let input = OperationInput {
            operation: Some("o".into()),
            part: Some(OperationPart {
                id: "o".into(),
                batch: "b".into(),
                next_page: 3,
                next_chunk: 12,
                idle: 2,
                so_far: OperationProgress {
                    paused: true,
                    per_second: Some(2.5),
                    ..OperationProgress::default()
                },
            }),
            refused: None,
        };
        let json = serde_json::to_value(&input).unwrap();
        assert_eq!(OperationInput::read(json), Ok(input));
    }

    #[test]
    fn what_names_no_operation_is_refused_in_a_sentence() {
        for (value, says) in [
            (json!({}), "the input names no operation"),
            (json!(null), "the input names no operation"),
            (json!({"operation": 7}), "the input cannot be read"),
        ] {
            let refused = OperationInput::read(value.clone()).unwrap_err();
            assert!(refused.starts_with(says), "{value}: {refused}");
        }
    }
}

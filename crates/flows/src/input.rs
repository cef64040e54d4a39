//! What the workflows are given, read leniently: foreign clients write it by hand.
//!
//! Nothing, `null`, `{}` and unknown keys are accepted. What cannot be meant (a negative number, a text for a number)
//! fails the workflow at once, in a sentence; an input that did not decode would fail its workflow task for ever.

use jiff::Timestamp;
use redrive_core::decide::BatchRules;
use redrive_core::ids::{BatchId, WorkflowId};
use redrive_core::report::ReprocessingResult;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
pub(crate) use temporalio_common::data_converters::{
    PayloadConversionError, SerializationContext, TemporalDeserializable,
};
pub(crate) use temporalio_common::protos::temporal::api::common::v1::Payload;

use crate::deadline::Deadline;
use crate::orchestration::Progress;

/// The input of [`crate::ReprocessingBatchWorkflow`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BatchInput {
    /// Handle at most so many orders; `None`: all that are due.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_orders: Option<u32>,
    /// What is wrong with the input, in a sentence.
    #[serde(skip)]
    pub refused: Option<String>,
}

/// The input of [`crate::ReprocessingOrchestrationWorkflow`].
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OrchestrationInput {
    /// Only these failure statuses, and this budget, whatever the policy says.
    #[serde(flatten)]
    pub rules: BatchRules,
    /// Orders a chunk; `None`: the policy's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub batch_size: Option<u32>,
    /// A result to add this one to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accumulated_result: Option<ReprocessingResult>,
    /// How many times it has continued as new.
    pub continuation_count: u32,
    /// Handle at most so many orders.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_orders: Option<u32>,
    /// Only this order: an operator's retry. Nothing is scanned or settled for it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<WorkflowId>,
    /// The batch it works for; `None`: it is a batch of its own, and this is its first run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub part_of: Option<PartOf>,
    /// What is wrong with the input, in a sentence.
    #[serde(skip)]
    pub refused: Option<String>,
}

/// The batch that an orchestration works for, and how far it has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PartOf {
    /// The batch.
    pub batch: BatchId,
    /// Its times.
    pub deadline: Deadline,
    /// Orders a chunk.
    pub batch_size: u32,
    /// Set once scan and settle are done: orders due by then are this batch's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_by: Option<Timestamp>,
    /// The next chunk's number.
    #[serde(default)]
    pub next_chunk: u32,
    /// How many chunks went on at the same time at the end of the last run; 0 in the first.
    #[serde(default)]
    pub width: usize,
    /// A scan failed.
    #[serde(default)]
    pub scan_failed: bool,
    /// A settle failed.
    #[serde(default)]
    pub settle_failed: bool,
    /// A scan or settle ran out of time: work is left that nobody has looked at.
    #[serde(default)]
    pub unfinished: bool,
    /// The orchestration opened this batch itself: it is no batch's child, whoever started it.
    #[serde(default)]
    pub own: bool,
    /// How far earlier runs have come, and what operators told them.
    #[serde(default)]
    pub so_far: Progress,
}

impl BatchInput {
    fn read(value: Value) -> Result<Self, String> {
        let keys = object(value)?;
        Ok(Self {
            max_orders: limit(&keys, "maxOrders")?,
            refused: None,
        })
    }
}

impl OrchestrationInput {
    fn read(value: Value) -> Result<Self, String> {
        let keys = object(value)?;
        Ok(Self {
            rules: BatchRules {
                failure_statuses: statuses(&keys)?,
                max_retries: count(&keys, "maxRetries")?,
            },
            batch_size: limit(&keys, "batchSize")?,
            accumulated_result: typed(&keys, "accumulatedResult")?,
            continuation_count: count(&keys, "continuationCount")?.unwrap_or(0),
            max_orders: limit(&keys, "maxOrders")?,
            order: typed(&keys, "order")?,
            part_of: typed(&keys, "partOf")?,
            refused: None,
        })
    }
}

fn object(value: Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Null => Ok(Map::new()),
        Value::Object(keys) => Ok(keys),
        other => Err(format!(
            "the input is {}: send an object such as {{\"maxOrders\": 200}}, or nothing",
            kind(&other)
        )),
    }
}

/// A count from 0 on.
fn count(keys: &Map<String, Value>, key: &str) -> Result<Option<u32>, String> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let count = number.as_u64().and_then(|count| u32::try_from(count).ok());
            count.map(Some).ok_or_else(|| {
                format!(
                    "{key} is {number}: send a whole number from 0 to {}",
                    u32::MAX
                )
            })
        }
        Some(other) => Err(format!(
            "{key} is {}: send a whole number from 0 to {}",
            kind(other),
            u32::MAX
        )),
    }
}

/// A limit: 0 is Go's zero value and means that none was given.
fn limit(keys: &Map<String, Value>, key: &str) -> Result<Option<u32>, String> {
    Ok(count(keys, key)?.filter(|limit| *limit > 0))
}

fn statuses(keys: &Map<String, Value>) -> Result<Vec<String>, String> {
    let refused = || {
        "failureStatuses is not a list of texts: send one such as [\"shipping_failed\"]".to_owned()
    };
    match keys.get("failureStatuses") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(value) => serde_json::from_value(value.clone()).map_err(|_| refused()),
    }
}

fn typed<T: serde::de::DeserializeOwned>(
    keys: &Map<String, Value>,
    key: &str,
) -> Result<Option<T>, String> {
    match keys.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(value) => serde_json::from_value(value.clone())
            .map(Some)
            .map_err(|error| format!("{key} cannot be read: {error}")),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}

/// The first argument as JSON; a missing one, or an empty payload, is `null`.
pub(crate) fn first_argument(payloads: &[Payload]) -> Result<Value, String> {
    match payloads.first() {
        None => Ok(Value::Null),
        Some(payload) if payload.data.is_empty() => Ok(Value::Null),
        Some(payload) => {
            serde_json::from_slice(&payload.data).map_err(|_| "the input is not JSON".to_owned())
        }
    }
}

macro_rules! read_leniently {
    ($input:ty) => {
        impl $crate::input::TemporalDeserializable for $input {
            fn from_payload(
                ctx: &$crate::input::SerializationContext<'_>,
                payload: $crate::input::Payload,
            ) -> Result<Self, $crate::input::PayloadConversionError> {
                Self::from_payloads(ctx, vec![payload])
            }

            fn from_payloads(
                _: &$crate::input::SerializationContext<'_>,
                payloads: Vec<$crate::input::Payload>,
            ) -> Result<Self, $crate::input::PayloadConversionError> {
                let read = $crate::input::first_argument(&payloads).and_then(Self::read);
                Ok(read.unwrap_or_else(|refused| Self {
                    refused: Some(refused),
                    ..Self::default()
                }))
            }
        }
    };
}
pub(crate) use read_leniently;
read_leniently!(BatchInput);
read_leniently!(OrchestrationInput);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn max_orders(value: Value) -> Result<Option<u32>, String> {
        BatchInput::read(value).map(|input| input.max_orders)
    }

    #[test]
    fn nothing_null_and_an_empty_object_are_no_limit() {
        assert_eq!(first_argument(&[]), Ok(Value::Null));
        for value in [
            Value::Null,
            json!({}),
            json!({"maxOrders": null}),
            json!({"maxOrders": 0}),
            json!({"colour": 1}),
        ] {
            assert_eq!(max_orders(value.clone()), Ok(None), "{value}");
        }
        assert_eq!(max_orders(json!({"maxOrders": 200})), Ok(Some(200)));
    }

    #[test]
    fn what_cannot_be_meant_is_refused_in_a_sentence() {
        for (value, says) in [
            (
                json!({"maxOrders": -1}),
                "maxOrders is -1: send a whole number",
            ),
            (
                json!({"maxOrders": 1.5}),
                "maxOrders is 1.5: send a whole number",
            ),
            (
                json!({"maxOrders": "200"}),
                "maxOrders is a text: send a whole number",
            ),
            (json!([1]), "the input is a list: send an object"),
        ] {
            let refused = max_orders(value.clone()).unwrap_err();
            assert!(refused.starts_with(says), "{value}: {refused}");
        }
    }

    #[test]
    fn an_orchestration_reads_back_what_it_wrote() {
        let input = OrchestrationInput {
            rules: BatchRules {
                failure_statuses: vec!["shipping_failed".into()],
                max_retries: Some(3),
            },
            batch_size: Some(50),
            accumulated_result: Some(ReprocessingResult {
                found_count: 7,
                ..Default::default()
            }),
            continuation_count: 2,
            max_orders: Some(10),
            order: Some("order-1".into()),
            part_of: Some(PartOf {
                batch: "b".into(),
                deadline: Deadline::of(
                    Timestamp::UNIX_EPOCH,
                    crate::options::EXECUTION_TIMEOUT,
                    crate::options::EXECUTION_TIMEOUT,
                ),
                batch_size: 50,
                due_by: Some(Timestamp::UNIX_EPOCH),
                next_chunk: 51,
                width: 8,
                scan_failed: true,
                settle_failed: false,
                unfinished: true,
                own: true,
                so_far: Progress {
                    chunks_started: 50,
                    paused: true,
                    ..Progress::default()
                },
            }),
            refused: None,
        };
        let json = serde_json::to_value(&input).unwrap();
        assert_eq!(OrchestrationInput::read(json), Ok(input));
    }

    #[test]
    fn the_keys_of_the_spec_are_read() {
        let input = OrchestrationInput::read(json!({
            "failureStatuses": ["slam_failed"], "maxRetries": 2, "batchSize": 5000,
            "accumulatedResult": {"foundCount": 3, "restartedCount": 3}, "continuationCount": 1,
        }))
        .unwrap();
        assert_eq!(input.rules.failure_statuses, ["slam_failed"]);
        assert_eq!(input.rules.max_retries, Some(2));
        assert_eq!(input.accumulated_result.unwrap().restarted_count, 3);
        let refused =
            OrchestrationInput::read(json!({"failureStatuses": "slam_failed"})).unwrap_err();
        assert!(refused.contains("send one such as"), "{refused}");
    }
}

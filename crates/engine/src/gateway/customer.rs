//! An order's customer id, from where the watched type says that it stands. Nothing else is read from a payload.

use prost::Message;
use redrive_core::policy::CustomerId;
use serde_json::Value;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

/// The longest id that is kept, in characters: a place that was named by mistake may hold anything.
const LONGEST: usize = 200;

/// The customer id in an encoded start request; `None` where it does not stand there, or cannot be read.
pub(crate) fn customer_id(request: &[u8], place: &CustomerId) -> Option<String> {
    if *place == CustomerId::None {
        return None;
    }
    let request = StartWorkflowExecutionRequest::decode(request).ok()?;
    let value = match place {
        CustomerId::None => return None,
        CustomerId::Input(pointer) => {
            let input = request.input?;
            json(input.payloads.first()?)?.pointer(pointer)?.clone()
        }
        CustomerId::SearchAttribute(name) => {
            json(request.search_attributes?.indexed_fields.get(name)?)?
        }
        CustomerId::Memo(name) => json(request.memo?.fields.get(name)?)?,
    };
    let id = match value {
        Value::String(text) => text,
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    Some(id).filter(|id| !id.is_empty() && id.chars().count() <= LONGEST)
}

fn json(payload: &Payload) -> Option<Value> {
    serde_json::from_slice(&payload.data).ok()
}

#[cfg(test)]
mod tests {
    use redrive_core::policy::CustomerId;
    use serde_json::json;
    use temporalio_common::protos::temporal::api::common::v1::{Memo, Payloads, SearchAttributes};

    use super::*;

    fn payload(value: &Value) -> Payload {
        Payload {
            data: serde_json::to_vec(value).unwrap(),
            ..Payload::default()
        }
    }

    fn request(input: &Value) -> Vec<u8> {
        let named = |value: &Value| [("customer".to_owned(), payload(value))].into();
        StartWorkflowExecutionRequest {
            input: Some(Payloads {
                payloads: vec![payload(input)],
            }),
            memo: Some(Memo {
                fields: named(&json!("in the memo")),
            }),
            search_attributes: Some(SearchAttributes {
                indexed_fields: named(&json!("an attribute")),
            }),
            ..Default::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn it_is_read_from_the_place_that_is_named_and_nowhere_else() {
        let order = json!({"customerId": "C-1", "customer": {"id": 17}, "items": ["x"]});
        for (place, found) in [
            ("input:/customerId", Some("C-1")),
            ("input:/customer/id", Some("17")),
            ("input:/items", None),
            ("input:/nothing", None),
            ("memo:customer", Some("in the memo")),
            ("memo:nothing", None),
            ("search_attribute:customer", Some("an attribute")),
            ("", None),
        ] {
            let place: CustomerId = place.parse().unwrap();
            assert_eq!(
                customer_id(&request(&order), &place).as_deref(),
                found,
                "{place}"
            );
        }
    }

    #[test]
    fn what_is_no_id_is_none() {
        let place = CustomerId::default();
        let long = "x".repeat(LONGEST + 1);
        for input in [
            json!("text"),
            json!({"customerId": ""}),
            json!({"customerId": long}),
            json!(null),
        ] {
            assert_eq!(customer_id(&request(&input), &place), None, "{input}");
        }
        assert_eq!(customer_id(b"\xff\xff", &place), None);
        let encrypted = StartWorkflowExecutionRequest {
            input: Some(Payloads {
                payloads: vec![Payload {
                    data: vec![0, 159, 146, 150],
                    ..Payload::default()
                }],
            }),
            ..Default::default()
        };
        assert_eq!(customer_id(&encrypted.encode_to_vec(), &place), None);
    }
}

//! Which workflow types are watched, and how an order's id is read from a workflow id.

use serde::{Deserialize, Serialize};

use super::CustomerId;

/// The workflow type watched by default.
pub const DEFAULT_WORKFLOW_TYPE: &str = "OrderFulfillmentWorkflow";

/// The template of workflow ids by default.
pub const DEFAULT_ORDER_ID: &str = "order-fulfillment-{orderId}";

/// What stands for the order's id in a template.
pub const ORDER_ID_PLACEHOLDER: &str = "{orderId}";

/// One watched workflow type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "snake_case")]
pub struct Watch {
    /// The workflow type's name, exactly as Temporal knows it.
    pub workflow_type: String,
    /// The template of its workflow ids, with `{orderId}` in it once. Default [`DEFAULT_ORDER_ID`].
    #[serde(default = "default_order_id")]
    pub order_id: String,
    /// Where the customer id stands. Default `input:/customerId`; `""`: nowhere.
    #[serde(default)]
    pub customer_id: CustomerId,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            workflow_type: DEFAULT_WORKFLOW_TYPE.to_owned(),
            order_id: default_order_id(),
            customer_id: CustomerId::default(),
        }
    }
}

fn default_order_id() -> String {
    DEFAULT_ORDER_ID.to_owned()
}

impl Watch {
    /// The order's id in a workflow id. Where the template does not match, or leaves no id, it is the workflow id.
    pub fn order_id_of(&self, workflow_id: &str) -> String {
        self.matched(workflow_id).unwrap_or(workflow_id).to_owned()
    }

    /// The workflow id of an order, by the template.
    pub fn workflow_id_of(&self, order_id: &str) -> String {
        self.order_id.replacen(ORDER_ID_PLACEHOLDER, order_id, 1)
    }

    fn matched<'id>(&self, workflow_id: &'id str) -> Option<&'id str> {
        let (before, after) = self.order_id.split_once(ORDER_ID_PLACEHOLDER)?;
        let order_id = workflow_id.strip_prefix(before)?.strip_suffix(after)?;
        Some(order_id).filter(|order_id| !order_id.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(template: &str) -> Watch {
        Watch {
            order_id: template.to_owned(),
            ..Watch::default()
        }
    }

    #[test]
    fn a_workflow_id_is_made_by_the_template() {
        let made = watch("shop:{orderId}:v2").workflow_id_of("A{orderId}");
        assert_eq!(made, "shop:A{orderId}:v2");
        assert_eq!(watch("shop:{orderId}:v2").order_id_of(&made), "A{orderId}");
    }

    #[test]
    fn the_order_id_is_read_by_the_template() {
        let table = [
            (DEFAULT_ORDER_ID, "order-fulfillment-ORD-1", "ORD-1"),
            (DEFAULT_ORDER_ID, "order-fulfillment-", "order-fulfillment-"),
            (DEFAULT_ORDER_ID, "refund-7", "refund-7"),
            (DEFAULT_ORDER_ID, "", ""),
            ("{orderId}", "refund-7", "refund-7"),
            ("{orderId}/ship", "A1/ship", "A1"),
            ("shop:{orderId}:v2", "shop:A:B:v2", "A:B"),
            ("shop:{orderId}:v2", "shop:A:v3", "shop:A:v3"),
            ("aa{orderId}aa", "aaa", "aaa"),
            ("no placeholder", "no placeholder", "no placeholder"),
        ];
        for (template, workflow_id, order_id) in table {
            assert_eq!(
                watch(template).order_id_of(workflow_id),
                order_id,
                "{template} on {workflow_id}"
            );
        }
    }

    #[test]
    fn a_watch_needs_a_type_and_knows_the_usual_template() {
        let read: Watch = toml::from_str("workflow_type = 'Refund'").unwrap();
        assert_eq!(
            (read.workflow_type.as_str(), read.order_id.as_str()),
            ("Refund", DEFAULT_ORDER_ID)
        );
        assert!(toml::from_str::<Watch>("order_id = '{orderId}'").is_err());
        assert!(toml::from_str::<Watch>("workflow_type = 'Refund'\nid = '{orderId}'").is_err());
    }
}

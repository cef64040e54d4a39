//! The input of an order workflow, as an order service sends it.

use jiff::{SignedDuration, Timestamp};
use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

use crate::Stage;

/// Stands in every sampled order's payload and nowhere else: what the demo prints is searched for it, since payloads
/// appear in no log, error message or report of Redrive.
pub const PAYLOAD_MARKER: &str = "marker-5c1e9a";

/// Promises of sampled orders count from here, so that the same seed gives the same payload on any day.
const PROMISES_FROM: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// One order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OrderInput {
    /// The order's id.
    pub order_id: String,
    /// Who ordered.
    pub customer_id: String,
    /// What was ordered.
    pub items: Vec<Item>,
    /// How soon it is to arrive.
    pub priority: Priority,
    /// When it was promised to arrive.
    pub promised_delivery_at: Timestamp,
    /// Whether it holds more than one piece.
    pub is_multi_item: bool,
    /// What it is worth, in the shop's currency.
    pub total_value: f64,
    /// What earlier runs of the chain have done; only continue-as-new fills it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub completed_stages: Vec<Stage>,
}

/// One line of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// The article.
    pub sku: String,
    /// How many pieces.
    pub quantity: u32,
    /// Weight of one piece in kilograms.
    pub weight: f64,
}

/// How soon an order is to arrive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Today.
    SameDay,
    /// Tomorrow.
    NextDay,
    /// When it comes.
    Standard,
}

/// The workflow id of an order.
#[must_use]
pub fn workflow_id(order_id: &str) -> String {
    format!("order-fulfillment-{order_id}")
}

impl OrderInput {
    /// A plausible order, the same for the same `seed` and `order_id`.
    #[must_use]
    pub fn sample(seed: u64, order_id: &str) -> Self {
        let mut rng = StdRng::seed_from_u64(seed ^ stable_hash(&[order_id]));
        let items: Vec<Item> = (0..rng.random_range(1..=4))
            .map(|_| sample_item(&mut rng))
            .collect();
        let pieces: u32 = items.iter().map(|item| item.quantity).sum();
        let hours = rng.random_range(4..120);
        Self {
            order_id: order_id.to_owned(),
            customer_id: format!("CUST-{PAYLOAD_MARKER}-{:05}", rng.random_range(0..100_000)),
            items,
            priority: sample_priority(&mut rng),
            promised_delivery_at: PROMISES_FROM + SignedDuration::from_hours(hours),
            is_multi_item: pieces > 1,
            total_value: f64::from(rng.random_range(500..50_000)) / 100.0,
            completed_stages: Vec::new(),
        }
    }
}

fn sample_item(rng: &mut StdRng) -> Item {
    Item {
        sku: format!("SKU-{:06}", rng.random_range(0..1_000_000)),
        quantity: rng.random_range(1..=3),
        weight: f64::from(rng.random_range(1..200)) / 10.0,
    }
}

fn sample_priority(rng: &mut StdRng) -> Priority {
    match rng.random_range(0..10) {
        0..2 => Priority::SameDay,
        2..5 => Priority::NextDay,
        _ => Priority::Standard,
    }
}

/// FNV-1a: the same number on every machine and with every toolchain, as the standard hasher does not promise.
pub(crate) fn stable_hash(parts: &[&str]) -> u64 {
    parts
        .iter()
        .flat_map(|part| part.bytes().chain([0]))
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_as_the_order_service_writes_it() {
        let order = OrderInput::sample(7, "ORD-1");
        let json = serde_json::to_value(&order).unwrap();
        let mut keys: Vec<_> = json.as_object().unwrap().keys().collect();
        keys.sort();
        assert_eq!(
            keys,
            [
                "customerId",
                "isMultiItem",
                "items",
                "orderId",
                "priority",
                "promisedDeliveryAt",
                "totalValue"
            ]
        );
        assert_eq!(serde_json::from_value::<OrderInput>(json).unwrap(), order);
    }

    #[test]
    fn the_same_seed_gives_the_same_order() {
        assert_eq!(
            OrderInput::sample(7, "ORD-1"),
            OrderInput::sample(7, "ORD-1")
        );
        assert_ne!(
            OrderInput::sample(7, "ORD-1").items,
            OrderInput::sample(8, "ORD-1").items
        );
    }
}

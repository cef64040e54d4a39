//! What the warehouse says when it cannot do a stage: a few shapes a stage, no two messages alike.
//!
//! *Shape*: the sentence with its ids, numbers, times and addresses taken out; what a fingerprint should find
//! again. Shape 0 is the outage's, so that an outage is one failure group; an order keeps its shape.

use jiff::Timestamp;
use rand::{Rng, SeedableRng, rngs::StdRng};
use uuid::Uuid;

use crate::{Stage, order::stable_hash};

/// Shapes a stage has.
const SHAPES: u64 = 3;

/// Why a stage fails, as far as the message tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// Something outside is down: one shape for all orders.
    Outage,
    /// It lies with this order.
    Order,
}

/// A message for one try of one run.
pub(crate) fn message(
    stage: Stage,
    cause: Cause,
    order_id: &str,
    run_id: &str,
    attempt: u32,
    at: Timestamp,
) -> String {
    let shape = match cause {
        Cause::Outage => 0,
        Cause::Order => 1 + stable_hash(&[order_id]) % (SHAPES - 1),
    };
    let seed = stable_hash(&[order_id, run_id, &attempt.to_string()]);
    let mut noise = Noise(StdRng::seed_from_u64(seed));
    phrase(stage, shape, order_id, &mut noise, at)
}

fn phrase(stage: Stage, shape: u64, order: &str, noise: &mut Noise, at: Timestamp) -> String {
    match stage {
        Stage::Validation => validation(shape, order, noise, at),
        Stage::Planning => planning(shape, order, noise, at),
        Stage::WesExecution => wes_execution(shape, order, noise, at),
        Stage::Slam => slam(shape, order, noise, at),
        Stage::Sortation => sortation(shape, order, noise, at),
        Stage::Shipping => shipping(shape, order, noise, at),
    }
}

fn validation(shape: u64, order: &str, n: &mut Noise, at: Timestamp) -> String {
    match shape {
        0 => format!(
            "customer record {} of {order} is locked since {at}",
            n.uuid()
        ),
        1 => format!(
            "order {order} refused: no house {} in {}",
            n.number(400),
            n.street()
        ),
        _ => format!(
            "order {order} refused: it weighs {}.{} kg",
            n.number(90),
            n.number(10)
        ),
    }
}

fn planning(shape: u64, order: &str, n: &mut Noise, at: Timestamp) -> String {
    match shape {
        0 => format!(
            "planner {} gave no plan for {order} within {} ms",
            n.host(),
            n.number(9_000)
        ),
        1 => format!(
            "no route for {order} from site {} before {at}",
            n.number(40)
        ),
        _ => format!(
            "wave {} is full: {order} needs {} slots",
            n.number(9_000),
            n.number(20)
        ),
    }
}

fn wes_execution(shape: u64, order: &str, n: &mut Noise, at: Timestamp) -> String {
    match shape {
        0 => format!("WES {} answered 504 to task {} at {at}", n.host(), n.uuid()),
        1 => format!(
            "robot {} dropped tote {} of {order}",
            n.number(300),
            n.uuid()
        ),
        _ => format!(
            "bin {} holds {} pieces too few for {order}",
            n.number(9_000),
            n.number(9)
        ),
    }
}

fn slam(shape: u64, order: &str, n: &mut Noise, at: Timestamp) -> String {
    match shape {
        0 => format!("label printer {} out of labels since {at}", n.host()),
        1 => format!(
            "parcel {} of {order} weighs {} g too much",
            n.uuid(),
            n.number(900)
        ),
        _ => format!(
            "scan of {order} failed {} times at station {}",
            n.number(9),
            n.number(60)
        ),
    }
}

fn sortation(shape: u64, order: &str, n: &mut Noise, at: Timestamp) -> String {
    match shape {
        0 => format!("sorter {} refused the connection for {order}", n.host()),
        1 => format!(
            "chute {} jammed at {at} with parcel {}",
            n.number(80),
            n.uuid()
        ),
        _ => format!("no chute for {order} to {} {}", n.street(), n.number(400)),
    }
}

fn shipping(shape: u64, order: &str, n: &mut Noise, at: Timestamp) -> String {
    match shape {
        0 => format!(
            "carrier {} answered 503 to shipment {} at {at}",
            n.host(),
            n.uuid()
        ),
        1 => format!(
            "label service: https://labels.example/{} took {} ms",
            n.uuid(),
            n.number(9_000)
        ),
        _ => format!(
            "carrier has no pickup for {order} at {} {}",
            n.street(),
            n.number(400)
        ),
    }
}

/// The part of a message that differs every time.
struct Noise(StdRng);

impl Noise {
    /// From 1 to `most`.
    fn number(&mut self, most: u32) -> u32 {
        self.0.random_range(1..=most)
    }

    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(self.0.random()).into_uuid()
    }

    fn host(&mut self) -> String {
        let [a, b] = [self.number(250), self.number(250)];
        format!("10.20.{a}.{b}:{}", 8_000 + self.number(999))
    }

    fn street(&mut self) -> String {
        format!("{}th Street", 20 + self.number(70))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(stage: Stage, cause: Cause, order: &str, run: &str) -> String {
        message(stage, cause, order, run, 1, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn differ_between_orders_and_between_runs() {
        for stage in Stage::ALL {
            let said = say(stage, Cause::Order, "ORD-1", "run-1");
            assert_ne!(said, say(stage, Cause::Order, "ORD-1", "run-2"));
            assert_ne!(said, say(stage, Cause::Order, "ORD-2", "run-1"));
            assert_eq!(said, say(stage, Cause::Order, "ORD-1", "run-1"));
        }
    }

    #[test]
    fn an_outage_has_one_shape_and_orders_have_two() {
        let shapes = |cause| {
            let shapes: std::collections::BTreeSet<String> = (0..50)
                .map(|n| say(Stage::Planning, cause, &format!("ORD-{n}"), "run"))
                .map(|text| text.split(' ').next().unwrap_or_default().to_owned())
                .collect();
            shapes.into_iter().collect::<Vec<_>>()
        };
        assert_eq!(shapes(Cause::Outage), ["planner"]);
        assert_eq!(shapes(Cause::Order), ["no", "wave"]);
    }
}

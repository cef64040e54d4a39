//! Adoption goes on as long as it has time, and tells meanwhile that it lives.

use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use redrive_engine::{Clock, Pulse};
use redrive_flows::activities::Phase;

use crate::world::World;

/// Counts how often it is told that an activity lives.
#[derive(Default)]
struct Counts(AtomicUsize);

#[async_trait]
impl Pulse for Counts {
    async fn beat(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn cancelled(&self) -> bool {
        false
    }
}

#[tokio::test]
async fn an_adoption_whose_time_is_up_leaves_the_rest_to_the_next_one() {
    let world = World::new("adopting").await;
    for batch in ["dead-1", "dead-2", "dead-3", "b1"] {
        world.open_batch(batch).await;
    }
    let adopt = async |phase: Phase| {
        let pulse = Counts::default();
        let adopted = world.engine.adopt_claims(&phase, &pulse).await.unwrap();
        (adopted.finished, pulse.0.into_inner())
    };
    let over = Phase {
        ends_at: world.clock.now(),
        ..world.phase("b1")
    };
    assert_eq!(adopt(over).await, (0, 0));
    let unfinished = 4;
    assert_eq!(adopt(world.phase("b1")).await, (3, unfinished));
}

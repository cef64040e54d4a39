//! Alerts are told once a batch has ended, whoever finishes its row.

use std::fmt;
use std::sync::{Arc, Mutex};

use redrive_core::report::{Alert, BatchStatus};
use redrive_engine::Steady;
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::world::World;

/// Keeps the messages of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl<S: tracing::Subscriber> Layer<S> for Warnings {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        if *event.metadata().level() == tracing::Level::WARN {
            event.record(&mut self.clone());
        }
    }
}

impl Visit for Warnings {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.0.lock().unwrap().push(format!("{value:?}"));
        }
    }
}

#[tokio::test]
async fn the_alerts_of_an_abandoned_batch_are_told() {
    let world = World::new("abandoned-alert").await;
    // No workflow of that id runs: it is dead. Its scan had failed, which alone is more than a twentieth of nothing.
    world.open_batch("dead").await;
    world
        .ledger
        .note_failed_phases(&"dead".into(), true, false)
        .await
        .unwrap();
    world.open_batch("b1").await;
    let warnings = Warnings::default();
    let subscriber = tracing_subscriber::registry().with(warnings.clone());
    let listening = tracing::subscriber::set_default(subscriber);
    let adopted = world.engine.adopt_claims(&world.phase("b1"), &Steady).await;
    drop(listening);
    assert_eq!(adopted.unwrap().finished, 1);
    let rows = world.ledger.batches(10).await.unwrap();
    let dead = rows.iter().find(|row| row.result.batch_id == "dead");
    let dead = dead.unwrap();
    let alert = Alert::ErrorShare {
        error_count: 1,
        found_count: 1,
    };
    assert_eq!(dead.status, BatchStatus::Abandoned);
    assert_eq!(dead.alerts, std::slice::from_ref(&alert));
    assert_eq!(*warnings.0.lock().unwrap(), [alert.sentence()]);
}

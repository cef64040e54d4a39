//! Keeps back what the SDK logs of a server that does not answer: it tells of each poll, each heartbeat and each answer that
//! it cannot send. [`crate::server_watch`] says it once instead.

use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Filter};

/// How tonic words an error of the connection, and an answer that says that nobody is there.
const LOST: [&str; 4] = [
    "transport error",
    "transport::Error",
    "code: Unavailable",
    "The service is currently unavailable",
];

/// Lets everything through but the SDK's complaints about a lost server.
#[derive(Debug, Clone, Copy)]
pub struct LostServer;

impl<S: Subscriber> Filter<S> for LostServer {
    fn enabled(&self, _: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        true
    }

    fn event_enabled(&self, event: &Event<'_>, _: &Context<'_, S>) -> bool {
        if !event.metadata().target().starts_with("temporalio") {
            return true;
        }
        let mut said = Said(String::new());
        event.record(&mut said);
        !LOST.iter().any(|lost| said.0.contains(lost))
    }
}

/// All fields of an event, one after the other.
struct Said(String);

impl Visit for Said {
    fn record_debug(&mut self, _: &Field, value: &dyn fmt::Debug) {
        // Writing to a string cannot fail.
        let _ = write!(self.0, "{value:?} ");
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tracing_subscriber::Layer;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Logged(Arc<Mutex<Vec<String>>>);

    impl<S: Subscriber> Layer<S> for Logged {
        fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
            let mut said = Said(String::new());
            event.record(&mut said);
            self.0.lock().unwrap().push(said.0);
        }
    }

    #[test]
    fn only_the_sdk_is_kept_from_telling_of_a_lost_server() {
        let logged = Logged::default();
        let subscriber =
            tracing_subscriber::registry().with(logged.clone().with_filter(LostServer));
        let lost = tonic::Status::unavailable("tcp connect error");
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(target: "temporalio_client::retry", error = ?lost, "lost 1");
            tracing::warn!(target: "temporalio_sdk_core::worker", error = %lost, "lost 2");
            tracing::warn!(target: "temporalio_sdk_core::worker", "a workflow does not replay");
            tracing::warn!(target: "redrive_engine", error = %lost, "an activity failed");
        });
        let logged = logged.0.lock().unwrap();
        assert_eq!(logged.len(), 2, "{logged:?}");
        assert!(
            logged[0].contains("does not replay") && logged[1].contains("an activity failed"),
            "{logged:?}"
        );
    }
}

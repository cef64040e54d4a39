//! What time it is at the server, against this machine's clock.
//!
//! No call tells it. But the server notes by its own clock when it last heard from a poller: so a task queue of our own, on
//! which nothing ever runs, is polled until the server tells that it has heard us, and then left.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use temporalio_client::Client;
use temporalio_common::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::PollWorkflowTaskQueueRequest;
use tonic::Request;

use crate::checkup::{Answer, Asks, last_seen};
use crate::clock::Clock;
use crate::gateway::GatewayError;

/// The queue that is polled.
const QUEUE: &str = "redrive-doctor";
/// A poll that would wait for less than 2 s is refused; this one is left as soon as it was noted.
const POLL: Duration = Duration::from_secs(10);
/// How often it is looked, and how often at most: the server takes some milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: u32 = 60;

/// By how much the server's clock is ahead of `clock` at least; negative where it is behind by that much at least, and zero
/// where it reads a time between those at which we asked and were answered.
pub(crate) async fn ahead(client: &Client, clock: &dyn Clock) -> Answer<SignedDuration> {
    let identity = format!("{QUEUE}-{:016x}", clock.seed());
    let asked_at = clock.now();
    let seen = tokio::select! {
        refused = poll(client, &identity) => return Err(refused),
        seen = seen(client, &identity, clock) => seen?,
    };
    Ok(off(seen, asked_at, clock.now()))
}

/// Polls; returns only where that does not go on.
async fn poll(client: &Client, identity: &str) -> GatewayError {
    let mut request = Request::new(PollWorkflowTaskQueueRequest {
        namespace: client.options().namespace.clone(),
        task_queue: Some(TaskQueue {
            name: QUEUE.to_owned(),
            ..Default::default()
        }),
        identity: identity.to_owned(),
        ..Default::default()
    });
    request.set_timeout(POLL);
    let mut service = client.connection().workflow_service();
    match service.poll_workflow_task_queue(request).await {
        Ok(_) => GatewayError::Unknown("a poll ended before it was seen".to_owned()),
        Err(status) => GatewayError::from_status(&status),
    }
}

/// When the server heard the poller of that identity.
async fn seen(client: &Client, identity: &str, clock: &dyn Clock) -> Answer<Timestamp> {
    for _ in 0..LOOKS {
        let pollers = Asks { client }
            .polling(QUEUE, TaskQueueType::Workflow)
            .await?;
        let ours = pollers.iter().find(|poller| poller.identity == identity);
        if let Some(seen) = ours.and_then(last_seen) {
            return Ok(seen);
        }
        clock.sleep(LOOK_EVERY).await;
    }
    Err(GatewayError::Unknown("it does not show a poll".to_owned()))
}

/// How far `seen` is from the time between `asked_at` and `answered_at`.
fn off(seen: Timestamp, asked_at: Timestamp, answered_at: Timestamp) -> SignedDuration {
    if seen > answered_at {
        seen.duration_since(answered_at)
    } else if seen < asked_at {
        seen.duration_since(asked_at)
    } else {
        SignedDuration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_to_the_server_and_back_is_no_difference() {
        let at = |second| Timestamp::from_second(second).unwrap();
        for (seen, seconds) in [(99, -1), (100, 0), (103, 0), (104, 0), (146, 42)] {
            let off = off(at(seen), at(100), at(104));
            assert_eq!(off, SignedDuration::from_secs(seconds), "{seen}");
        }
    }
}

//! Says once that the Temporal server is away, and once that it is back, while a worker keeps trying.

use std::time::Duration;

use redrive_engine::{Clock, SystemClock};
use temporalio_client::request_extensions::RetryConfigForCall;
use temporalio_client::{Client, RetryOptions};
use temporalio_common::protos::temporal::api::workflowservice::v1::GetSystemInfoRequest;
use tokio::task::JoinHandle;

/// The time between two looks.
const EVERY: Duration = Duration::from_secs(3);
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(5);
/// So many looks in a row must fail: one lost packet is no outage.
const LOOKS: u32 = 2;

/// Watches until dropped.
#[derive(Debug)]
pub struct ServerWatch(JoinHandle<()>);

impl ServerWatch {
    /// Watches the server of `client`; `address` is what the logs call it.
    pub fn start(client: Client, address: String) -> Self {
        Self(tokio::spawn(watch(client, address)))
    }
}

impl Drop for ServerWatch {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn watch(client: Client, address: String) {
    let mut outage = Outage::default();
    loop {
        SystemClock.sleep(EVERY).await;
        match outage.saw(answers(&client).await) {
            Some(Change::Away) => {
                tracing::warn!(
                    server = address,
                    "the Temporal server does not answer; trying again until it does"
                );
            }
            Some(Change::Back) => {
                tracing::info!(server = address, "the Temporal server answers again")
            }
            None => {}
        }
    }
}

async fn answers(client: &Client) -> bool {
    let mut request = tonic::Request::new(GetSystemInfoRequest {});
    request
        .extensions_mut()
        .insert(RetryConfigForCall(RetryOptions::no_retries()));
    let mut service = client.connection().workflow_service();
    let call = service.get_system_info(request);
    tokio::time::timeout(LIMIT, call)
        .await
        .is_ok_and(|answer| answer.is_ok())
}

/// What has been seen of the server.
#[derive(Debug, Default)]
struct Outage {
    failed: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Away,
    Back,
}

impl Outage {
    /// What a look changes.
    fn saw(&mut self, answered: bool) -> Option<Change> {
        if answered {
            let was_away = self.failed >= LOOKS;
            self.failed = 0;
            return was_away.then_some(Change::Back);
        }
        self.failed = self.failed.saturating_add(1);
        (self.failed == LOOKS).then_some(Change::Away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_is_told_once_and_its_end_once() {
        let mut outage = Outage::default();
        let looks = [
            true, false, true, false, false, false, false, true, true, false, false, true,
        ];
        let told: Vec<_> = looks
            .into_iter()
            .map(|answered| outage.saw(answered))
            .collect();
        let (away, back) = (Some(Change::Away), Some(Change::Back));
        assert_eq!(
            told,
            [
                None, None, None, None, away, None, None, back, None, None, away, back
            ]
        );
    }
}

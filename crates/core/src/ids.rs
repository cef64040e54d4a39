//! The identities Redrive deals in, each a type of its own so that none is mistaken for another.
//!
//! A *workflow id* names an order within the ledger's namespace; a *run id* names one run of it; a *batch id* is the
//! first run id of the workflow that owns a batch. A *fence* numbers the takeovers of one order's claim.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Wraps the text as it is.
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(text)
            }
        }
    };
}

text_id! {
    /// The Temporal workflow id of an order: its key within the ledger's namespace.
    WorkflowId
}
text_id! {
    /// One run of a workflow, as Temporal names it.
    RunId
}
text_id! {
    /// A batch: the first run id of the batch workflow, or of an orchestration that was started directly.
    BatchId
}
text_id! {
    /// An operation on many dead letters.
    OperationId
}

/// Where a ledger belongs: the Temporal cluster and the namespace whose orders it holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// The cluster's own id (`GetClusterInfo.cluster_id`): two dev servers differ in it.
    pub cluster_id: String,
    /// The Temporal namespace.
    pub namespace: String,
}

/// The namespace UUID of Redrive's request ids (drawn once, at random; never to change: a changed value would let a
/// restart that is under way be started a second time).
const REQUEST_IDS: Uuid = Uuid::from_u128(0x6f2b_94c0_5d7e_4a61_9b1c_3e8a_70d2_f415);

/// The request id under which the failed run `from` may be started again: the same for every process that ever tries,
/// so the server answers the second try with the first one's run.
pub fn request_id(home: &Home, workflow_id: &WorkflowId, from: &RunId) -> Uuid {
    let name = [
        home.cluster_id.as_str(),
        &home.namespace,
        workflow_id.as_str(),
        from.as_str(),
    ]
    .join("\0");
    Uuid::new_v5(&REQUEST_IDS, name.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn home(cluster: &str) -> Home {
        Home {
            cluster_id: cluster.into(),
            namespace: "default".into(),
        }
    }

    #[test]
    fn the_same_failed_run_has_the_same_request_id_everywhere() {
        let id = request_id(&home("c"), &"order-1".into(), &"run-1".into());
        assert_eq!(
            id,
            request_id(&home("c"), &"order-1".into(), &"run-1".into())
        );
        assert_eq!(id.to_string(), "ab352c15-cfd5-5344-9fe4-66819b789b07");
    }

    #[test]
    fn another_run_order_or_cluster_has_another_request_id() {
        let id = request_id(&home("c"), &"order-1".into(), &"run-1".into());
        assert_ne!(
            id,
            request_id(&home("c"), &"order-1".into(), &"run-2".into())
        );
        assert_ne!(
            id,
            request_id(&home("c"), &"order-2".into(), &"run-1".into())
        );
        assert_ne!(
            id,
            request_id(&home("d"), &"order-1".into(), &"run-1".into())
        );
    }
}

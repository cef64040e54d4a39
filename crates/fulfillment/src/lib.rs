//! Sample and test bed: the order workflow that may fail, the simulated warehouse behind it, and the
//! scripted worker and namespaces that tests of the other crates stand on.
//!
//! Nothing of the product depends on this crate but the commands `demo` and `sample`.

mod activities;
pub mod faults;
mod json_lines;
mod messages;
pub mod order;
pub mod puppet;
pub mod stage;
pub mod starter;
pub mod testbed;
pub mod warehouse;
pub mod worker;
mod workflow;

pub use faults::{Class, Expected, FaultPlan, PlannedOrder, Window};
pub use order::{OrderInput, PAYLOAD_MARKER};
pub use stage::Stage;
pub use starter::{StartOptions, Started, start_orders};
pub use warehouse::{Performed, Warehouse};
pub use worker::FulfillmentWorker;
pub use workflow::{Fulfilled, OrderStatus, Progress};

/// The task queue of the sample's orders.
pub const TASK_QUEUE: &str = "fulfillment";

/// The workflow type of the sample's orders.
pub const WORKFLOW_TYPE: &str = "OrderFulfillmentWorkflow";

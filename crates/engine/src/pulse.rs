//! What a long activity needs of whoever runs it: to say that it lives, and to hear that it should stop.

use async_trait::async_trait;

/// The runner of a long activity.
#[async_trait]
pub trait Pulse: Send + Sync {
    /// Says that the activity lives.
    async fn beat(&self);

    /// Whether it should stop: give back what it has not touched, and return.
    fn cancelled(&self) -> bool;
}

/// A runner that never stops anything: for work outside an activity.
#[derive(Debug, Clone, Copy, Default)]
pub struct Steady;

#[async_trait]
impl Pulse for Steady {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        false
    }
}

/// What is told when to stop, and whose caller says that it lives.
pub(crate) struct Told<'a>(pub &'a (dyn Fn() -> bool + Send + Sync));

#[async_trait]
impl Pulse for Told<'_> {
    async fn beat(&self) {}

    fn cancelled(&self) -> bool {
        self.0()
    }
}

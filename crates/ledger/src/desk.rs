//! What the HTTP side keeps beside the ledger's own matters: which requests it has answered, and how.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::contract::Result;

/// The HTTP side's own memory, shared by all its processes.
#[async_trait]
pub trait Desk: Send + Sync + 'static {
    /// A request of that key and digest begins: whether it is new, or what is known of the one before. One that has been under
    /// way for two minutes is taken for lost with its process, and begins anew; answers are forgotten after a day.
    async fn begin_request(&self, key: &str, digest: &str, now: Timestamp) -> Result<Begun>;

    /// It was answered so; `None`: it came to nothing, and may come again.
    async fn end_request(&self, key: &str, answer: Option<&Answer>) -> Result<()>;
}

/// What is known of a request when it comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// Nothing: it is to be served.
    New,
    /// It was answered so.
    Answered(Answer),
    /// The key is that of another request.
    Another,
    /// It is being served.
    UnderWay,
}

/// An answer, as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The body.
    pub body: String,
}

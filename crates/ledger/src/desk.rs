//! What the HTTP side keeps beside the ledger's own matters: which requests it has answered, and how; who may come in.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::contract::Result;
use crate::{NewAuditEvent, Role, Token};

/// The HTTP side's own memory, shared by all its processes.
#[async_trait]
pub trait Desk: Send + Sync + 'static {
    /// A request of that key and digest begins: whether it is new, or what is known of the one before. One that has been under
    /// way for two minutes is taken for lost with its process, and begins anew; answers are forgotten after a day.
    async fn begin_request(&self, key: &str, digest: &str, now: Timestamp) -> Result<Begun>;

    /// It was answered so; `None`: it came to nothing, and may come again.
    async fn end_request(&self, key: &str, answer: Option<&Answer>) -> Result<()>;

    /// Adds a token of that name, role and hash. `None`: there is one of that name.
    async fn add_token(
        &self,
        name: &str,
        role: Role,
        hash: &str,
        by: &NewAuditEvent,
        now: Timestamp,
    ) -> Result<Option<Token>>;

    /// All tokens, by name.
    async fn tokens(&self) -> Result<Vec<Token>>;

    /// Takes a token away, and ends its sessions. Returns whether there was one of that name.
    async fn remove_token(&self, name: &str, by: &NewAuditEvent, now: Timestamp) -> Result<bool>;

    /// The token of that hash.
    async fn token(&self, hash: &str) -> Result<Option<Token>>;

    /// Begins a session of the token `name`; those that have ended are forgotten. Returns whether there is such a token.
    async fn begin_session(
        &self,
        hash: &str,
        name: &str,
        ends_at: Timestamp,
        now: Timestamp,
    ) -> Result<bool>;

    /// The token of the session of that hash, where it has not ended.
    async fn session(&self, hash: &str, now: Timestamp) -> Result<Option<Token>>;

    /// Ends a session.
    async fn end_session(&self, hash: &str) -> Result<()>;
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

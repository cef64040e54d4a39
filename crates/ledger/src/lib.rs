//! The ledger: what Redrive knows of every failed order, in SQL.
//!
//! [`Ledger`] is the contract; every driver passes the same conformance suite. SQL stands in this crate only, and rows
//! become domain types in one place (`rows`).

mod access;
mod attempt;
mod batch;
mod book;
mod chunk;
mod contract;
mod db;
mod dead_letter;
mod desk;
mod edit;
mod error;
mod failure;
mod folio;
mod limits;
mod lists;
mod numbers;
mod operation;
mod order;
mod reader;
mod record;
mod rows;
mod scan;
mod settle;
mod sql;
mod tally;
mod transition;
mod url;
mod wire;

pub use access::{Role, Token};
pub use attempt::{Attempt, AttemptOutcome};
pub use batch::{BatchEnd, BatchOpening, BatchPlace, BatchRow};
pub use chunk::{
    ClaimRequest, Claimed, ClaimedOrder, Commit, Committed, Latest, OurRun, Outcome, Plan,
    StoredRequest,
};
pub use contract::Ledger;
pub use dead_letter::{DeadLetter, EscalationLevel, Park, Resolution, Resolve, Resolved};
pub use desk::{Answer, Begun, Desk};
pub use error::LedgerError;
pub use failure::{Failure, FailureRow, ObserveSummary};
pub use limits::{Limited, Turns, is_stray};
pub use lists::{
    AuditFilter, AuditRow, BatchVerdict, COUNTED, Day, DeadLetterFilter, DeadLetterOrder,
    DeadLetterStats, EligibleFilter, FailureEntry, FailureFilter, FailureGroup, FailureHour,
    GroupFilter, GroupPlace, OrderFilter, Overview, Total,
};
pub use numbers::{Numbers, Recoveries};
pub use operation::{
    Chosen, NotStarted, Operation, OperationEnd, OperationOpening, OperationStatus,
};
pub use order::{Act, Acted, AuditEvent, Halt, NewAuditEvent, OrderPk, OrderRow, Story};
pub use reader::{Copied, Reader};
pub use scan::ScanWindow;
pub use settle::{Check, Checked};
pub use sql::{LedgerLock, Migration, Schema, SqlLedger};
pub use url::{LedgerUrl, ServerUrl};

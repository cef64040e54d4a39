//! What the ledger knows of an order beyond what it shows: rows as plain values, the same for every driver.
//!
//! Times in a record have microseconds, as the columns do, so that a record compares with what is stored.

use std::cell::RefCell;
use std::time::Duration;

use jiff::Timestamp;
use redrive_core::ids::{BatchId, RunId};
use zstd::bulk::{Compressor, Decompressor};

use crate::{Attempt, Failure, FailureRow, LedgerError, OrderRow};

/// The level at which start requests are compressed: zstd's fastest of the usual ones. They are so short that a higher one
/// takes longer and spares next to nothing.
const ZSTD_LEVEL: i32 = 1;

/// The largest start request that is read back: Temporal's own limit for one message is 4 MiB.
const MAX_REQUEST_BYTES: usize = 64 << 20;

thread_local! {
    /// Kept from one request to the next, for the same reason as the other.
    static COMPRESSOR: RefCell<Option<Compressor<'static>>> = const { RefCell::new(None) };
    /// Kept from one request to the next: it is far larger than they are, and making it costs as much as its work.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// A row of `orders`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OrderRecord {
    /// What everybody may see.
    pub row: OrderRow,
    /// The batch that last handled it.
    pub last_batch: Option<BatchId>,
    /// Who owns it, while claimed.
    pub claim: Option<ChunkOf>,
    /// How often its ownership changed.
    pub fence: i64,
    /// A time before which nothing of the followed chain can have closed.
    pub followed_since: Option<Timestamp>,
    /// How often the followed chain was described.
    pub checks: u32,
}

/// A chunk of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChunkOf {
    pub batch: BatchId,
    pub chunk: u32,
}

/// A row of `attempts`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttemptRecord {
    /// The key; `None` before it is written.
    pub id: Option<i64>,
    /// What everybody may see.
    pub attempt: Attempt,
    /// The batch that learnt how it ended.
    pub settled_batch: Option<BatchId>,
    /// Whether it differs from what is stored.
    pub changed: bool,
    /// Whether it is to be taken back: nothing was done under it.
    pub deleted: bool,
}

/// A failed run as it is taken up: just observed, or recorded earlier and pending since.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Seen {
    /// The row of `failures`.
    pub row: FailureRow,
    /// Whether it has a parent workflow.
    pub has_parent: bool,
    /// The failed run that our memo on it names.
    pub from_run: Option<RunId>,
    /// How to start it again, compressed; `None` where it is not to be kept, or is stored already.
    pub request: Option<Vec<u8>>,
}

impl Seen {
    /// The failure as it is kept, observed at `now`.
    pub fn new(failure: &Failure, keep_request: bool, now: Timestamp) -> Result<Self, LedgerError> {
        let class = &failure.classification;
        let request = keep_request
            .then(|| compress(&failure.start_request))
            .transpose()?;
        Ok(Self {
            row: FailureRow {
                run_id: failure.run_id.clone(),
                first_run_id: failure.first_run_id.clone(),
                timed_out: failure.timed_out,
                failure_status: class.status.clone(),
                fingerprint: class.fingerprint.clone(),
                reason: class.message.clone(),
                closed_at: micros(failure.closed_at),
                observed_at: micros(now),
            },
            has_parent: failure.has_parent,
            from_run: failure.from_run.clone(),
            request,
        })
    }
}

/// `at` with the precision of a column.
pub(crate) fn micros(at: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(at.as_microsecond()).unwrap_or(at)
}

/// `span` after `at`; the end of time where that lies beyond it.
pub(crate) fn after(at: Timestamp, span: Duration) -> Timestamp {
    micros(at.checked_add(span).unwrap_or(Timestamp::MAX))
}

/// The bytes, compressed.
pub(crate) fn compress(bytes: &[u8]) -> Result<Vec<u8>, LedgerError> {
    COMPRESSOR
        .with_borrow_mut(|kept| match kept {
            Some(compressor) => compressor.compress(bytes),
            None => kept.insert(Compressor::new(ZSTD_LEVEL)?).compress(bytes),
        })
        .map_err(LedgerError::StartRequest)
}

/// The bytes that were compressed.
pub(crate) fn decompress(bytes: &[u8]) -> Result<Vec<u8>, LedgerError> {
    DECOMPRESSOR
        .with_borrow_mut(|kept| match kept {
            Some(decompressor) => decompressor.decompress(bytes, MAX_REQUEST_BYTES),
            None => kept
                .insert(Decompressor::new()?)
                .decompress(bytes, MAX_REQUEST_BYTES),
        })
        .map_err(LedgerError::StartRequest)
}

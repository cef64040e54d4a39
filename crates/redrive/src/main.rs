//! `redrive`: brings failed orders back.

use std::process::ExitCode;

/// One thread does: what takes long (a worker, a ledger's file) has its own, and on several threads each call to Temporal would
/// wake up others.
#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    redrive::cli::main().await
}

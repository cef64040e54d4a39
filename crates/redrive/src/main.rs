//! `redrive`: brings failed orders back.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    redrive::cli::main().await
}

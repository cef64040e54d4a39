//! `redrive orders`: what is known of orders.

mod show;
mod timeline;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::{Global, session};
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum OrdersCommand {
    /// Tell an order's whole story: each failure, restart and decision in its order of time
    Show(ShowArgs),
}

/// `orders show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The order id, or the workflow id
    id: String,
}

/// Runs one of the commands.
pub async fn run(
    command: OrdersCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let OrdersCommand::Show(args) = command;
    let records = session::records(global).await?;
    let story = records.show_order(&args.id).await?;
    printer.data(&show::Shown::of(&story, &records.policy), show::text)?;
    Ok(ExitCode::SUCCESS)
}

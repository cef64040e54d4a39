//! `redrive orders`: what is known of orders, and decisions about them one by one.

mod act;
mod list;
mod show;

use std::process::ExitCode;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use redrive_engine::ops::{OrderDeed, Records};

use super::Global;
use crate::backend::Backend;
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum OrdersCommand {
    /// List orders, those that failed last first
    List(list::ListArgs),
    /// Tell an order's whole story: each failure, restart and decision in its order of time
    Show(ShowArgs),
    /// Keep orders back: no batch restarts them until they are released
    Hold(act::ActArgs),
    /// Let held orders go on
    Release(act::ActArgs),
    /// Give orders a fresh budget of restarts, due at once
    Reset(act::ActArgs),
    /// Put orders into the dead letter queue, where they wait for a decision
    DeadLetter(act::ActArgs),
}

/// `orders show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The order id, or the workflow id
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    id: String,
}

/// Runs one of the commands.
pub async fn run(
    command: OrdersCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = Backend::<Records>::records(global).await?;
    let (args, deed) = match command {
        OrdersCommand::List(args) => return list::run(args, &records, printer).await,
        OrdersCommand::Show(args) => {
            let story = records.order(&args.id, global).await?;
            printer.data(&story, show::text)?;
            return Ok(ExitCode::SUCCESS);
        }
        OrdersCommand::Hold(args) => (args, OrderDeed::Hold),
        OrdersCommand::Release(args) => (args, OrderDeed::Release),
        OrdersCommand::Reset(args) => (args, OrderDeed::Reset),
        OrdersCommand::DeadLetter(args) => (args, OrderDeed::DeadLetter),
    };
    act::run(args, deed, &records, printer).await
}

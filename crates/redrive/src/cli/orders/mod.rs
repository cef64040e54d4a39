//! `redrive orders`: what is known of orders, and decisions about them one by one.

mod act;
mod list;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use redrive_ledger::Act;
use redrive_web::Links;
use redrive_web::views::OrderStory;

use self::act::Deed;
use super::{Global, session};
use crate::config;
use crate::connect::Target;
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
    id: String,
}

/// Runs one of the commands.
pub async fn run(
    command: OrdersCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let records = session::records(global).await?;
    let (args, deed) = match command {
        OrdersCommand::List(args) => return list::run(args, &records, printer).await,
        OrdersCommand::Show(args) => {
            let story = records.show_order(&args.id).await?;
            let links = config::load(&global.overrides())?.links;
            // What is known is told, too, where Temporal's configuration cannot be read.
            let target = Target::configured().ok();
            let namespace = target.as_ref().map(Target::namespace);
            let links = namespace.map_or_else(Links::none, |namespace| links.over(namespace));
            let story = OrderStory::of(&story, &records.policy, &links);
            printer.data(&story, show::text)?;
            return Ok(ExitCode::SUCCESS);
        }
        OrdersCommand::Hold(args) => (args, Deed::Act(Act::Hold)),
        OrdersCommand::Release(args) => (args, Deed::Act(Act::Release)),
        OrdersCommand::Reset(args) => (args, Deed::Act(Act::Reset)),
        OrdersCommand::DeadLetter(args) => (args, Deed::DeadLetter),
    };
    act::run(args, deed, &records, printer).await
}

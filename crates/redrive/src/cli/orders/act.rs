//! `redrive orders hold`, `release`, `reset` and `dead-letter`: decisions about orders one by one.

use std::process::ExitCode;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use redrive_core::states::State;
use redrive_engine::ops::{OrderDeed, Records};
use serde::Serialize;

use crate::backend::{Backend, NotDone};
use crate::cli::session::Why;
use crate::printer::{Paint, Printer};
use crate::problem::USER;

/// What those commands take.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// The order ids, or the workflow ids
    #[arg(required = true, value_name = "ID", value_parser = NonEmptyStringValueParser::new())]
    ids: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// What became of one order.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done {
    order: String,
    done: bool,
    /// Where it stands now.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    /// Why nothing was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

/// Does it to each; what cannot be done to one does not keep the others from it. Where nobody answers any more, what was done until
/// then is told.
pub async fn run(
    args: ActArgs,
    deed: OrderDeed,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let mut done = Vec::with_capacity(args.ids.len());
    let mut lost = None;
    for order in args.ids {
        match records.act_on(&order, deed, &by).await {
            Ok(end) => done.push(Done::of(order, end)),
            Err(error) => {
                lost = Some(error);
                break;
            }
        }
    }
    if lost.is_none() || !done.is_empty() {
        printer.data(&done, |done, paint| text(done, deed, paint))?;
    }
    match lost {
        Some(error) => Err(error),
        None if done.iter().all(|done| done.done) => Ok(ExitCode::SUCCESS),
        None => Ok(ExitCode::from(USER)),
    }
}

impl Done {
    fn of(order: String, end: Result<State, NotDone>) -> Self {
        let done = end.is_ok();
        let (state, reason) = match end {
            Ok(state) => (Some(state), None),
            Err(not_done) => (not_done.state, Some(not_done.reason)),
        };
        Self {
            order,
            done,
            state,
            reason,
        }
    }
}

fn text(done: &[Done], deed: OrderDeed, paint: Paint) -> String {
    let lines: Vec<String> = done
        .iter()
        .map(|done| match &done.reason {
            None => format!("{} {}.", paint.bold(&done.order), happened(deed)),
            Some(reason) => format!(
                "{} {}: {reason}.",
                paint.yellow("Nothing was done to"),
                done.order
            ),
        })
        .collect();
    lines.join("\n")
}

fn happened(deed: OrderDeed) -> &'static str {
    match deed {
        OrderDeed::Hold => "is held: no batch restarts it until `redrive orders release`",
        OrderDeed::Release => "is released: the next batch may restart it",
        OrderDeed::Reset => "has a fresh budget, and the next batch may restart it",
        OrderDeed::DeadLetter => "is in the dead letter queue: it waits for a decision",
    }
}

//! `redrive orders hold`, `release`, `reset` and `dead-letter`: decisions about orders one by one.

use std::process::ExitCode;

use clap::Args;
use redrive_core::states::State;
use redrive_engine::ops::{OpsError, Records};
use redrive_ledger::{Act, Park};
use serde::Serialize;

use crate::cli::session::Why;
use crate::cli::words::plain;
use crate::printer::{Paint, Printer};
use crate::problem::USER;

/// What those commands take.
#[derive(Debug, Args)]
pub struct ActArgs {
    /// The order ids, or the workflow ids
    #[arg(required = true, value_name = "ID")]
    ids: Vec<String>,
    #[command(flatten)]
    why: Why,
}

/// What is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Hold, release or reset.
    Act(Act),
    /// Into the dead letter queue.
    DeadLetter,
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

/// Does it to each; what cannot be done to one does not keep the others from it.
pub async fn run(
    args: ActArgs,
    deed: Deed,
    records: &Records,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let park = Park::from(by.clone());
    let mut done = Vec::with_capacity(args.ids.len());
    for id in &args.ids {
        let state = match deed {
            Deed::Act(act) => records
                .act(id, act, &by)
                .await
                .map(|acted| acted.map(|row| row.state)),
            Deed::DeadLetter => {
                let parked = records.park(id, &park).await;
                parked.map(|parked| parked.map(|_| State::DeadLettered))
            }
        };
        done.push(match state {
            Ok(Ok(state)) => Done {
                order: id.clone(),
                done: true,
                state: Some(state),
                reason: None,
            },
            Ok(Err(state)) => Done {
                order: id.clone(),
                done: false,
                state: Some(state),
                reason: Some(refusal(deed, state)),
            },
            Err(error @ OpsError::NoSuchOrder { .. }) => Done {
                order: id.clone(),
                done: false,
                state: None,
                reason: Some(error.to_string()),
            },
            Err(error) => return Err(error.into()),
        });
    }
    let all = done.iter().all(|done| done.done);
    printer.data(&done, |done, paint| text(done, deed, paint))?;
    Ok(if all {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(USER)
    })
}

fn text(done: &[Done], deed: Deed, paint: Paint) -> String {
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

fn happened(deed: Deed) -> &'static str {
    match deed {
        Deed::Act(Act::Hold) => "is held: no batch restarts it until `redrive orders release`",
        Deed::Act(Act::Release) => "is released: the next batch may restart it",
        Deed::Act(Act::Reset) => "has a fresh budget, and the next batch may restart it",
        Deed::DeadLetter => "is in the dead letter queue: it waits for a decision",
    }
}

/// Why a state does not allow it, and what to do.
fn refusal(deed: Deed, state: State) -> String {
    let now = plain(state.as_str());
    match (deed, state) {
        (Deed::Act(Act::Hold), State::Held) => "it is held already".to_owned(),
        (_, State::Claimed) => "a batch is at it; try again when that has ended".to_owned(),
        (Deed::Act(Act::Release), State::InFlight) => "it is in flight, not held".to_owned(),
        (_, State::InFlight) => {
            "it is in flight: wait for its run to end, or end its run with `temporal workflow terminate`".to_owned()
        }
        (_, State::DeadLettered) => {
            "it is in the dead letter queue; `redrive dlq retry`, `cancel` or `escalate` decides about it".to_owned()
        }
        (Deed::Act(Act::Release), _) => format!("it is {now}, not held"),
        _ => format!("it is {now}, so it needs nothing more"),
    }
}

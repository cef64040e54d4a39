//! `redrive orders list`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_core::states::State;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{OrderFilter, OrderRow};
use redrive_web::views::OrderLine;

use crate::backend::Backend;
use crate::cli::narrow::{Most, Which, Whose, ago, span};
use crate::cli::when;
use crate::cli::words::{plain, short};
use crate::printer::{Paint, Printer, table};

/// `orders list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only orders in this state; may be given several times. `open`: all that still need something
    #[arg(long, value_name = "STATE", value_parser = states)]
    state: Vec<Vec<State>>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    whose: Whose,
    /// Only orders whose last failure is older than this span, say 24h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    older_than: Option<Duration>,
    #[command(flatten)]
    most: Most,
}

/// Lists.
pub async fn run(
    args: ListArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let mut states: Vec<State> = args.state.into_iter().flatten().collect();
    states.sort_unstable();
    states.dedup();
    let filter = OrderFilter {
        states,
        failure_status: args.which.status,
        group: args.which.group,
        customer_id: args.whose.customer,
        failed_before: args.older_than.map(|span| ago(span, SystemClock.now())),
        after: None,
    };
    let orders = records.orders(&filter, args.most.limit).await?;
    printer.data(&orders, |orders, paint| text(orders, paint))?;
    args.most.tell(orders.len(), printer);
    Ok(ExitCode::SUCCESS)
}

/// The states of a name, as people or the API write it.
fn states(text: &str) -> Result<Vec<State>, String> {
    if text == "open" {
        return Ok(State::ALL
            .iter()
            .copied()
            .filter(|state| state.is_open())
            .collect());
    }
    if let Some(state) = State::parse(&text.replace(['-', ' '], "_")) {
        return Ok(vec![state]);
    }
    let names: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
    Err(format!("the states are open, {}", names.join(", ")))
}

fn text(orders: &[OrderLine], paint: Paint) -> String {
    if orders.is_empty() {
        return "No such order is known.".to_owned();
    }
    let mut table = table([
        "order",
        "is",
        "status",
        "restarts",
        "last failed",
        "next",
        "last message",
    ]);
    for OrderLine { order, max_retries } in orders {
        table.add_row([
            paint.bold(&order.order_id),
            colour(order.state, paint),
            order.failure_status.clone(),
            format!("{} of {max_retries}", order.retry_count),
            when::local(order.failed_at),
            next(order),
            short(&order.failure_reason),
        ]);
    }
    table.trim_fmt()
}

fn colour(state: State, paint: Paint) -> String {
    let name = plain(state.as_str());
    match state {
        State::Recovered => paint.green(name),
        State::DeadLettered => paint.red(name),
        State::Held => paint.yellow(name),
        _ => name,
    }
}

/// What it waits for.
fn next(order: &OrderRow) -> String {
    match order.state {
        State::Failed if order.eligible || order.manual => {
            format!("due {}", when::local(order.due_at))
        }
        State::Failed => "left alone by the policy".to_owned(),
        State::DeadLettered => "a decision".to_owned(),
        State::Held => "a release".to_owned(),
        State::InFlight => "its run's end".to_owned(),
        State::Claimed => "its batch".to_owned(),
        State::Recovered | State::Resolved | State::Stopped => "-".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_named_as_anybody_writes_it() {
        assert_eq!(states("in-flight").unwrap(), [State::InFlight]);
        assert_eq!(states("dead_lettered").unwrap(), [State::DeadLettered]);
        assert_eq!(states("open").unwrap().len(), 5);
        assert!(
            states("lost")
                .unwrap_err()
                .starts_with("the states are open, failed, ")
        );
    }
}

//! `redrive failures groups`.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{FailureGroup, GroupFilter};

use crate::backend::Backend;
use crate::cli::narrow::{Most, ago, span};
use crate::cli::when;
use crate::cli::words::short;
use crate::printer::{Paint, Printer, table};

/// How much of a fingerprint a table shows: enough to tell groups apart.
const SHOWN: usize = 8;

/// `failures groups`.
#[derive(Debug, Args)]
pub struct GroupsArgs {
    /// Only groups with a failure within this span, say 24h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    since: Option<Duration>,
    #[command(flatten)]
    most: Most,
}

/// Lists.
pub async fn run(
    args: GroupsArgs,
    records: &Backend<Records>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let filter = GroupFilter {
        since: args.since.map(|span| ago(span, SystemClock.now())),
        ..GroupFilter::default()
    };
    let groups = records.failure_groups(&filter, args.most.limit).await?;
    printer.data(&groups, |groups, paint| text(groups, paint))?;
    args.most.tell(groups.len(), printer);
    Ok(ExitCode::SUCCESS)
}

fn text(groups: &[FailureGroup], paint: Paint) -> String {
    if groups.is_empty() {
        return "No failed run is known.".to_owned();
    }
    let mut table = table([
        "group",
        "status",
        "failures",
        "open orders",
        "first seen",
        "last seen",
        "last message",
    ]);
    for group in groups {
        table.add_row([
            paint.bold(&group.fingerprint[..SHOWN.min(group.fingerprint.len())]),
            group.failure_status.clone(),
            group.count.to_string(),
            group.open_orders.to_string(),
            when::local(group.first_seen_at),
            when::local(group.last_seen_at),
            short(&group.sample),
        ]);
    }
    table.trim_fmt()
}

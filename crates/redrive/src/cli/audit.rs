//! `redrive audit list`: who did what, when and why.

use std::process::ExitCode;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand};
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::{AuditFilter, AuditRow};

use super::narrow::{Most, ago, span};
use super::words::plain;
use super::{Global, when};
use crate::backend::Backend;
use crate::printer::{Paint, Printer, table};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum AuditCommand {
    /// List what people did, the latest first
    List(ListArgs),
}

/// `audit list`.
#[derive(Debug, Args)]
pub struct ListArgs {
    /// Only what this person did
    #[arg(long, value_name = "NAME", value_parser = NonEmptyStringValueParser::new())]
    by: Option<String>,
    /// Only acts of this kind, say halt or manual_retry
    #[arg(long, value_name = "ACTION", value_parser = NonEmptyStringValueParser::new())]
    action: Option<String>,
    /// Only acts within this span, say 24h
    #[arg(long, value_name = "SPAN", value_parser = span)]
    since: Option<Duration>,
    #[command(flatten)]
    most: Most,
}

/// Runs the command.
pub async fn run(
    command: AuditCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let AuditCommand::List(args) = command;
    let records = Backend::<Records>::records(global).await?;
    let filter = AuditFilter {
        actor: args.by,
        action: args.action.map(|action| action.replace([' ', '-'], "_")),
        since: args.since.map(|span| ago(span, SystemClock.now())),
        after: None,
    };
    let narrowed = filter != AuditFilter::default();
    let rows = records.audit(&filter, args.most.limit).await?;
    printer.data(&rows, |rows, paint| text(rows, narrowed, paint))?;
    args.most.tell(rows.len(), printer);
    Ok(ExitCode::SUCCESS)
}

fn text(rows: &[AuditRow], narrowed: bool, paint: Paint) -> String {
    match (rows.is_empty(), narrowed) {
        (true, true) => return "No act matches.".to_owned(),
        (true, false) => return "Nobody has done anything yet.".to_owned(),
        (false, _) => {}
    }
    let mut table = table(["when", "who", "did", "to", "because"]);
    for row in rows {
        let to = row.order_id.as_deref().or(row.detail.as_deref());
        table.add_row([
            when::local(row.at),
            paint.bold(&row.actor),
            plain(&row.action),
            to.unwrap_or("-").to_owned(),
            row.reason.clone(),
        ]);
    }
    table.trim_fmt()
}

//! `redrive report`: what was reprocessed a day, as the spec's dashboard query counts it.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_ledger::Day;

use super::Global;
use super::narrow::{ago, span};
use super::words::count_of;
use crate::backend::Backend;
use crate::printer::{Paint, Printer, table};

/// The longest bar, in characters.
const BAR: u64 = 30;

/// Report what was reprocessed a day: restarted, recovered, failed again, sent to the dead letter queue
///
/// Days are UTC. A restart counts on the day of its batch, its end on the day on which a batch learnt it.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// How far back
    #[arg(long, value_name = "SPAN", default_value = "7d", value_parser = span)]
    since: Duration,
    /// Print comma-separated values
    #[arg(long)]
    csv: bool,
}

/// Runs the command.
pub async fn run(args: ReportArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let since = ago(args.since, SystemClock.now());
    let days = Backend::<Records>::records(global)
        .await?
        .daily(since)
        .await?;
    if args.csv {
        printer.text(&csv_of(&days)?)?;
    } else {
        printer.data(&days, |days, paint| text(days, paint))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn csv_of(days: &[Day]) -> anyhow::Result<String> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for day in days {
        writer.serialize(day)?;
    }
    Ok(String::from_utf8(writer.into_inner()?)?)
}

fn text(days: &[Day], paint: Paint) -> String {
    if days.is_empty() {
        return "No batch has ended in that time.".to_owned();
    }
    let most = days
        .iter()
        .map(|day| day.restarted + day.sent_to_dlq)
        .max()
        .unwrap_or(0);
    let mut table = table([
        "day",
        "batches",
        "restarted",
        "recovered",
        "failed again",
        "to the dead letter queue",
        "errors",
        "",
    ]);
    for day in days {
        table.add_row([
            day.day.to_string(),
            day.batches.to_string(),
            day.restarted.to_string(),
            day.recovered.to_string(),
            day.failed_again.to_string(),
            day.sent_to_dlq.to_string(),
            day.errors.to_string(),
            bar(day, most, paint),
        ]);
    }
    let sum = |of: fn(&Day) -> u64| days.iter().map(of).sum::<u64>();
    let total = format!(
        "In all {} restarted, {} recovered, {} sent to the dead letter queue.",
        count_of(sum(|day| day.restarted), "time"),
        sum(|day| day.recovered),
        sum(|day| day.sent_to_dlq),
    );
    format!(
        "{}\n{}\n{}",
        table.trim_fmt(),
        paint.dim("█ restarted  ▒ sent to the dead letter queue"),
        total
    )
}

/// Restarts and dead letters as a bar, in the measure of the biggest day.
fn bar(day: &Day, most: u64, paint: Paint) -> String {
    let length = |count: u64| match (count, most) {
        (0, _) | (_, 0) => 0,
        _ => usize::try_from((count * BAR).div_ceil(most)).unwrap_or(0),
    };
    let restarted = paint.green("█".repeat(length(day.restarted)));
    restarted + &paint.red("▒".repeat(length(day.sent_to_dlq)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: &str, restarted: u64, sent_to_dlq: u64) -> Day {
        Day {
            day: day.parse().unwrap(),
            batches: 96,
            restarted,
            recovered: restarted / 2,
            failed_again: 3,
            sent_to_dlq,
            errors: 0,
        }
    }

    #[test]
    fn the_biggest_day_has_the_longest_bar() {
        let days = [
            day("2026-11-23", 40, 20),
            day("2026-11-22", 1, 0),
            day("2026-11-21", 0, 0),
        ];
        insta::assert_snapshot!(text(&days, Paint::PLAIN));
        insta::assert_snapshot!(csv_of(&days).unwrap(), @r"
        day,batches,restarted,recovered,failedAgain,sentToDlq,errors
        2026-11-23,96,40,20,3,20,0
        2026-11-22,96,1,0,3,0,0
        2026-11-21,96,0,0,3,0,0
        ");
    }
}

//! `redrive dlq stats`.

use std::collections::BTreeMap;
use std::process::ExitCode;

use redrive_engine::ops::Records;
use redrive_engine::{Clock, SystemClock};
use redrive_web::views::Stats;

use crate::backend::Backend;
use crate::cli::when;
use crate::cli::words::{orders, plain};
use crate::printer::{Paint, Printer, table};

/// Shows the queue in numbers.
pub async fn run(records: &Backend<Records>, printer: &Printer) -> anyhow::Result<ExitCode> {
    let stats = records.dead_letter_stats().await?;
    let now = SystemClock.now();
    printer.data(&stats, |stats, paint| {
        let oldest = stats
            .oldest_unresolved_at
            .map(|since| when::age(since, now));
        text(stats, oldest, paint)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(stats: &Stats, oldest: Option<String>, paint: Paint) -> String {
    if stats.total_entries == 0 {
        return "No order has ever been in the dead letter queue.".to_owned();
    }
    let waits = orders(stats.unresolved_count);
    let mut lines = vec![match oldest {
        Some(oldest) => format!(
            "{} wait for a decision, the oldest for {oldest}.",
            paint.bold(waits)
        ),
        None => "No order waits for a decision.".to_owned(),
    }];
    if !stats.by_failure_status.is_empty() {
        let mut table = table(["status", "waiting"]);
        for (status, count) in the_most_first(&stats.by_failure_status) {
            table.add_row([status.to_owned(), count.to_string()]);
        }
        lines.push(table.trim_fmt());
    }
    let decided: Vec<String> = the_most_first(&stats.by_resolution)
        .into_iter()
        .map(|(how, count)| format!("{count} {}", plain(how)))
        .collect();
    let how = if decided.is_empty() {
        String::new()
    } else {
        format!(" ({})", decided.join(", "))
    };
    lines.push(format!(
        "Ever: {}, {} decided{how}, {:.1} restarts each on average.",
        if stats.total_entries == 1 {
            "1 entry".to_owned()
        } else {
            format!("{} entries", stats.total_entries)
        },
        stats.resolved_count,
        stats.average_retries,
    ));
    lines.join("\n")
}

fn the_most_first(counts: &BTreeMap<String, u64>) -> Vec<(&str, u64)> {
    let counts = counts.iter();
    let mut counts: Vec<_> = counts
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    counts
}

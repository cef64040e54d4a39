//! `redrive dlq stats`.

use std::process::ExitCode;

use redrive_engine::ops::Records;
use redrive_ledger::DeadLetterStats;

use crate::cli::when;
use crate::cli::words::{orders, plain};
use crate::printer::{Paint, Printer, table};

/// Shows the queue in numbers.
pub async fn run(records: &Records, printer: &Printer) -> anyhow::Result<ExitCode> {
    let stats = records.dead_letter_stats().await?;
    let now = records.clock.now();
    printer.data(&stats, |stats, paint| {
        let oldest = stats
            .oldest_unresolved_at
            .map(|since| when::age(since, now));
        text(stats, oldest, paint)
    })?;
    Ok(ExitCode::SUCCESS)
}

fn text(stats: &DeadLetterStats, oldest: Option<String>, paint: Paint) -> String {
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
        for (status, count) in &stats.by_failure_status {
            table.add_row([status.clone(), count.to_string()]);
        }
        lines.push(table.trim_fmt());
    }
    let decided: Vec<String> = stats
        .by_resolution
        .iter()
        .map(|(how, count)| format!("{count} {}", plain(how.as_str())))
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

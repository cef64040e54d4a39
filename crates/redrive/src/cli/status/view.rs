//! The screen, from one value.

use jiff::Timestamp;
use redrive_core::report::Alert;
use redrive_ledger::{BatchRow, Overview};
use redrive_web::views::{Level, Status};

use crate::cli::when;
use crate::cli::words::{count_of, orders, plain};
use crate::printer::Paint;

/// The screen.
pub fn text(status: &Status, now: Timestamp, paint: Paint) -> String {
    let overview = &status.overview;
    let sentence = &status.health.sentence;
    let mut lines = vec![
        match status.health.level {
            Level::Ok => paint.green(sentence),
            Level::Attention => paint.yellow(sentence),
            Level::Problem => paint.red(sentence),
        },
        String::new(),
        line("Backlog", backlog(overview)),
        line("In flight", orders(overview.in_flight + overview.claimed)),
        line(
            "Today",
            format!(
                "{} recovered, {} failed again",
                overview.recovered, overview.failed_again
            ),
        ),
        line("Dead letters", dead_letters(overview, now)),
    ];
    if overview.held > 0 {
        lines.push(line("Held", orders(overview.held)));
    }
    if overview.older_failures > 0 {
        let left = "older than the look-back, left alone; `redrive scan --since` takes them in";
        lines.push(line(
            "Not taken in",
            format!("{}, {left}", count_of(overview.older_failures, "failure")),
        ));
    }
    let alerts = status.alerts.iter().map(Alert::sentence);
    let untold = alerts.filter(|alert| alert != sentence);
    lines.extend(untold.map(|alert| line("Alert", paint.yellow(alert))));
    if let Some(batch) = &status.running_batch {
        let since = when::age(batch.started_at, now);
        lines.push(line(
            "Running",
            format!(
                "a batch for {since}, {} found so far",
                orders(batch.result.found_count)
            ),
        ));
    }
    if let Some(batch) = &status.last_batch {
        lines.push(line("Last batch", last_batch(batch, now)));
    }
    let next_batch = match &status.schedule {
        Some(schedule) if schedule.ticks() => schedule.in_words(now),
        Some(schedule) => paint.yellow(schedule.in_words(now)),
        None => paint.yellow("not known: Temporal does not answer"),
    };
    lines.push(line("Next batch", next_batch));
    lines.join("\n")
}

fn line(name: &str, value: impl std::fmt::Display) -> String {
    format!("{name:<14}{value}")
}

fn backlog(overview: &Overview) -> String {
    let left_alone = match overview.left_alone {
        0 => String::new(),
        count => format!(" ({count} more are left alone by the policy)"),
    };
    format!("{}{left_alone}", orders(overview.backlog))
}

fn dead_letters(overview: &Overview, now: Timestamp) -> String {
    match overview.oldest_dead_letter_at {
        Some(oldest) => format!(
            "{}, the oldest waits for {}",
            orders(overview.dead_lettered),
            when::age(oldest, now)
        ),
        None => orders(overview.dead_lettered),
    }
}

fn last_batch(batch: &BatchRow, now: Timestamp) -> String {
    let result = &batch.result;
    format!(
        "{} {} ago: {} found, {} restarted, {} dead-lettered, {}, {} skipped",
        plain(batch.status.as_str()),
        when::age(result.processed_at, now),
        result.found_count,
        result.restarted_count,
        result.dlq_count,
        count_of(result.error_count, "error"),
        result.skipped_count,
    )
}

//! `redrive schedule show`.

use std::process::ExitCode;

use redrive_web::views::ScheduleShown;

use crate::backend::Backend;
use crate::cli::words::count_of;
use crate::cli::{Session, when};
use crate::printer::{Paint, Printer, table};

/// Shows.
pub async fn run(backend: &Backend<Session>, printer: &Printer) -> anyhow::Result<ExitCode> {
    let shown = backend.schedule().await?;
    printer.data(&shown, text)?;
    if !shown.differences.is_empty() {
        printer.hint("`redrive schedule apply` makes it what the configuration says.");
    }
    Ok(ExitCode::SUCCESS)
}

/// What a tick does while a batch runs.
fn overlap(policy: &str) -> String {
    match policy {
        "skip" => "A tick is passed over while a batch runs.".to_owned(),
        other => format!("While a batch runs, the overlap policy of ticks is {other}."),
    }
}

fn text(shown: &ScheduleShown, paint: Paint) -> String {
    let every = shown
        .interval
        .as_deref()
        .unwrap_or("otherwise than by an interval");
    let state = match (shown.paused, shown.note.as_str()) {
        (true, "") => paint.yellow("paused"),
        (true, note) => format!("{} ({note})", paint.yellow("paused")),
        (false, _) => paint.green("ticking"),
    };
    let mut lines = vec![
        format!("{} is {state}, every {every}.", paint.bold(&shown.id)),
        format!(
            "{} A missed tick is caught up for {}.",
            overlap(&shown.overlap_policy),
            shown
                .catchup_window
                .as_deref()
                .unwrap_or("a time that is not set")
        ),
        format!(
            "Lost {}; {} passed over while a batch was running.",
            count_of(shown.missed, "tick"),
            shown.skipped
        ),
    ];
    lines.extend(
        shown
            .differences
            .iter()
            .map(|difference| format!("{} {difference}", paint.yellow("It differs:"))),
    );
    // The server tells them while it is paused, too, and passes them over.
    if let (Some(next), false) = (shown.next_ticks.first(), shown.paused) {
        lines.push(format!("Next tick    {}", when::local(*next)));
    }
    if !shown.last_ticks.is_empty() {
        let mut table = table(["last ticks", "batch", "status"]);
        for tick in &shown.last_ticks {
            table.add_row([
                when::local(tick.at),
                tick.workflow_id.clone(),
                tick.status
                    .clone()
                    .unwrap_or_else(|| "not known".to_owned()),
            ]);
        }
        lines.push(table.trim_fmt());
    }
    lines.join("\n")
}

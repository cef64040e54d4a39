//! `redrive schedule apply`, `pause`, `resume`, `trigger` and `delete`.

use std::process::ExitCode;

use redrive_engine::ops::{Ops, Triggered};
use redrive_engine::{Applied, ScheduleSettings};
use serde::Serialize;

use super::{ActArgs, DeleteArgs};
use crate::cli::confirm;
use crate::printer::Printer;
use crate::problem::USER;

/// What was done.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Done<'a> {
    id: &'a str,
    did: &'static str,
    /// Whether it was otherwise before.
    changed: bool,
    /// The batch that was started.
    #[serde(skip_serializing_if = "Option::is_none")]
    batch: Option<String>,
}

impl<'a> Done<'a> {
    fn new(settings: &'a ScheduleSettings, did: &'static str, changed: bool) -> Self {
        Self {
            id: &settings.id,
            did,
            changed,
            batch: None,
        }
    }

    fn print(&self, printer: &Printer, told: impl Into<String>) -> anyhow::Result<ExitCode> {
        let told = told.into();
        printer.data(self, |done, paint| {
            format!("{} {told}", paint.bold(done.id))
        })?;
        Ok(ExitCode::SUCCESS)
    }
}

/// As the configuration says.
pub async fn apply(
    args: ActArgs,
    ops: &Ops,
    settings: &ScheduleSettings,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let (did, told) = match ops.apply_schedule(settings, &by).await? {
        Applied::Created => ("created", "is created."),
        Applied::Updated => ("updated", "is what the configuration says now."),
        Applied::Unchanged => (
            "unchanged",
            "is what the configuration says: nothing was changed.",
        ),
    };
    Done::new(settings, did, did != "unchanged").print(printer, told)
}

/// No more ticks.
pub async fn pause(
    args: ActArgs,
    ops: &Ops,
    settings: &ScheduleSettings,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let ticked = ops.pause_schedule(settings, &by).await?;
    let told = if ticked {
        "is paused: no batch starts by itself until `redrive schedule resume`."
    } else {
        "was paused already; the note is yours now."
    };
    Done::new(settings, "paused", ticked).print(printer, told)
}

/// Ticks again.
pub async fn resume(
    args: ActArgs,
    ops: &Ops,
    settings: &ScheduleSettings,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let paused = ops.resume_schedule(settings, &by).await?;
    let told = if paused {
        "ticks again."
    } else {
        "was not paused: it ticks."
    };
    Done::new(settings, "resumed", paused).print(printer, told)
}

/// A tick now.
pub async fn trigger(
    args: ActArgs,
    ops: &Ops,
    settings: &ScheduleSettings,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    match ops.trigger_schedule(settings, &by).await? {
        Triggered::Started(batch) => {
            let done = Done {
                batch: Some(batch.workflow_id.clone()),
                ..Done::new(settings, "triggered", true)
            };
            let code = done.print(
                printer,
                format!("has started the batch {}.", batch.workflow_id),
            )?;
            printer.hint(format_args!(
                "`redrive batches show {}` tells how it stands.",
                batch.batch_id
            ));
            Ok(code)
        }
        Triggered::Busy(batches) => {
            let told = format!(
                "starts nothing while its batch {} runs.",
                batches.join(", ")
            );
            Done::new(settings, "busy", false).print(printer, told)?;
            Ok(ExitCode::from(USER))
        }
        Triggered::Asked => Done::new(settings, "triggered", true).print(
            printer,
            "was told to start a batch; the server does not show it yet.",
        ),
    }
}

/// No schedule.
pub async fn delete(
    args: DeleteArgs,
    ops: &Ops,
    settings: &ScheduleSettings,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.act.why.event()?;
    let question = format!(
        "Delete the schedule {}? Batches then start by hand only.",
        settings.id
    );
    if !args.yes && !confirm::asked(&question)? {
        printer.say("Nothing was changed.");
        return Ok(ExitCode::SUCCESS);
    }
    ops.delete_schedule(settings, &by).await?;
    let code = Done::new(settings, "deleted", true).print(printer, "is deleted.")?;
    printer.hint("a worker that starts creates it again, unless schedule.manage is false.");
    Ok(code)
}

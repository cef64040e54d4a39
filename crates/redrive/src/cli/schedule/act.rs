//! `redrive schedule apply`, `pause`, `resume`, `trigger` and `delete`.

use std::process::ExitCode;

use redrive_web::views::{ScheduleDeed, ScheduleDid, ScheduleTold};

use super::{ActArgs, DeleteArgs};
use crate::backend::Backend;
use crate::cli::{Session, confirm};
use crate::printer::Printer;
use crate::problem::USER;

/// Tells it something.
pub async fn tell(
    deed: ScheduleDeed,
    args: ActArgs,
    backend: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.why.event()?;
    let told = backend.tell_schedule(deed, by).await?;
    print(&told, printer)?;
    if let Some(batch) = &told.batch_id {
        printer.hint(format_args!(
            "`redrive batches show {batch}` tells how it stands."
        ));
    }
    Ok(match told.did {
        ScheduleDid::Busy => ExitCode::from(USER),
        _ => ExitCode::SUCCESS,
    })
}

/// No schedule.
pub async fn delete(
    args: DeleteArgs,
    backend: &Backend<Session>,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let by = args.act.why.event()?;
    if !args.yes {
        let id = backend.schedule().await?.id;
        let question = format!("Delete the schedule {id}? Batches then start by hand only.");
        if !confirm::asked(&question)? {
            printer.say("Nothing was changed.");
            return Ok(ExitCode::SUCCESS);
        }
    }
    print(&backend.delete_schedule(by).await?, printer)?;
    printer.hint("a worker that starts creates it again, unless schedule.manage is false.");
    Ok(ExitCode::SUCCESS)
}

fn print(told: &ScheduleTold, printer: &Printer) -> anyhow::Result<()> {
    printer.data(told, |told, paint| {
        format!("{} {}", paint.bold(&told.id), in_words(told))
    })
}

fn in_words(told: &ScheduleTold) -> String {
    let words = match (told.did, told.changed) {
        (ScheduleDid::Created, _) => "is created.",
        (ScheduleDid::Updated, _) => "is what the configuration says now.",
        (ScheduleDid::Unchanged, _) => "is what the configuration says: nothing was changed.",
        (ScheduleDid::Paused, true) => {
            "is paused: no batch starts by itself until `redrive schedule resume`."
        }
        (ScheduleDid::Paused, false) => "was paused already; the note is yours now.",
        (ScheduleDid::Resumed, true) => "ticks again.",
        (ScheduleDid::Resumed, false) => "was not paused: it ticks.",
        (ScheduleDid::Triggered, _) => {
            return match &told.batch {
                Some(batch) => format!("has started the batch {batch}."),
                None => "was told to start a batch; the server does not show it yet.".to_owned(),
            };
        }
        (ScheduleDid::Busy, _) => {
            let running = told.running.join(", ");
            return format!("starts nothing while its batch {running} runs.");
        }
        (ScheduleDid::Deleted, _) => "is deleted.",
    };
    words.to_owned()
}

//! `redrive schedule`: the Temporal Schedule that starts a batch every so often.

mod act;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};
use redrive_engine::ScheduleSettings;
use redrive_web::views::ScheduleDeed;

use super::session::Why;
use super::{Global, Verb};
use crate::backend::Backend;
use crate::config::Config;
use crate::printer::Printer;

/// The commands.
#[derive(Debug, Subcommand)]
pub enum ScheduleCommand {
    /// Show how the schedule stands: its ticks, whether it is paused, what it missed, what differs from the configuration
    Show,
    /// Make the schedule what the configuration says; a pause stays
    Apply(ActArgs),
    /// Stop its ticks until it is resumed; a batch that runs goes on
    Pause(ActArgs),
    /// Let it tick again
    Resume(ActArgs),
    /// Let it start a batch now
    Trigger(ActArgs),
    /// Delete the schedule; a batch that runs goes on
    Delete(DeleteArgs),
}

/// What acts take.
#[derive(Debug, Args)]
pub struct ActArgs {
    #[command(flatten)]
    why: Why,
}

/// `schedule delete`.
#[derive(Debug, Args)]
pub struct DeleteArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// Runs one of the commands.
pub async fn run(
    command: ScheduleCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let backend = Backend::session(global, Verb::OnExisting).await?;
    let (deed, args) = match command {
        ScheduleCommand::Show => return show::run(&backend, printer).await,
        ScheduleCommand::Delete(args) => return act::delete(args, &backend, printer).await,
        ScheduleCommand::Apply(args) => (ScheduleDeed::Apply, args),
        ScheduleCommand::Pause(args) => (ScheduleDeed::Pause, args),
        ScheduleCommand::Resume(args) => (ScheduleDeed::Resume, args),
        ScheduleCommand::Trigger(args) => (ScheduleDeed::Trigger, args),
    };
    act::tell(deed, args, &backend, printer).await
}

/// What the configuration says of the schedule.
pub fn settings(config: &Config) -> ScheduleSettings {
    ScheduleSettings {
        id: config.schedule.id.clone(),
        task_queue: config.worker.task_queue.clone(),
        interval: config.schedule.interval,
    }
}

//! `redrive doctor`: what could keep orders from coming back, each finding with its remedy.

mod facts;
mod finding;
mod judge;
#[cfg(test)]
mod provoked;

use std::process::ExitCode;

use clap::Args;
use redrive_engine::{Clock, SystemClock};

use self::finding::{Level, text};
use super::Global;
use crate::config;
use crate::connect::Target;
use crate::printer::Printer;
use crate::problem::USER;

/// Check everything that Redrive stands on, and say what to do about what is wrong
///
/// Each check is made by itself, also where another fails. Nothing is changed. Exit code 1 where there is a problem.
#[derive(Debug, Args)]
pub struct DoctorArgs {}

/// Runs the command.
pub async fn run(_: DoctorArgs, global: &Global, printer: &Printer) -> anyhow::Result<ExitCode> {
    let config = config::load(&global.overrides())?;
    let facts = facts::gather(Target::configured(), &config, &SystemClock).await;
    let findings = judge::judge(&facts, &config, SystemClock.now());
    printer.data(&findings, |findings, paint| text(findings, paint))?;
    let problems = findings
        .iter()
        .any(|finding| finding.level == Level::Problem);
    Ok(if problems {
        ExitCode::from(USER)
    } else {
        ExitCode::SUCCESS
    })
}

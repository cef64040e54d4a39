//! `redrive limits`: how fast everything that works on this ledger may go, changed while it works.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use redrive_engine::ops::{Limit, Records};
use redrive_ledger::Limited;

use super::Global;
use super::session::Why;
use crate::backend::Backend;
use crate::printer::{Paint, Printer, table};

/// The commands.
#[derive(Debug, Subcommand)]
pub enum LimitsCommand {
    /// Show the limits, and which of them an operator set
    Show,
    /// Set a limit for all workers at once, until it is reset; the configuration stays as it is
    Set(SetArgs),
    /// Let the configuration's limit hold again
    Reset(ResetArgs),
}

/// What can be limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum What {
    /// Starts of workflows
    Starts,
    /// Calls to Temporal's visibility: lists and counts
    Visibility,
}

/// `limits set`.
#[derive(Debug, Args)]
pub struct SetArgs {
    /// What is limited
    #[arg(value_name = "LIMIT")]
    what: What,
    /// The most of it a second, over all workers
    #[arg(value_name = "RATE", value_parser = rate)]
    rate: f64,
    #[command(flatten)]
    act: ActArgs,
}

/// `limits reset`.
#[derive(Debug, Args)]
pub struct ResetArgs {
    /// What is limited
    #[arg(value_name = "LIMIT")]
    what: What,
    #[command(flatten)]
    act: ActArgs,
}

/// What both take.
#[derive(Debug, Args)]
pub struct ActArgs {
    #[command(flatten)]
    why: Why,
}

/// Runs one of them.
pub async fn run(
    command: LimitsCommand,
    global: &Global,
    printer: &Printer,
) -> anyhow::Result<ExitCode> {
    let (what, rate, act) = match command {
        LimitsCommand::Show => {
            let limits = Backend::<Records>::records(global).await?.limits().await?;
            return show(&limits, printer);
        }
        LimitsCommand::Set(args) => (args.what, Some(args.rate), args.act),
        LimitsCommand::Reset(args) => (args.what, None, args.act),
    };
    let by = act.why.event()?;
    let backend = Backend::<Records>::records(global).await?;
    show(&backend.set_limit(what.into(), rate, by).await?, printer)
}

fn show(limits: &[Limit], printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.data(&limits, |limits, paint| text(limits, paint))?;
    if limits.iter().any(|limit| limit.is_set) {
        printer.hint("`redrive limits reset LIMIT` lets the configuration's limit hold again.");
    }
    Ok(ExitCode::SUCCESS)
}

fn text(limits: &[Limit], paint: Paint) -> String {
    let mut table = table(["limit", "a second", "configured", "set by"]);
    for limit in limits {
        let by = if limit.is_set {
            "an operator"
        } else {
            "the configuration"
        };
        table.add_row([
            limit.limit.as_str().to_owned(),
            paint.bold(limit.per_second).to_string(),
            limit.configured.to_string(),
            by.to_owned(),
        ]);
    }
    table.trim_fmt()
}

impl From<What> for Limited {
    fn from(what: What) -> Self {
        match what {
            What::Starts => Self::Starts,
            What::Visibility => Self::Visibility,
        }
    }
}

fn rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("write a number above 0, like 20; `redrive halt` stops every start".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_a_number_above_0() {
        assert_eq!(rate("0.5"), Ok(0.5));
        for wrong in ["0", "-1", "NaN", "inf", "fast"] {
            assert!(rate(wrong).unwrap_err().contains("above 0"), "{wrong}");
        }
    }
}

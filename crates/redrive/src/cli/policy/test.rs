//! `redrive policy test`.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use redrive_core::policy::Treatment;
use redrive_web::views::Judgement;
use serde::Serialize;

use super::described::Described;
use crate::cli::judgement;
use crate::config;
use crate::printer::{Paint, Printer, table};

/// `policy test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// The file, as redrive.example.toml is
    #[arg(value_name = "FILE")]
    file: PathBuf,
    #[command(flatten)]
    described: Described,
}

/// What the policy does.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Tested {
    file: PathBuf,
    /// Each status that the policy knows.
    statuses: Vec<Treatment>,
    /// The failure that was described, if one was.
    failure: Option<Judgement>,
}

/// Tests.
pub fn run(args: TestArgs, printer: &Printer) -> anyhow::Result<ExitCode> {
    let policy = config::read(&args.file)?.policy;
    let workflow_type = args.described.workflow_type(&policy);
    let facts = args.described.facts();
    let failure = facts.map(|facts| Judgement::new(&policy, &workflow_type, &facts, false));
    let tested = Tested {
        file: args.file,
        statuses: policy.treatments(),
        failure,
    };
    printer.data(&tested, Tested::text)?;
    Ok(ExitCode::SUCCESS)
}

impl Tested {
    fn text(&self, paint: Paint) -> String {
        if let Some(failure) = &self.failure {
            return judgement::text(failure, paint);
        }
        let mut table = table([
            "status",
            "restarted",
            "restarts",
            "longest waits between them",
        ]);
        for treatment in &self.statuses {
            let restarted = match treatment.reprocess {
                true => paint.green("yes"),
                false => paint.yellow("no"),
            };
            table.add_row([
                paint.bold(&treatment.status),
                restarted,
                treatment.max_retries.to_string(),
                treatment.waits.to_string(),
            ]);
        }
        format!(
            "{}\n\n{} is fine. The first restart is made at once, each further one after a random part of its wait (full \
             jitter).\nAny other status is kept, shown and left alone.",
            table.trim_fmt(),
            self.file.display()
        )
    }
}

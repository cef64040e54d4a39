//! Which dead letters a decision is about: named one by one, or chosen by a filter that is shown and confirmed.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::{BulkReport, Chosen, OpsError, Records};
use redrive_ledger::{DeadLetter, DeadLetterFilter};

use super::list::listing;
use crate::cli::confirm;
use crate::cli::narrow::{Which, Whose, ago, span};
use crate::cli::words::{orders, short};
use crate::printer::{Paint, Printer, table};
use crate::problem::Problem;

/// How many are shown before it is asked.
const SHOWN: usize = 10;

/// Ids, or a filter.
#[derive(Debug, Args)]
pub struct Selection {
    /// The order ids, or the workflow ids; or choose by a filter instead
    #[arg(value_name = "ID", conflicts_with_all = ["status", "group", "customer", "older_than", "limit"])]
    ids: Vec<String>,
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    whose: Whose,
    /// Only those that have waited longer than this span, say 7d
    #[arg(long, value_name = "SPAN", value_parser = span)]
    older_than: Option<Duration>,
    /// At most N of those that the filter chooses, the oldest first
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    limit: Option<u32>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
}

/// What was chosen.
pub enum Choice {
    /// One order, by its id.
    One(String),
    /// Those.
    Many(Vec<Chosen>),
    /// Nobody was chosen, or the person said no; why has been told. It is with none done of so many.
    Nothing(BulkReport),
}

impl Selection {
    /// Chooses, shows and asks; `verb` is what is about to be done. One order that is named is not asked about.
    ///
    /// Errors: an empty filter, an unknown id, nobody to ask.
    pub async fn choose(
        self,
        verb: &str,
        records: &Records,
        printer: &Printer,
    ) -> anyhow::Result<Choice> {
        if let [one] = self.ids.as_slice() {
            return Ok(Choice::One(one.clone()));
        }
        self.must_narrow()?;
        let chosen = if self.ids.is_empty() {
            let entries = self.by_filter(records).await?;
            show(&entries, printer);
            entries.iter().map(Chosen::from).collect()
        } else {
            named(&self.ids, records).await?
        };
        let none = BulkReport {
            matched: chosen.len() as u64,
            ..BulkReport::default()
        };
        if chosen.is_empty() {
            return Ok(Choice::Nothing(none));
        }
        let question = format!("{verb} {}?", orders(chosen.len() as u64));
        if !self.yes && !confirm::asked(&question)? {
            printer.say("Nothing was changed.");
            return Ok(Choice::Nothing(none));
        }
        Ok(Choice::Many(chosen))
    }

    /// Errors: nobody is named, and the filter leaves nobody out.
    pub fn must_narrow(&self) -> Result<(), Problem> {
        let narrows = !self.ids.is_empty()
            || self.which.status.is_some()
            || self.which.group.is_some()
            || self.whose.customer.is_some()
            || self.older_than.is_some();
        if narrows {
            return Ok(());
        }
        Err(Problem::user(
            "no order is named, and no filter is given.",
            "name orders, or choose them with --status, --group, --customer or --older-than; `redrive dlq list` shows them.",
        ))
    }

    async fn by_filter(&self, records: &Records) -> anyhow::Result<Vec<DeadLetter>> {
        let filter = DeadLetterFilter {
            resolved: Some(false),
            failure_status: self.which.status.clone(),
            group: self.which.group.clone(),
            customer_id: self.whose.customer.clone(),
            before: self.older_than.map(|span| ago(span, records.clock.now())),
            after: None,
        };
        Ok(records.choose(&filter, self.limit).await?)
    }
}

/// Shows what a filter has chosen.
fn show(entries: &[DeadLetter], printer: &Printer) {
    if entries.is_empty() {
        printer.say("No order in the dead letter queue matches.");
        return;
    }
    let matches = if entries.len() == 1 {
        "matches"
    } else {
        "match"
    };
    printer.say(format_args!(
        "{} in the dead letter queue {matches}:",
        orders(entries.len() as u64)
    ));
    let first = &entries[..SHOWN.min(entries.len())];
    printer.say(listing(first, false, printer.talk_paint()));
    if entries.len() > SHOWN {
        printer.say(format_args!("... and {} more", entries.len() - SHOWN));
    }
}

/// Several by their ids: each must be known before anything is done to any.
async fn named(ids: &[String], records: &Records) -> Result<Vec<Chosen>, OpsError> {
    let mut chosen = Vec::with_capacity(ids.len());
    for id in ids {
        let story = records.show_order(id).await?;
        chosen.push(Chosen {
            workflow_id: story.order.workflow_id,
            order_id: story.order.order_id,
        });
    }
    Ok(chosen)
}

/// Programs are told in the same form that nothing was done.
pub fn nothing(none: &BulkReport, printer: &Printer) -> anyhow::Result<ExitCode> {
    printer.data(none, |_, _| String::new())?;
    Ok(ExitCode::SUCCESS)
}

/// One line of success, and a table of what failed and why.
pub fn told(report: &BulkReport, did: &str, paint: Paint) -> String {
    let done = format!("{did} {} of {}.", report.done, orders(report.matched));
    if report.failed.is_empty() {
        return paint.green(done);
    }
    let mut table = table(["order", "why not"]);
    for failed in &report.failed {
        table.add_row([paint.bold(&failed.order.order_id), short(&failed.reason)]);
    }
    format!("{}\n\n{}", paint.yellow(done), table.trim_fmt())
}

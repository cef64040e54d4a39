//! Which dead letters a decision is about: named one by one, or chosen by a filter that is shown and confirmed.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::{BulkReport, Many, Named, OpsError, Records};
use redrive_ledger::DeadLetterFilter;

use super::list::listing;
use crate::cli::confirm;
use crate::cli::narrow::{Which, Whose, ago, span};
use crate::cli::words::{orders, short};
use crate::printer::{Paint, Printer, table};
use crate::problem::Problem;

/// How many are shown before it is asked.
const SHOWN: u32 = 10;

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
    /// Several.
    Many(Many),
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
        let many = if self.ids.is_empty() {
            self.by_filter(records)
        } else {
            Many::Named(named(&self.ids, records).await?)
        };
        let count = records.count_of(&many).await?;
        if let Many::Matching(filter, _) = &many {
            show(filter, count, records, printer).await?;
        }
        let none = BulkReport {
            matched: count,
            ..BulkReport::default()
        };
        if count == 0 {
            return Ok(Choice::Nothing(none));
        }
        let question = format!("{verb} {}?", orders(count));
        if !self.yes && !confirm::asked(&question)? {
            printer.say("Nothing was changed.");
            return Ok(Choice::Nothing(none));
        }
        Ok(Choice::Many(many))
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

    fn by_filter(&self, records: &Records) -> Many {
        let filter = DeadLetterFilter {
            resolved: Some(false),
            failure_status: self.which.status.clone(),
            group: self.which.group.clone(),
            customer_id: self.whose.customer.clone(),
            before: self.older_than.map(|span| ago(span, records.clock.now())),
            ..DeadLetterFilter::default()
        };
        Many::Matching(filter, self.limit)
    }
}

/// Shows what a filter chooses: how many, and the first of them.
async fn show(
    filter: &DeadLetterFilter,
    count: u64,
    records: &Records,
    printer: &Printer,
) -> Result<(), OpsError> {
    if count == 0 {
        printer.say("No order in the dead letter queue matches.");
        return Ok(());
    }
    let matches = if count == 1 { "matches" } else { "match" };
    printer.say(format_args!(
        "{} in the dead letter queue {matches}:",
        orders(count)
    ));
    let shown = count.min(SHOWN.into());
    let first = records.dead_letters(filter, shown as u32).await?;
    printer.say(listing(&first, false, printer.talk_paint()));
    if count > shown {
        printer.say(format_args!("... and {} more", count - shown));
    }
    Ok(())
}

/// Several by their ids: each must be known before anything is done to any.
pub(super) async fn named(ids: &[String], records: &Records) -> Result<Vec<Named>, OpsError> {
    let mut chosen = Vec::with_capacity(ids.len());
    for id in ids {
        let story = records.show_order(id).await?;
        chosen.push(Named {
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

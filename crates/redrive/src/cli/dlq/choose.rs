//! Which dead letters a decision is about: named one by one, or chosen by a filter that is shown and confirmed.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use redrive_engine::ops::BulkReport;
use redrive_ledger::NewAuditEvent;
use redrive_web::views::ByHand;

use super::list::listing;
use crate::backend::Backend;
use crate::backend::dead_letters::Wanted;
use crate::backend::many::{About, Looks, Preview};
use crate::cli::confirm;
use crate::cli::narrow::{Which, Whose, span};
use crate::cli::words::{orders, short};
use crate::printer::{Paint, Printer, table};
use crate::problem::Problem;

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
pub enum Choice<L> {
    /// One order, by its id.
    One(String),
    /// Several, as they were looked at.
    Many(Preview<L>),
    /// Nobody was chosen, or the person said no; why has been told. It is with none done of so many.
    Nothing(BulkReport),
}

impl Selection {
    /// Chooses, shows and asks; `verb` is what is about to be done. One order that is named is not asked about.
    ///
    /// Errors: an empty filter, an unknown id, nobody to ask.
    pub async fn choose<L: Looks>(
        self,
        verb: &str,
        resolution: ByHand,
        by: &NewAuditEvent,
        backend: &Backend<L>,
        printer: &Printer,
    ) -> anyhow::Result<Choice<L>> {
        if let [one] = self.ids.as_slice() {
            return Ok(Choice::One(one.clone()));
        }
        self.must_narrow()?;
        let (yes, by_filter) = (self.yes, self.ids.is_empty());
        let preview = backend.preview(self.about(), resolution, by).await?;
        if by_filter {
            show(&preview, printer);
        }
        let count = preview.matched;
        let none = BulkReport {
            matched: count,
            ..BulkReport::default()
        };
        if count == 0 {
            return Ok(Choice::Nothing(none));
        }
        let question = format!("{verb} {}?", orders(count));
        if !yes && !confirm::asked(&question)? {
            printer.say("Nothing was changed.");
            return Ok(Choice::Nothing(none));
        }
        Ok(Choice::Many(preview))
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

    fn about(self) -> About {
        if !self.ids.is_empty() {
            return About::Named(self.ids);
        }
        let wanted = Wanted {
            status: self.which.status,
            group: self.which.group,
            customer: self.whose.customer,
            older_than: self.older_than,
        };
        About::Matching(wanted, self.limit)
    }
}

/// Shows what a filter chooses: how many, and the first of them.
fn show<L>(preview: &Preview<L>, printer: &Printer) {
    let count = preview.matched;
    if count == 0 {
        printer.say("No order in the dead letter queue matches.");
        return;
    }
    let matches = if count == 1 { "matches" } else { "match" };
    printer.say(format_args!(
        "{} in the dead letter queue {matches}:",
        orders(count)
    ));
    printer.say(listing(&preview.sample, false, printer.talk_paint()));
    let more = count.saturating_sub(preview.sample.len() as u64);
    if more > 0 {
        printer.say(format_args!("... and {more} more"));
    }
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

//! A dry run: what a batch would do with each order, found out on a copy of the ledger.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use redrive_core::report::ReprocessingResult;
use serde::Deserialize;

use super::batches::Found;
use super::filter::given;
use super::{Result, Wrong, shown};
use crate::app::App;
use crate::extract::Form;
use crate::problem::ApiError;
use crate::rehearsing;
use crate::views::Rehearse;

/// So many verdicts are shown.
const SHOWN: usize = 200;

/// What is rehearsed.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Asked {
    max_orders: String,
}

#[derive(Template)]
#[template(path = "rehearsal.html")]
struct Page {
    here: &'static str,
    result: ReprocessingResult,
    orders: Vec<Found>,
    cut: bool,
    cut_short: bool,
}

pub(super) async fn rehearse(State(app): State<App>, Form(asked): Form<Asked>) -> Result<Response> {
    let request = Rehearse {
        max_orders: asked.most()?,
        ..Rehearse::default()
    };
    let rehearsed = rehearsing::rehearse(&app, request).await?;
    let (verdicts, cut_short) = (rehearsed.verdicts.into_iter(), rehearsed.cut_short);
    let cut = verdicts.len() > SHOWN;
    Ok(shown(&Page {
        here: "/schedule",
        result: rehearsed.result,
        orders: verdicts.take(SHOWN).map(Found::of).collect(),
        cut,
        cut_short,
    }))
}

impl Asked {
    fn most(&self) -> Result<Option<u32>> {
        let Some(most) = given(&self.max_orders) else {
            return Ok(None);
        };
        match most.parse::<u32>() {
            Ok(most @ 1..) => Ok(Some(most)),
            Ok(0) | Err(_) => Err(Wrong(ApiError::invalid(format!(
                "{most:?} is no number of orders: it can be 1 or more, or nothing"
            )))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_that_had_no_time_does_not_say_that_there_is_nothing() {
        let page = |cut_short| Page {
            here: "/schedule",
            result: ReprocessingResult::default(),
            orders: Vec::new(),
            cut: false,
            cut_short,
        };
        let (late, nothing) = ("There was no time", "no order to handle now");
        let says = |cut_short: bool, what| page(cut_short).render().unwrap().contains(what);
        assert!(says(true, late) && !says(true, nothing));
        assert!(says(false, nothing) && !says(false, late));
    }
}

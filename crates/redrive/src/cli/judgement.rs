//! What a policy makes of one failure, as a person reads it. Shared by `policy test`, for a failure that is described, and by
//! `classify`, for one that happened.

use redrive_core::classify::Matched;
use redrive_web::views::{Judgement, Tried};

use crate::printer::Paint;

/// The judgement for a person.
pub fn text(judgement: &Judgement, paint: Paint) -> String {
    let status = paint.bold(&judgement.treatment.status);
    let restarted = match judgement.restarted {
        true => paint.green("yes"),
        false => paint.yellow("no"),
    };
    let message = judgement.message.lines().next().unwrap_or("none");
    let head = format!(
        "status       {status}, by {}\ngroup        {}\nmessage      {message}\nrestarted    {restarted}: {}",
        by(&judgement.matched),
        judgement.fingerprint,
        judgement.why,
    );
    let rules = judgement.rules.iter().map(|tried| rule(tried, paint));
    head + &rules.collect::<String>()
}

fn rule(tried: &Tried, paint: Paint) -> String {
    let outcome = match tried.matches {
        true => paint.green("matches"),
        false => paint.dim("does not match"),
    };
    let head = format!("\n\nrule {} ({}) {outcome}", tried.number, tried.name);
    let conditions = tried.conditions.iter().map(|condition| {
        let met = match condition.met {
            true => paint.green("met"),
            false => paint.yellow("not met"),
        };
        format!("\n  {} = {:?}: {met}", condition.setting, condition.wanted)
    });
    head + &conditions.collect::<String>()
}

fn by(matched: &Matched) -> String {
    match matched {
        Matched::Rule { .. } => matched.to_string(),
        Matched::FailureType => "the type of the application failure".to_owned(),
        Matched::RunTimeout => "the timeout of the run".to_owned(),
        Matched::Nothing => "nothing: no rule matches, and the failure names no type".to_owned(),
    }
}

//! The emergency brake, pulled for a while now and then: within a second nothing may be started any more.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use redrive::audit::Records;
use redrive_engine::{Clock, SystemClock};

use crate::deeds::operator;
use crate::site::Site;

/// A halt stops every start within so long. Who is told that it is new has waited for that.
const HEARD_WITHIN: SignedDuration = SignedDuration::from_secs(1);

/// A time in which nothing may have been started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Still {
    from: Timestamp,
    to: Timestamp,
}

/// Halts and unhalts as planned.
pub(crate) async fn run(site: &Site, halts: &[(Duration, Duration)]) -> anyhow::Result<Vec<Still>> {
    let (began, mut still) = (SystemClock.now(), Vec::new());
    for (after, lasts) in halts {
        let at = began + SignedDuration::try_from(*after)?;
        let wait = at
            .duration_since(SystemClock.now())
            .max(SignedDuration::ZERO);
        SystemClock.sleep(wait.try_into()?).await;
        let records = &site.ops.records;
        let halt = async || records.halt(&operator()).await;
        let waited = site.weather.ride_out(halt).await?;
        let from = SystemClock.now()
            + if waited {
                SignedDuration::ZERO
            } else {
                HEARD_WITHIN
            };
        SystemClock.sleep(*lasts).await;
        let to = SystemClock.now();
        let unhalt = async || records.unhalt(&operator()).await;
        site.weather.ride_out(unhalt).await?;
        still.push(Still { from, to });
    }
    Ok(still)
}

/// What was started nevertheless.
pub(crate) fn unheard(still: &[Still], records: &Records) -> Vec<String> {
    let restarts = records.restarts().into_iter();
    let unheard = restarts.filter(|(run, _)| {
        still
            .iter()
            .any(|still| still.from <= run.started_at && run.started_at < still.to)
    });
    unheard
        .map(|(run, _)| {
            format!(
                "{}: run {} was started while starts were halted",
                run.workflow_id, run.run_id
            )
        })
        .collect()
}

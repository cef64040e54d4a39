//! The outages: the Temporal server and PostgreSQL, killed in mid-batch and started again a while later.

use std::time::Duration;

use anyhow::Context;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use redrive_engine::{Clock, SystemClock};
use tokio::sync::watch;

use crate::site::Site;

/// The pause between two looks at the ledger for a claim.
const LOOK: Duration = Duration::from_millis(100);
/// So long everything is up between two outages, in milliseconds.
const UP_MS: std::ops::Range<u64> = 8_000..16_000;
/// So long what was killed is down, in milliseconds, and the time it takes to start.
const DOWN_MS: std::ops::Range<u64> = 200..3_000;

/// What is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// The Temporal server.
    Server,
    /// PostgreSQL, all its processes.
    Postgres,
}

impl Part {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Postgres => "postgres",
        }
    }

    async fn kill(self, site: &Site) -> anyhow::Result<()> {
        match self {
            Self::Server => site.kill_server().await,
            Self::Postgres => site.kill_postgres().await,
        }
    }

    async fn start(self, site: &Site) -> anyhow::Result<()> {
        match self {
            Self::Server => site.start_server().await,
            Self::Postgres => site.start_postgres().await,
        }
    }
}

/// An outage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Outage {
    /// Of what.
    pub part: Part,
    /// Orders that were claimed and not done with, by the ledger read right before: while PostgreSQL is down nobody can
    /// read it.
    pub claims: u64,
}

/// One that is to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Planned {
    part: Part,
    /// So long after the one before.
    after: Duration,
    /// So long it is down.
    lasts: Duration,
}

/// So many of each, in the order that the seed gives them.
pub(crate) fn plan(seed: u64, server: u32, postgres: u32) -> Vec<Planned> {
    let mut rng = StdRng::seed_from_u64(seed);
    let parts = [(Part::Server, server), (Part::Postgres, postgres)];
    let mut parts: Vec<Part> = parts
        .into_iter()
        .flat_map(|(part, times)| (0..times).map(move |_| part))
        .collect();
    parts.shuffle(&mut rng);
    let planned = parts.into_iter().map(|part| Planned {
        part,
        after: Duration::from_millis(rng.random_range(UP_MS)),
        lasts: Duration::from_millis(rng.random_range(DOWN_MS)),
    });
    planned.collect()
}

/// Lets them happen, each while orders are claimed, until the storm is over.
pub(crate) async fn run(
    site: &Site,
    planned: Vec<Planned>,
    mut over: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Outage>> {
    let mut outages = Vec::new();
    for next in planned {
        let ready = async {
            SystemClock.sleep(next.after).await;
            until_claimed(site).await
        };
        let claims = tokio::select! {
            claims = ready => claims?,
            _ = over.wait_for(|over| *over) => break,
        };
        let part = next.part;
        once(site, next)
            .await
            .with_context(|| format!("the {} cannot be killed and started again", part.name()))?;
        outages.push(Outage { part, claims });
    }
    Ok(outages)
}

/// Until orders are claimed. Returns how many.
pub(crate) async fn until_claimed(site: &Site) -> anyhow::Result<u64> {
    loop {
        let look = async || site.open_claims(None).await;
        let open = site.weather.ride_out(look).await?;
        if !open.is_empty() {
            return Ok(open.len() as u64);
        }
        SystemClock.sleep(LOOK).await;
    }
}

async fn once(site: &Site, next: Planned) -> anyhow::Result<()> {
    site.weather.goes_down();
    next.part.kill(site).await?;
    SystemClock.sleep(next.lasts).await;
    next.part.start(site).await?;
    site.weather.is_back();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seed_orders_what_is_killed() {
        let outages = plan(7, 6, 4);
        let of = |part| outages.iter().filter(|next| next.part == part).count();
        assert_eq!((of(Part::Server), of(Part::Postgres)), (6, 4));
        assert_eq!(outages, plan(7, 6, 4));
        assert_ne!(outages, plan(8, 6, 4));
    }
}

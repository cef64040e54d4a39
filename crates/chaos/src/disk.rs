//! The ledger's disk, full for a while: its file may not grow, in any worker, until there is room again.
//!
//! SQLite's `max_page_count` does it, which every connection has for itself; so each worker is told, and sets a fail point.

use std::time::Duration;

use redrive_engine::{Clock, SystemClock};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::outages::until_claimed;
use crate::site::Site;

/// What the ledger looks at.
const POINT: &str = "ledger-full";
/// The pause between two looks at what the workers tell.
const LOOK: Duration = Duration::from_millis(100);
/// A disk on which nobody needs more room for so long is given it again. Changes that fit into pages which were freed are made
/// all the same, and workers that were killed leave their work for twenty seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// The disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Disk {
    /// There is room.
    #[default]
    Room,
    /// There is none.
    Full,
}

impl Disk {
    /// The line by which a worker is told.
    pub const fn line(self) -> &'static str {
        match self {
            Self::Room => "room\n",
            Self::Full => "full\n",
        }
    }

    /// Understands it.
    pub fn hear(line: &str) -> Option<Self> {
        let all = [Self::Room, Self::Full];
        all.into_iter().find(|disk| disk.line().trim_end() == line)
    }

    /// Makes this process's ledger so.
    pub fn obey(self) {
        match self {
            Self::Room => fail::remove(POINT),
            // The action is one that the crate knows.
            Self::Full => drop(fail::cfg(POINT, "return")),
        }
    }
}

/// A time in which it was full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Changes that it refused, over all workers.
    pub refused: u64,
}

/// Fills the disk as planned, each time while orders are claimed, and until so long after the first change was refused.
pub(crate) async fn run(
    site: &Site,
    fills: &[(Duration, Duration)],
    mut over: watch::Receiver<bool>,
) -> anyhow::Result<Vec<Filled>> {
    let (began, mut filled) = (Instant::now(), Vec::new());
    for (after, lasts) in fills {
        let all = async {
            SystemClock
                .sleep(after.saturating_sub(began.elapsed()))
                .await;
            until_claimed(site).await?;
            anyhow::Ok(once(site, *lasts).await)
        };
        tokio::select! {
            refused = all => filled.push(Filled { refused: refused? }),
            _ = over.wait_for(|over| *over) => break,
        }
    }
    site.disk.send_replace(Disk::Room);
    Ok(filled)
}

/// Once. Returns how many changes were refused.
async fn once(site: &Site, lasts: Duration) -> u64 {
    let refused = || site.told.mishaps().refused;
    let (before, began) = (refused(), Instant::now());
    // This process can write; the workers cannot.
    site.weather.stirs();
    site.disk.send_replace(Disk::Full);
    while refused() == before && began.elapsed() < PATIENCE {
        SystemClock.sleep(LOOK).await;
    }
    SystemClock.sleep(lasts).await;
    site.disk.send_replace(Disk::Room);
    site.weather.stirs();
    refused() - before
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_understood() {
        for disk in [Disk::Room, Disk::Full] {
            assert_eq!(Disk::hear(disk.line().trim_end()), Some(disk));
        }
        assert_eq!(Disk::hear("dances"), None);
    }
}

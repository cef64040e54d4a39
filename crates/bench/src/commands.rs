//! The commands that people look with, each as a process of its own, on a large ledger.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::time::Instant;

use crate::figures::{Figures, Reach, Row};
use crate::seeded::{Kind, Seeded};
use crate::site::Site;

/// The commands.
const COMMANDS: [&str; 4] = ["status", "orders list", "dlq list", "failures groups"];
/// How long each may take.
const MOST_MS: f64 = 300.0;

/// Runs each command so often on a ledger of so many orders.
pub(crate) async fn measure(
    site: &Site,
    kind: &Kind,
    (size, seeded): &(u64, Seeded),
    runs: u32,
    figures: &mut Figures,
) -> anyhow::Result<()> {
    for command in COMMANDS {
        for _ in 0..runs {
            let took = time(site, &seeded.url, command).await?;
            let id = format!("{}-{}-{size}", command.replace(' ', "-"), kind.id());
            let title = format!("{}, {size} orders: redrive {command}", kind.name());
            let row = Row::new(id, title, "ms");
            let most = Reach::AtMost(MOST_MS);
            figures.add(row.reaching(most), took.as_secs_f64() * 1000.0);
        }
    }
    Ok(())
}

async fn time(site: &Site, ledger: &str, command: &str) -> anyhow::Result<Duration> {
    let program = std::env::current_exe().context("this program's own file is not known")?;
    let began = Instant::now();
    let output = Command::new(program)
        .arg("redrive")
        .args(command.split(' '))
        .args(["--ledger", ledger])
        .env("TEMPORAL_ADDRESS", site.address())
        .env("TEMPORAL_NAMESPACE", "default")
        .stdin(Stdio::null())
        .output()
        .await
        .context("a command cannot be started")?;
    let took = began.elapsed();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("redrive {command} fails: {}", said.trim());
    }
    Ok(took)
}

//! The lives of the worker: one process after the other, each killed as its death has it, the next started at once.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::Signal;
use redrive_engine::{Clock, SystemClock};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::watch;
use tokio::time::Instant;

use crate::deaths::Death;
use crate::said::{Claim, Said};
use crate::site::Site;

/// The pause between two looks at the ledger for a claim.
const LOOK: Duration = Duration::from_millis(20);

/// A kill.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kill {
    /// How.
    pub death: Death,
    /// Orders that this worker had claimed and not done with, by the ledger read after it. One without is not counted.
    pub claims: u64,
}

impl Kill {
    /// Whether it hit a worker that owned something.
    pub fn counts(self) -> bool {
        self.claims > 0
    }
}

/// How many of them count.
pub(crate) fn hits(kills: &[Kill]) -> usize {
    kills.iter().filter(|kill| kill.counts()).count()
}

/// Lives through `deaths`, those that hit no claim again at the end, and through a last life without one. `over` ends it
/// at any time; `kills` shows how it goes on.
pub(crate) async fn run(
    site: &Site,
    deaths: Vec<Death>,
    kills: &watch::Sender<Vec<Kill>>,
    mut over: watch::Receiver<bool>,
) -> anyhow::Result<()> {
    let mut deaths = VecDeque::from(deaths);
    while let Some(death) = deaths.pop_front() {
        let life = Life::begin(site, Some(death))?;
        let End::Killed(claims) = life.until_dead(site, death, &mut over).await? else {
            return Ok(());
        };
        // Nothing but a worker claims, commits or gives back; so it is still as the kill left it. Whose claims a worker
        // takes over are its own: it says so.
        let kill = Kill {
            death,
            claims: site.open_claims(&claims).await?,
        };
        if !kill.counts() {
            deaths.push_back(death);
        }
        kills.send_modify(|kills| kills.push(kill));
    }
    Life::begin(site, None)?.until_over(&mut over).await
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum End {
    /// It had made these claims.
    Killed(BTreeSet<Claim>),
    Over,
}

/// What a worker has said.
#[derive(Debug, Clone, Default)]
struct Heard {
    last: Option<Said>,
    claims: BTreeSet<Claim>,
}

/// A worker process. It ends when its stdin closes; it is killed when it is dropped.
struct Life {
    child: Child,
    stdin: Option<ChildStdin>,
    heard: watch::Receiver<Heard>,
}

impl Life {
    fn begin(site: &Site, death: Option<Death>) -> anyhow::Result<Self> {
        let program = std::env::current_exe().context("this program's own file is not known")?;
        let log = File::options()
            .create(true)
            .append(true)
            .open(site.worker_log())
            .context("the worker's log cannot be written")?;
        let mut command = Command::new(program);
        command
            .args(["worker", "--ledger", &site.ledger()])
            .args(["--starts-per-second", &site.starts_per_second.to_string()])
            .env("TEMPORAL_ADDRESS", site.address())
            .env("TEMPORAL_NAMESPACE", site.namespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        if let Some(Death::At { point, hit }) = death {
            command.args(["--die-at", point.name(), "--hit", &hit.to_string()]);
        }
        let mut child = command.spawn().context("a worker cannot be started")?;
        let stdin = child.stdin.take();
        let stdout = child.stdout.take().expect("its stdout is piped, above");
        Ok(Self {
            child,
            stdin,
            heard: listen(stdout),
        })
    }

    /// Until it is dead as `death` has it, or the storm is over.
    async fn until_dead(
        mut self,
        site: &Site,
        death: Death,
        over: &mut watch::Receiver<bool>,
    ) -> anyhow::Result<End> {
        let killed = async {
            match death {
                Death::At { point, .. } => {
                    let status = self.child.wait().await?;
                    was_killed(status)?;
                    let last = self.all_said().await.last;
                    if last != Some(Said::Dies(point)) {
                        bail!(
                            "the worker was to die at {}, but it last said {last:?}",
                            point.name()
                        );
                    }
                }
                Death::Random { after } => {
                    self.hit_at_random(site, after).await?;
                }
            }
            Ok(End::Killed(self.all_said().await.claims))
        };
        tokio::select! {
            killed = killed => return killed,
            _ = over.wait_for(|over| *over) => {}
        }
        self.end().await?;
        Ok(End::Over)
    }

    /// What it said, once its stdout is read to the end.
    async fn all_said(&mut self) -> Heard {
        while self.heard.changed().await.is_ok() {}
        self.heard.borrow().clone()
    }

    /// Kills it so long after it has claimed something, and while some of its claims are open.
    async fn hit_at_random(&mut self, site: &Site, after: Duration) -> anyhow::Result<()> {
        tokio::select! {
            status = self.child.wait() => bail!("the worker ended by itself: {}", status?),
            heard = self.heard.wait_for(|heard| !heard.claims.is_empty()) => drop(heard?),
        }
        SystemClock.sleep(after).await;
        loop {
            let claims = self.heard.borrow().claims.clone();
            if site.open_claims(&claims).await? > 0 {
                break;
            }
            SystemClock.sleep(LOOK).await;
        }
        self.child
            .start_kill()
            .context("the worker cannot be killed")?;
        was_killed(self.child.wait().await?)
    }

    async fn until_over(mut self, over: &mut watch::Receiver<bool>) -> anyhow::Result<()> {
        tokio::select! {
            status = self.child.wait() => bail!("the worker ended by itself: {}", status?),
            _ = over.wait_for(|over| *over) => {}
        }
        self.end().await
    }

    /// Ends it in order.
    async fn end(mut self) -> anyhow::Result<()> {
        drop(self.stdin.take());
        self.child.wait().await.context("the worker does not end")?;
        Ok(())
    }
}

fn was_killed(status: ExitStatus) -> anyhow::Result<()> {
    if status.signal() != Some(Signal::SIGKILL as i32) {
        bail!("the worker was to be killed, but it ended by itself: {status}");
    }
    Ok(())
}

/// What a worker says.
fn listen(stdout: ChildStdout) -> watch::Receiver<Heard> {
    let (say, heard) = watch::channel(Heard::default());
    let began = Instant::now();
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(said) = Said::hear(&line) {
                tracing::debug!(%said, seconds = began.elapsed().as_secs_f32(), "a worker says");
                say.send_modify(|heard| {
                    if let Said::Claimed(claim) = &said {
                        heard.claims.insert(claim.clone());
                    }
                    heard.last = Some(said);
                });
            }
        }
    });
    heard
}

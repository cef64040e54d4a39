//! The lives of the workers: for each worker one process after the other, killed as its death has it, the next started at
//! once. All workers share the deaths.
//!
//! A worker that ends by itself in rough weather is started again, as a supervisor does it; in fair weather it is an error.

use std::collections::{BTreeSet, VecDeque};
use std::fs::File;
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, bail};
use futures::future::try_join_all;
use nix::sys::signal::Signal;
use redrive_engine::{Clock, SystemClock};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::sync::{oneshot, watch};

use crate::deaths::Death;
use crate::disk::Disk;
use crate::said::Said;
use crate::site::Site;
use crate::told::{LifeId, Told};

/// The pause between two looks at the ledger for a claim.
const LOOK: Duration = Duration::from_millis(60);
/// The pause before a worker that ended by itself is started again.
const AGAIN: Duration = Duration::from_secs(1);

/// A kill.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kill {
    /// How.
    pub death: Death,
    /// Orders that this worker had claimed and not done with, by the ledger read right after it.
    pub claims: u64,
    /// The batches that they are claimed for.
    pub batches: BTreeSet<String>,
}

impl Kill {
    /// Whether it hit a worker that owned something.
    pub fn counts(&self) -> bool {
        self.claims > 0
    }
}

/// How many of them count.
pub(crate) fn hits(kills: &[Kill]) -> usize {
    kills.iter().filter(|kill| kill.counts()).count()
}

/// Lives through `deaths`, those that hit no claim again at the end, and then on without. `over` ends it at any time;
/// `kills` shows how it goes on. Returns how often a worker ended by itself in an outage.
pub(crate) async fn run(
    site: &Site,
    deaths: Vec<Death>,
    kills: &watch::Sender<Vec<Kill>>,
    over: watch::Receiver<bool>,
) -> anyhow::Result<u64> {
    let crew = Crew {
        site,
        deaths: Mutex::new(deaths.into()),
        kills,
        next_life: AtomicU64::new(0),
        fell: AtomicU64::new(0),
    };
    try_join_all((0..site.options.workers).map(|_| crew.worker(over.clone()))).await?;
    Ok(crew.fell.into_inner())
}

/// The workers of a storm.
struct Crew<'a> {
    site: &'a Site,
    deaths: Mutex<VecDeque<Death>>,
    kills: &'a watch::Sender<Vec<Kill>>,
    next_life: AtomicU64,
    fell: AtomicU64,
}

impl Crew<'_> {
    /// One worker, until it is over.
    async fn worker(&self, mut over: watch::Receiver<bool>) -> anyhow::Result<()> {
        loop {
            let death = self.next_death();
            let life = self.next_life.fetch_add(1, Ordering::SeqCst);
            let end = Life::begin(self.site, life, death)?
                .until(self.site, death, &mut over)
                .await?;
            match (end, death) {
                (End::Over, _) => return Ok(()),
                (End::Killed, Some(death)) => self.killed(life, death).await?,
                (End::Killed, None) => bail!("a worker was killed that was to live"),
                (End::Fell(status), death) => {
                    if !self.site.weather.is_rough() {
                        bail!("a worker ended by itself: {status}");
                    }
                    tracing::debug!(%status, life, "a worker ended by itself in an outage");
                    self.fell.fetch_add(1, Ordering::SeqCst);
                    if let Some(death) = death {
                        self.again(death);
                    }
                    SystemClock.sleep(AGAIN).await;
                }
            }
        }
    }

    /// Takes down a kill. The other workers go on, but nobody commits or gives back for this one before the server takes
    /// it for lost; and who takes a claim over says so.
    async fn killed(&self, life: LifeId, death: Death) -> anyhow::Result<()> {
        let claims = self.site.told.claims_of(life);
        let look = async || self.site.open_claims(Some(&claims)).await;
        let open = self.site.weather.ride_out(look).await?;
        let kill = Kill {
            death,
            claims: open.len() as u64,
            batches: open.into_iter().map(|claim| claim.batch).collect(),
        };
        if !kill.counts() {
            self.again(death);
        }
        self.kills.send_modify(|kills| kills.push(kill));
        Ok(())
    }

    fn next_death(&self) -> Option<Death> {
        let mut deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        deaths.pop_front()
    }

    fn again(&self, death: Death) {
        let mut deaths = self.deaths.lock().unwrap_or_else(PoisonError::into_inner);
        deaths.push_back(death);
    }
}

enum End {
    Killed,
    /// It ended by itself.
    Fell(ExitStatus),
    Over,
}

/// A worker process. It ends when its stdin closes; it is killed when it is dropped.
struct Life {
    number: LifeId,
    child: Child,
    /// Dropped, it closes the stdin.
    leash: oneshot::Sender<()>,
    last_said: watch::Receiver<Option<Said>>,
}

impl Life {
    fn begin(site: &Site, number: LifeId, death: Option<Death>) -> anyhow::Result<Self> {
        let mut child = command(site, number, death)?
            .spawn()
            .context("a worker cannot be started")?;
        let stdin = child.stdin.take().expect("its stdin is piped");
        let stdout = child.stdout.take().expect("its stdout is piped");
        let (leash, let_go) = oneshot::channel();
        tokio::spawn(tell(stdin, site.disk.subscribe(), let_go));
        Ok(Self {
            number,
            child,
            leash,
            last_said: listen(stdout, number, Arc::clone(&site.told)),
        })
    }

    /// Until it is dead, as `death` has it or by itself, or the storm is over.
    async fn until(
        mut self,
        site: &Site,
        death: Option<Death>,
        over: &mut watch::Receiver<bool>,
    ) -> anyhow::Result<End> {
        let ended = async {
            match death {
                Some(Death::At { .. }) | None => Ok(self.child.wait().await?),
                Some(Death::Random { after }) => self.hit_at_random(site, after).await,
            }
        };
        let status: Option<anyhow::Result<ExitStatus>> = tokio::select! {
            status = ended => Some(status),
            _ = over.wait_for(|over| *over) => None,
        };
        let Some(status) = status.transpose()? else {
            drop(self.leash);
            self.child.wait().await.context("a worker does not end")?;
            return Ok(End::Over);
        };
        if status.signal() != Some(Signal::SIGKILL as i32) {
            return Ok(End::Fell(status));
        }
        let last = self.all_said().await;
        if let Some(Death::At { point, .. }) = death
            && last != Some(Said::Dies(point))
        {
            let point = point.name();
            bail!("the worker was to die at {point}, but it last said {last:?}");
        }
        Ok(End::Killed)
    }

    /// What it said last, once its stdout is read to the end.
    async fn all_said(&mut self) -> Option<Said> {
        while self.last_said.changed().await.is_ok() {}
        self.last_said.borrow().clone()
    }

    /// Kills it so long after it has claimed something, and while some of its claims are open.
    async fn hit_at_random(&mut self, site: &Site, after: Duration) -> anyhow::Result<ExitStatus> {
        let (told, number) = (Arc::clone(&site.told), self.number);
        let hit = async {
            while told.claims_of(number).is_empty() {
                SystemClock.sleep(LOOK).await;
            }
            SystemClock.sleep(after).await;
            loop {
                let claims = told.claims_of(number);
                let look = async || site.open_claims(Some(&claims)).await;
                if !site.weather.ride_out(look).await?.is_empty() {
                    return anyhow::Ok(());
                }
                SystemClock.sleep(LOOK).await;
            }
        };
        tokio::select! {
            status = self.child.wait() => return Ok(status?),
            hit = hit => hit?,
        }
        self.child
            .start_kill()
            .context("the worker cannot be killed")?;
        Ok(self.child.wait().await?)
    }
}

fn command(site: &Site, life: LifeId, death: Option<Death>) -> anyhow::Result<Command> {
    let program = std::env::current_exe().context("this program's own file is not known")?;
    let log = File::options()
        .create(true)
        .append(true)
        .open(site.worker_log())
        .context("the workers' log cannot be written")?;
    let seed = site.plan.faults.seed.wrapping_mul(1_000).wrapping_add(life);
    let mut command = Command::new(program);
    command
        .args(["worker", "--ledger", site.ledger()])
        .arg(format!(
            "--starts-per-second={}",
            site.options.starts_per_second
        ))
        .args(site.options.faults.arguments())
        .arg(format!("--seed={seed}"))
        .env("TEMPORAL_ADDRESS", site.address())
        .env("TEMPORAL_NAMESPACE", site.namespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(log)
        .kill_on_drop(true);
    if let Some(Death::At { point, hit }) = death {
        command.args(["--die-at", point.name(), "--hit", &hit.to_string()]);
    }
    Ok(command)
}

/// Tells a worker how its disk is, until it is let go. A worker that is dead does not hear.
async fn tell(
    mut stdin: ChildStdin,
    mut disk: watch::Receiver<Disk>,
    mut let_go: oneshot::Receiver<()>,
) {
    disk.mark_changed();
    loop {
        tokio::select! {
            _ = &mut let_go => return,
            changed = disk.changed() => if changed.is_err() { return },
        }
        let now = *disk.borrow_and_update();
        let _ = stdin.write_all(now.line().as_bytes()).await;
    }
}

/// Hears what a worker says. Returns what it said last.
fn listen(stdout: ChildStdout, life: LifeId, told: Arc<Told>) -> watch::Receiver<Option<Said>> {
    let (say, heard) = watch::channel(None);
    tokio::spawn(async move {
        let mut lines = BufReader::new(stdout).lines();
        while let Ok(Some(line)) = lines.next_line().await {
            if let Some(said) = Said::hear(&line) {
                tracing::debug!(life, %said, "a worker says");
                told.hear(life, &said);
                say.send_replace(Some(said));
            }
        }
    });
    heard
}

//! A private PostgreSQL server in a folder of its own: started, killed with all its processes, and started again.
//!
//! PostgreSQL refuses to run as root; for root it runs as `postgres`, or as `nobody` where there is no such user. Its data
//! are written out before a commit is answered (`fsync`): what was committed must be there after a kill.

use std::fs::{self, File};
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, User, geteuid};
use redrive_engine::{Clock, SystemClock};
use tempfile::TempDir;
use tokio::io::AsyncWriteExt;
use tokio::process::{Child, ChildStdin, Command};
use tokio::time::Instant;

/// How long it may take to start, with what it has to recover.
const START: Duration = Duration::from_secs(60);
/// The pause between two looks at a server that starts.
const LOOK: Duration = Duration::from_millis(100);
/// How long it may take to end.
const STOP: Duration = Duration::from_secs(20);

/// Becomes the server, leaving a watcher behind that ends it when our end of the pipe closes, however we end.
const WATCHED: &str =
    r#"exec 3<&0; (read -r line <&3 || kill -INT $$) & exec 3<&-; exec "$@" </dev/null"#;

/// The server.
pub(crate) struct Postgres {
    programs: Programs,
    folder: TempDir,
    port: u16,
    running: Option<(Child, ChildStdin)>,
}

/// Its programs, and whom they run as.
struct Programs {
    bin: Option<PathBuf>,
    user: Option<(u32, u32)>,
}

impl Postgres {
    /// Makes a new one in a folder of its own, and starts it.
    ///
    /// Errors: there are no programs of PostgreSQL, or they fail.
    pub async fn start(bin: Option<&Path>, port: u16) -> anyhow::Result<Self> {
        let programs = Programs::find(bin)?;
        let folder = tempfile::Builder::new()
            .prefix("redrive-chaos-postgres-")
            .tempdir()?;
        if let Some((user, group)) = programs.user {
            chown(folder.path(), Some(user), Some(group))?;
        }
        let mut postgres = Self {
            programs,
            folder,
            port,
            running: None,
        };
        postgres.initialize().await?;
        postgres.start_again().await?;
        Ok(postgres)
    }

    /// Its URL: the connections of three workers and of this process stay below its limit.
    pub fn url(&self) -> String {
        format!("postgres://redrive@127.0.0.1:{}/postgres", self.port)
    }

    /// Starts it, and waits until it lets somebody in.
    pub async fn start_again(&mut self) -> anyhow::Result<()> {
        let deadline = Instant::now() + START;
        self.spawn()?;
        loop {
            if self.answers().await {
                return Ok(());
            }
            let (child, _) = self.running.as_mut().context("it was not started")?;
            if child.try_wait()?.is_some() {
                // What the killed one had in shared memory may not be free yet.
                SystemClock.sleep(LOOK).await;
                self.spawn()?;
            }
            if Instant::now() >= deadline {
                bail!("PostgreSQL does not start:\n{}", self.last_words());
            }
            SystemClock.sleep(LOOK).await;
        }
    }

    /// Kills it and all its processes, as a crash does.
    pub async fn kill(&mut self) -> anyhow::Result<()> {
        let (mut child, mut leash) = self.running.take().context("PostgreSQL is down already")?;
        let postmaster = child.id().context("PostgreSQL has ended by itself")?;
        // Each of its processes is in a group of its own. They are named before their parent dies, and it first: else it
        // would clean up behind them.
        let children = children_of(postmaster);
        // The watcher goes first: from here on the process id may become somebody else's.
        let _ = leash.write_all(b"\n").await;
        child.kill().await.context("PostgreSQL cannot be killed")?;
        for pid in children {
            // It may have seen its parent die.
            let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
        }
        Ok(())
    }

    /// Ends it in order, and moves its folder to `kept`.
    pub async fn stop(mut self, kept: Option<&Path>) -> anyhow::Result<()> {
        if let Some((mut child, mut leash)) = self.running.take()
            && leash.write_all(b"\n").await.is_ok()
            && let Some(pid) = child.id().and_then(|pid| i32::try_from(pid).ok())
        {
            let _ = kill(Pid::from_raw(pid), Signal::SIGINT);
            if tokio::time::timeout(STOP, child.wait()).await.is_err() {
                child.kill().await.context("PostgreSQL cannot be stopped")?;
            }
        }
        if let Some(kept) = kept {
            fs::rename(self.folder.keep(), kept).context("PostgreSQL's folder cannot be kept")?;
        }
        Ok(())
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }

    async fn initialize(&self) -> anyhow::Result<()> {
        let mut initdb = self.programs.command("initdb");
        initdb
            .arg("--pgdata")
            .arg(self.data())
            .args(["--username=redrive", "--auth=trust", "--encoding=UTF8"])
            .args(["--locale=C", "--no-sync"])
            .current_dir(self.folder.path())
            .stdin(Stdio::null());
        let done = initdb.output().await.context(NO_PROGRAMS)?;
        if !done.status.success() {
            bail!("initdb failed:\n{}", String::from_utf8_lossy(&done.stderr));
        }
        Ok(())
    }

    fn spawn(&mut self) -> anyhow::Result<()> {
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .context("PostgreSQL's log cannot be written")?;
        let mut command = self.programs.command("/bin/sh");
        command
            .args(["-c", WATCHED, "redrive-chaos-postgres"])
            .arg(self.programs.path("postgres"))
            .arg("-D")
            .arg(self.data());
        let folder = self.folder.path().display();
        for setting in [
            "listen_addresses=127.0.0.1".to_owned(),
            format!("port={}", self.port),
            format!("unix_socket_directories={folder}"),
            "fsync=on".to_owned(),
            "max_connections=100".to_owned(),
        ] {
            command.args(["-c", &setting]);
        }
        let mut child = command
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .context(NO_PROGRAMS)?;
        let leash = child.stdin.take().context("its stdin is piped")?;
        self.running = Some((child, leash));
        Ok(())
    }

    async fn answers(&self) -> bool {
        let mut ready = self.programs.command("pg_isready");
        let port = self.port.to_string();
        ready
            .args(["--quiet", "--host=127.0.0.1", "--port", &port])
            .stdin(Stdio::null())
            .current_dir(self.folder.path());
        ready.status().await.is_ok_and(|status| status.success())
    }

    fn last_words(&self) -> String {
        let log = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        lines[lines.len().saturating_sub(20)..].join("\n")
    }
}

const NO_PROGRAMS: &str = "the programs of PostgreSQL 15 or later are needed (Debian: apt-get install postgresql), or \
                           --postgres-bin with their folder";

impl Programs {
    /// Those in `bin`; else the newest that Debian's package has installed; else those on the PATH.
    fn find(bin: Option<&Path>) -> anyhow::Result<Self> {
        let bin = bin.map(Path::to_owned).or_else(newest);
        let user = if geteuid().is_root() {
            let user = match User::from_name("postgres")? {
                Some(user) => Some(user),
                None => User::from_name("nobody")?,
            };
            let user =
                user.context("PostgreSQL does not run as root, and there is no other user")?;
            Some((user.uid.as_raw(), user.gid.as_raw()))
        } else {
            None
        };
        Ok(Self { bin, user })
    }

    fn path(&self, name: &str) -> PathBuf {
        match &self.bin {
            Some(bin) => bin.join(name),
            None => PathBuf::from(name),
        }
    }

    fn command(&self, name: &str) -> Command {
        let mut command = Command::new(self.path(name));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }
}

fn newest() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?;
    let versions = versions.filter_map(|version| {
        let path = version.ok()?.path();
        let number: u32 = path.file_name()?.to_str()?.parse().ok()?;
        Some((number, path.join("bin")))
    });
    let newest = versions.max_by_key(|(number, _)| *number);
    newest.map(|(_, bin)| bin)
}

/// The processes whose parent is that one. Without /proc there are none to be seen; they end by themselves then, when they
/// see that their parent is dead.
fn children_of(parent: u32) -> Vec<i32> {
    let Ok(processes) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    let children = processes.filter_map(|process| {
        let pid: i32 = process.ok()?.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // pid (name) state parent ...: the name may have anything in it.
        let (_, rest) = status.rsplit_once(')')?;
        let of: u32 = rest.split_whitespace().nth(1)?.parse().ok()?;
        (of == parent).then_some(pid)
    });
    children.collect()
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand::rngs::StdRng;
    use sqlx::postgres::PgConnection;
    use sqlx::{Connection, Executor};

    use super::*;

    #[tokio::test]
    async fn what_was_committed_is_there_after_a_kill_and_nothing_else() {
        let port = crate::site::free_port(&mut StdRng::seed_from_u64(std::process::id().into()));
        let mut postgres = Postgres::start(None, port.unwrap()).await.unwrap();
        let mut conn = PgConnection::connect(&postgres.url()).await.unwrap();
        conn.execute("CREATE TABLE said (word TEXT)").await.unwrap();
        conn.execute("INSERT INTO said VALUES ('kept')")
            .await
            .unwrap();
        conn.execute("BEGIN; INSERT INTO said VALUES ('lost')")
            .await
            .unwrap();
        postgres.kill().await.unwrap();
        assert!(conn.execute("COMMIT").await.is_err(), "it is dead");
        postgres.start_again().await.unwrap();
        let mut conn = PgConnection::connect(&postgres.url()).await.unwrap();
        let words: Vec<String> = sqlx::query_scalar("SELECT word FROM said")
            .fetch_all(&mut conn)
            .await
            .unwrap();
        assert_eq!(words, ["kept"]);
        postgres.stop(None).await.unwrap();
    }
}

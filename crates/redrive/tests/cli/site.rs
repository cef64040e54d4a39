//! A folder for one test, and the binary run in it with nothing of this machine's settings.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use nix::pty::{OpenptyResult, openpty};
use nix::sys::signal::{Signal, kill};
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use nix::unistd::Pid;
use redrive::temporal_cli;
use redrive_fulfillment::testbed::Testbed;
use tempfile::TempDir;

/// The built binary.
const BINARY: &str = env!("CARGO_BIN_EXE_redrive");
/// How long a line of a running command is waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// Variables that would reach the binary from this machine.
const FOREIGN: [&str; 11] = [
    "TEMPORAL_ADDRESS",
    "TEMPORAL_NAMESPACE",
    "TEMPORAL_PROFILE",
    "TEMPORAL_CONFIG_FILE",
    "TEMPORAL_API_KEY",
    "REDRIVE_CONFIG",
    "REDRIVE_LEDGER_URL",
    "REDRIVE_SERVER",
    "REDRIVE_TOKEN",
    "REDRIVE_LOG",
    "REDRIVE_TEMPORAL_CLI",
];

/// What a server can do.
const SERVED: [&str; 15] = [
    "status", "run", "scan", "failures", "batches", "orders", "dlq", "report", "audit", "schedule",
    "halt", "unhalt", "limits", "token", "classify",
];

/// How a site's commands work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// On the ledger and Temporal themselves.
    Ledger,
    /// Through a `redrive serve` in the site's folder, where the command takes one.
    Server,
}

/// Where a test runs commands.
pub struct Site {
    folder: TempDir,
    variables: Vec<(&'static str, String)>,
    way: Way,
    server: OnceLock<Server>,
}

/// The server that answers a site's commands.
struct Server {
    url: String,
    _stays: Stays,
}

/// What a command that has ended did.
#[derive(Debug)]
pub struct Ran {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// A command that stays.
pub struct Stays {
    child: Child,
    out: Receiver<String>,
    talk: Receiver<String>,
}

impl Site {
    /// A folder without a server: an address that nothing listens on.
    pub fn without_server() -> Self {
        Self::with_variables(vec![("TEMPORAL_ADDRESS", "127.0.0.1:1".to_owned())])
    }

    /// A folder whose commands use the namespace of `testbed`.
    pub fn on(testbed: &Testbed) -> Self {
        Self::at(&testbed.server, &testbed.namespace)
    }

    /// A folder whose commands use that server and namespace.
    pub fn at(address: &str, namespace: &str) -> Self {
        let variables = vec![
            ("TEMPORAL_ADDRESS", address.to_owned()),
            ("TEMPORAL_NAMESPACE", namespace.to_owned()),
        ];
        Self::with_variables(variables)
    }

    /// A folder whose commands are told of the Temporal CLI and of no server.
    pub fn with_temporal_cli() -> Self {
        let cli = temporal_cli::find(None).expect("`make setup` fetches the Temporal CLI");
        let variables = vec![("REDRIVE_TEMPORAL_CLI", cli.display().to_string())];
        Self::with_variables(variables)
    }

    fn with_variables(variables: Vec<(&'static str, String)>) -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            variables,
            way: Way::Ledger,
            server: OnceLock::new(),
        }
    }

    /// The same folder, whose commands work that way.
    pub fn by(mut self, way: Way) -> Self {
        self.way = way;
        self
    }

    /// The same folder, with one variable more (or another value for it).
    pub fn with(mut self, variable: &'static str, value: &str) -> Self {
        self.variables.push((variable, value.to_owned()));
        self
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Runs `redrive` with these arguments to its end.
    pub fn run(&self, arguments: &str) -> Ran {
        self.run_by(self.way, arguments)
    }

    /// As [`Site::run`], whatever way the others work.
    pub fn run_by(&self, way: Way, arguments: &str) -> Ran {
        ran(&mut self.command_by(way, arguments))
    }

    /// Runs it on a terminal, where somebody types `answer`; what it says there stands in `stderr`.
    pub fn answered(&self, arguments: &str, answer: &str) -> Ran {
        // Before the terminal is there: a server that is started for it would hold it, too.
        let mut command = self.command(arguments);
        let OpenptyResult { master, slave } = openpty(None, None).unwrap();
        // What is typed is not shown, as it is typed before it is asked.
        let mut attributes = tcgetattr(&slave).unwrap();
        attributes.local_flags.remove(LocalFlags::ECHO);
        tcsetattr(&slave, SetArg::TCSANOW, &attributes).unwrap();
        command
            .stdin(slave.try_clone().unwrap())
            .stderr(slave)
            .stdout(Stdio::piped());
        let child = command.spawn().unwrap();
        // The terminal closes with the last who holds it.
        drop(command);
        let mut terminal = File::from(master);
        terminal.write_all(answer.as_bytes()).unwrap();
        let mut talk = Vec::new();
        // A closed terminal is an error to who reads on.
        let _ = terminal.read_to_end(&mut talk);
        let output = child.wait_with_output().unwrap();
        Ran::of(Output {
            stderr: talk,
            ..output
        })
    }

    /// Runs it with `input` on its stdin, which is no terminal.
    pub fn piped(&self, arguments: &str, input: &str) -> Ran {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Who does not read it may have gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Ran::of(child.wait_with_output().unwrap())
    }

    /// As [`Site::run`], on the server at `address`.
    pub fn run_at(&self, address: &str, arguments: &str) -> Ran {
        ran(self.command(arguments).env("TEMPORAL_ADDRESS", address))
    }

    /// Starts `redrive` with these arguments, and goes on.
    pub fn start(&self, arguments: &str) -> Stays {
        started(&mut self.command(arguments))
    }

    /// Runs a line of a shell to its end; stdout and stderr are told together, as on a terminal.
    pub fn run_line(&self, line: &str) -> Ran {
        ran(&mut self.shell(&format!("{{ {line}\n}} 2>&1")))
    }

    /// Starts a command that stays, given as a line of a shell, and goes on.
    pub fn start_line(&self, command: &str) -> Stays {
        started(&mut self.shell(&format!("exec {command} 2>&1")))
    }

    fn command(&self, arguments: &str) -> Command {
        self.command_by(self.way, arguments)
    }

    fn command_by(&self, way: Way, arguments: &str) -> Command {
        let mut command = self.here(BINARY);
        command.args(arguments.split_whitespace());
        let verb = arguments.split_whitespace().next().unwrap_or_default();
        if way == Way::Server && SERVED.contains(&verb) {
            command.env("REDRIVE_SERVER", &self.server().url);
        }
        command
    }

    /// The server in this folder, which is started when it is needed first; the ledger is made, if need be.
    fn server(&self) -> &Server {
        self.server.get_or_init(|| {
            self.run_by(Way::Ledger, "migrate").well();
            let stays = self.start("serve -o json");
            let told = stays.read_json();
            let api = told["api"].as_str().unwrap();
            Server {
                url: api.strip_suffix("/api/v1").unwrap().to_owned(),
                _stays: stays,
            }
        })
    }

    /// A shell that does `script`, with `redrive` on its PATH.
    fn shell(&self, script: &str) -> Command {
        let folder = Path::new(BINARY).parent().unwrap().display();
        let mut shell = self.here("sh");
        shell.args(["-c", &format!("PATH='{folder}':\"$PATH\"\n{script}")]);
        shell
    }

    fn here(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for variable in FOREIGN {
            command.env_remove(variable);
        }
        command.current_dir(self.folder.path());
        command
            .env("HOME", self.folder.path())
            .env("USER", "ann")
            .env("REDRIVE_LISTEN", "127.0.0.1:0")
            .env("TZ", "UTC");
        command.envs(self.variables.iter().cloned());
        command
    }
}

impl Ran {
    fn of(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Self {
            code: output.status.code(),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Asserts that it ended with `code`, and says on stderr exactly `talk`, and nothing on stdout.
    #[track_caller]
    pub fn says(&self, code: i32, talk: &str) {
        assert_eq!(
            (self.code, self.stdout.as_str(), self.stderr.trim_end()),
            (Some(code), "", talk)
        );
    }

    /// The data on stdout, read as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Asserts that it ended well.
    #[track_caller]
    pub fn well(self) -> Self {
        assert_eq!(self.code, Some(0), "{self:?}");
        self
    }
}

impl Stays {
    /// Reads what it says on stderr up to a line that contains `part`, and returns what it said until then.
    #[track_caller]
    pub fn hear(&self, part: &str) -> Vec<String> {
        up_to(&self.talk, part)
    }

    /// Reads what it says on stderr up to its end.
    pub fn rest(self) -> Vec<String> {
        self.talk.iter().collect()
    }

    /// Reads what it prints on stdout up to a line that contains `part`.
    #[track_caller]
    pub fn read(&self, part: &str) -> Vec<String> {
        up_to(&self.out, part)
    }

    /// Reads what it prints on stdout up to the end of a JSON object.
    #[track_caller]
    pub fn read_json(&self) -> serde_json::Value {
        let mut read = String::new();
        loop {
            read += &self
                .out
                .recv_timeout(PATIENCE)
                .unwrap_or_else(|error| panic!("{error} after {read:?}"));
            if let Ok(value) = serde_json::from_str(&read) {
                return value;
            }
        }
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().try_into().unwrap()), signal).unwrap();
    }

    /// Waits for its end.
    pub fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Stays {
    fn drop(&mut self) {
        // It has ended by itself, if all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn started(command: &mut Command) -> Stays {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let out = lines_of(child.stdout.take().unwrap());
    let talk = lines_of(child.stderr.take().unwrap());
    Stays { child, out, talk }
}

fn ran(command: &mut Command) -> Ran {
    Ran::of(command.output().unwrap())
}

fn lines_of(stream: impl Read + Send + 'static) -> Receiver<String> {
    let (send, lines) = channel();
    thread::spawn(move || {
        let lines = BufReader::new(stream).lines().map_while(Result::ok);
        for line in lines {
            if send.send(line).is_err() {
                break;
            }
        }
    });
    lines
}

#[track_caller]
fn up_to(lines: &Receiver<String>, part: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let line = lines
            .recv_timeout(PATIENCE)
            .unwrap_or_else(|error| panic!("no {part:?} ({error}) after {heard:#?}"));
        let found = line.contains(part);
        heard.push(line);
        if found {
            return heard;
        }
    }
}

/// Whether the path is there.
pub fn exists(path: &Path) -> bool {
    path.exists()
}

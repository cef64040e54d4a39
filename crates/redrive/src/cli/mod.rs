//! The command line: one file a verb, each a thin layer over one of the engine's verbs.

mod audit;
mod batches;
mod classify;
mod completions;
mod config;
mod confirm;
mod dlq;
mod doctor;
mod failures;
mod halt;
mod judgement;
mod limits;
mod man;
mod migrate;
mod narrow;
mod orders;
mod policy;
mod report;
mod run;
mod sample;
mod scan;
mod schedule;
mod serve;
mod session;
mod signals;
mod status;
mod token;
mod up;
mod web;
mod when;
mod worker;

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, Parser, Subcommand};

use redrive_core::words;

use crate::config::Overrides;
use crate::demo::{self, DemoArgs};
use crate::environment;
use crate::printer::{Format, Printer};
use crate::problem::{self, Problem, USER};
use crate::telemetry::{self, LogFormat};

pub(crate) use narrow::ago;
pub use schedule::settings as schedule_settings;
pub use session::{Session, Verb, records};

/// Finds orders whose workflows failed, starts them again, and parks the hopeless ones in a dead letter queue.
///
/// Temporal is found by its own configuration: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_API_KEY, or a profile of
/// temporal.toml.
#[derive(Debug, Parser)]
#[command(name = "redrive", version, after_help = EXIT_CODES)]
pub struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 all is well, 1 your error or work done in part, 2 an error of Redrive or of what \
                          it stands on.";

/// What every command takes.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Everywhere")]
pub struct Global {
    /// The configuration file [default: REDRIVE_CONFIG, else ./redrive.toml if it is there]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The ledger, a file's path, sqlite:PATH or postgres://USER@HOST/DATABASE [default: REDRIVE_LEDGER_URL, else ledger.url of the configuration]
    #[arg(long, global = true, value_name = "URL")]
    ledger: Option<String>,
    /// A server of Redrive that answers instead of the ledger, as `redrive serve` tells its address [default: REDRIVE_SERVER]
    #[arg(long, global = true, value_name = "URL", conflicts_with = "ledger")]
    server: Option<String>,
    /// The form of the answer on stdout: text for people, json for programs, jsonl for one item a line
    #[arg(
        short,
        long,
        global = true,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    output: Format,
    /// The form of the logs on stderr: text or json. REDRIVE_LOG filters them
    #[arg(
        long,
        global = true,
        value_name = "FORM",
        value_enum,
        default_value_t,
        hide_possible_values = true
    )]
    log_format: LogFormat,
}

impl Global {
    /// What it says instead of the configuration.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            config: self.config.clone(),
            ledger: self.ledger.clone(),
        }
    }

    /// The server that is to answer: of `--server`, else of `REDRIVE_SERVER`, unless a ledger is named.
    pub fn server(&self) -> Option<String> {
        match (&self.server, &self.ledger) {
            (Some(server), _) => Some(server.clone()),
            (None, Some(_)) => None,
            (None, None) => environment::text(environment::SERVER),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Up(up::UpArgs),
    Worker(worker::WorkerArgs),
    Serve(web::ServeArgs),
    Status(status::StatusArgs),
    Run(run::RunArgs),
    Scan(scan::ScanArgs),
    /// See what failed: failed runs, and what they have in common
    #[command(subcommand)]
    Failures(failures::FailuresCommand),
    /// See what batches did, pause, resume or stop one
    #[command(subcommand)]
    Batches(batches::BatchesCommand),
    /// See orders, hold them back, release or reset them
    #[command(subcommand)]
    Orders(orders::OrdersCommand),
    /// See and decide the dead letter queue: orders that Redrive has given up
    #[command(subcommand)]
    Dlq(dlq::DlqCommand),
    Report(report::ReportArgs),
    /// See who did what, when and why
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// See the schedule that starts batches, pause, resume or trigger it
    #[command(subcommand)]
    Schedule(schedule::ScheduleCommand),
    Halt(halt::HaltArgs),
    Unhalt(halt::UnhaltArgs),
    /// See how fast all workers together may go, and change it while they work
    #[command(subcommand)]
    Limits(limits::LimitsCommand),
    /// See, make and revoke the tokens with which people and programs come in over HTTP
    #[command(subcommand)]
    Token(token::TokenCommand),
    Migrate(migrate::MigrateArgs),
    /// See and check the configuration
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// See what a policy does, before it is used
    #[command(subcommand)]
    Policy(policy::PolicyCommand),
    Classify(classify::ClassifyArgs),
    Doctor(doctor::DoctorArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
    #[command(name = "openapi")]
    OpenApi(web::OpenApiArgs),
    Demo(DemoArgs),
    Sample(sample::SampleArgs),
}

impl Command {
    /// Whether a server can do it. The others set up, serve, or look at what a server stands on.
    fn asks_a_server(&self) -> bool {
        match self {
            Self::Status(_)
            | Self::Run(_)
            | Self::Scan(_)
            | Self::Failures(_)
            | Self::Batches(_)
            | Self::Orders(_)
            | Self::Dlq(_)
            | Self::Report(_)
            | Self::Audit(_)
            | Self::Schedule(_)
            | Self::Halt(_)
            | Self::Unhalt(_)
            | Self::Limits(_)
            | Self::Token(_)
            | Self::Classify(_) => true,
            Self::Up(_)
            | Self::Worker(_)
            | Self::Serve(_)
            | Self::Migrate(_)
            | Self::Config(_)
            | Self::Policy(_)
            | Self::Doctor(_)
            | Self::Completions(_)
            | Self::Man(_)
            | Self::OpenApi(_)
            | Self::Demo(_)
            | Self::Sample(_) => false,
        }
    }
}

/// Runs the command line of this process.
pub async fn main() -> ExitCode {
    main_with(std::env::args_os()).await
}

/// Runs a command line: its words, the program's name before them.
pub async fn main_with(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(words) {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    let printer = Printer::new(cli.global.output);
    let colour = printer.talk_paint().is_coloured();
    let start_logs = match cli.command {
        Command::Demo(_) | Command::Sample(_) => telemetry::start_for_demo,
        _ => telemetry::start,
    };
    let done = match start_logs(cli.global.log_format, colour) {
        Ok(()) => cli.run(&printer).await,
        Err(error) => Err(error),
    };
    done.unwrap_or_else(|error| {
        printer.error(&error);
        problem::code_of(&error)
    })
}

impl Cli {
    async fn run(self, printer: &Printer) -> anyhow::Result<ExitCode> {
        let global = self.global;
        if global.server.is_some() && !self.command.asks_a_server() {
            return Err(Problem::user(
                "no server does this command.",
                "leave --server out: it works where it is given, on the ledger and Temporal themselves.",
            )
            .into());
        }
        match self.command {
            Command::Up(args) => up::run(args, &global, printer).await,
            Command::Worker(args) => worker::run(args, &global, printer).await,
            Command::Serve(args) => web::run(args, &global, printer).await,
            Command::Status(args) => status::run(args, &global, printer).await,
            Command::Run(args) => run::run(args, &global, printer).await,
            Command::Scan(args) => scan::run(args, &global, printer).await,
            Command::Failures(command) => failures::run(command, &global, printer).await,
            Command::Batches(command) => batches::run(command, &global, printer).await,
            Command::Report(args) => report::run(args, &global, printer).await,
            Command::Audit(command) => audit::run(command, &global, printer).await,
            Command::Orders(command) => orders::run(command, &global, printer).await,
            Command::Dlq(command) => dlq::run(command, &global, printer).await,
            Command::Schedule(command) => schedule::run(command, &global, printer).await,
            Command::Halt(args) => halt::halt(args, &global, printer).await,
            Command::Unhalt(args) => halt::unhalt(args, &global, printer).await,
            Command::Limits(command) => limits::run(command, &global, printer).await,
            Command::Token(command) => token::run(command, &global, printer).await,
            Command::Migrate(args) => migrate::run(args, &global, printer).await,
            Command::Config(command) => config::run(&command, &global, printer),
            Command::Policy(command) => policy::run(command, printer),
            Command::Classify(args) => classify::run(args, &global, printer).await,
            Command::Doctor(args) => doctor::run(args, &global, printer).await,
            Command::Completions(args) => completions::run(&args, printer),
            Command::Man(args) => man::run(&args, printer),
            Command::OpenApi(args) => web::openapi(&args, printer),
            Command::Demo(args) => demo::run(args, printer).await,
            Command::Sample(args) => sample::run(args, printer).await,
        }
    }
}

/// Help and version are what was asked for; anything else is the user's error.
fn not_understood(error: &clap::Error) -> ExitCode {
    // Nobody is left to be told that the terminal is closed.
    let _ = error.print();
    if error.get(ContextKind::InvalidArg) == Some(&ContextValue::String("--json".to_owned())) {
        Printer::new(Format::Text).hint("`-o json` prints JSON.");
    }
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(USER),
    }
}

//! What `up` and `worker` do once they are connected: work, keep the schedule, say what runs, and stop in order.

use std::process::ExitCode;
use std::time::Duration;

use redrive_core::policy::duration;
use redrive_engine::ops::Ops;
use redrive_engine::{Applied, RunningWorker, ScheduleSettings, WorkerThread, apply_schedule};
use serde::Serialize;

use super::halt::warn_if_halted;
use super::session::Session;
use super::signals::StopSignals;
use crate::dev_server::{DevServer, DevServerOptions};
use crate::ledger;
use crate::printer::{Paint, Printer};
use crate::problem::Problem;
use crate::server_watch::ServerWatch;

/// How long the worker may take to end: its activities have 10 s, and what they say then must be sent. Supervisors kill
/// after 30 s.
const STOP: Duration = Duration::from_secs(20);

/// A worker at work, and the dev server if it is ours.
pub struct Serving {
    worker: RunningWorker,
    server: Option<DevServer>,
    fronts: Fronts,
    watch: ServerWatch,
    ops: Ops,
    what: Runs,
}

/// What answers over HTTP.
#[derive(Debug, Default)]
pub struct Fronts {
    /// The pages and the API, with their numbers.
    pub web: Option<redrive_web::Serving>,
    /// The numbers alone.
    pub metrics: Option<redrive_web::Serving>,
}

/// What runs, as it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Runs {
    temporal_address: String,
    namespace: String,
    temporal_ui: Option<String>,
    dev_server: Option<DevServerFiles>,
    ledger: String,
    api: Option<String>,
    metrics: Option<String>,
    task_queue: String,
    schedule: Option<ScheduleRuns>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct DevServerFiles {
    state: Option<String>,
    log: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct ScheduleRuns {
    id: String,
    interval: String,
    applied: &'static str,
}

impl Serving {
    /// Starts a worker on the `thread` that the session was opened on, and makes the schedule what the configuration says if it
    /// is to.
    pub async fn start(
        thread: WorkerThread,
        session: Session,
        server: Option<(DevServer, DevServerOptions)>,
        fronts: Fronts,
    ) -> anyhow::Result<Self> {
        let Session {
            config,
            target,
            ops,
        } = session;
        let worker = thread.work(ops.engine.clone(), ops.client.clone()).await?;
        let schedule = ScheduleSettings {
            id: config.schedule.id,
            task_queue: config.worker.task_queue.clone(),
            interval: config.schedule.interval,
        };
        let schedule = match config.schedule.manage {
            true => Some(keep(&ops, schedule).await?),
            false => None,
        };
        let what = Runs {
            temporal_address: target.address(),
            namespace: target.namespace().to_owned(),
            temporal_ui: server.as_ref().and_then(|(server, _)| server.ui_address()),
            dev_server: server.as_ref().map(|(_, options)| files(options)),
            ledger: ledger::shown(&config.ledger.url),
            api: fronts.web.as_ref().map(super::web::api),
            metrics: fronts.told(),
            task_queue: config.worker.task_queue,
            schedule,
        };
        let watch = ServerWatch::start(ops.client.clone(), target.address());
        Ok(Self {
            worker,
            server: server.map(|(server, _)| server),
            fronts,
            watch,
            ops,
            what,
        })
    }

    /// Says what runs, and where.
    pub async fn announce(&self, printer: &Printer) -> anyhow::Result<()> {
        printer.data(&self.what, Runs::text)?;
        warn_if_halted(&self.ops.records, printer).await?;
        printer.say("Ready. Ctrl-C stops it.");
        if self.server.is_some() && !self.what.is_where_clients_look() {
            printer.hint(format_args!(
                "other commands find this server with: export TEMPORAL_ADDRESS={} TEMPORAL_NAMESPACE={}",
                self.what.temporal_address, self.what.namespace
            ));
        }
        Ok(())
    }

    /// Works until it is asked to stop, or something ends that should not; then stops the worker, then the server.
    pub async fn until_asked(
        mut self,
        signals: &mut StopSignals,
        printer: &Printer,
    ) -> anyhow::Result<ExitCode> {
        let ended = tokio::select! {
            () = signals.asked() => Ok(()),
            ended = self.worker.ended() => Err(worker_ended(ended.err())),
            problem = server_ended(&mut self.server, &self.what) => Err(problem),
        };
        // The connection that it looks through ends with the worker.
        drop(self.watch);
        printer.say("Stopping: work that is under way ends first. Ctrl-C again stops at once, and nothing is lost.");
        tokio::select! {
            stopped = stop(self.fronts, self.worker, self.server, printer) => stopped?,
            () = signals.asked() => {}
        }
        ended.map(|()| ExitCode::SUCCESS).map_err(Into::into)
    }
}

/// Stops the worker, then the server. A worker that waits for a server that is away is left: its claims stand in the
/// ledger, and the next batch takes them over.
async fn stop(
    fronts: Fronts,
    worker: RunningWorker,
    server: Option<DevServer>,
    printer: &Printer,
) -> anyhow::Result<()> {
    let stopping = async {
        for front in [fronts.web, fronts.metrics].into_iter().flatten() {
            front.stop().await?;
        }
        anyhow::Ok(worker.stop().await?)
    };
    let stopped = tokio::time::timeout(STOP, stopping).await;
    if stopped.is_err() {
        printer.warn("the worker does not end in time, and is left; the next batch takes over what it was at.");
    }
    if let Some(server) = server {
        server.stop().await?;
    }
    stopped.unwrap_or(Ok(()))
}

impl Fronts {
    /// Where the numbers for Prometheus are.
    fn told(&self) -> Option<String> {
        let front = self.metrics.as_ref().or(self.web.as_ref())?;
        Some(format!("http://{}/metrics", front.address()))
    }
}

async fn keep(ops: &Ops, settings: ScheduleSettings) -> anyhow::Result<ScheduleRuns> {
    let applied = match apply_schedule(&ops.client, &settings).await? {
        Applied::Created => "created",
        Applied::Updated => "updated",
        Applied::Unchanged => "unchanged",
    };
    Ok(ScheduleRuns {
        id: settings.id,
        interval: duration::format(settings.interval),
        applied,
    })
}

fn worker_ended(error: Option<redrive_engine::WorkerError>) -> Problem {
    let why = error.map_or_else(
        || "its thread has ended".to_owned(),
        |error| error.to_string(),
    );
    Problem::ours(
        format!("the worker has stopped by itself: {why}."),
        "start it again; what it was at goes on then.",
    )
}

/// Returns when the server ends that should not; never where there is none.
async fn server_ended(server: &mut Option<DevServer>, what: &Runs) -> Problem {
    let Some(server) = server else {
        return std::future::pending().await;
    };
    let status = server.ended().await;
    let log = what.dev_server.as_ref().map_or("", |files| &files.log);
    Problem::ours(
        format!("the Temporal dev server has stopped by itself: {status}."),
        format!("its log is {log}; another `redrive up` goes on with its state."),
    )
}

fn files(options: &DevServerOptions) -> DevServerFiles {
    DevServerFiles {
        state: options
            .database
            .as_ref()
            .map(|file| file.display().to_string()),
        log: options.log.display().to_string(),
    }
}

impl Runs {
    /// Whether Temporal's clients find the server without being told.
    fn is_where_clients_look(&self) -> bool {
        self.temporal_address == "127.0.0.1:7233" && self.namespace == "default"
    }

    fn text(&self, paint: Paint) -> String {
        let mut lines = vec![(
            "Temporal",
            format!("{}, namespace {}", self.temporal_address, self.namespace),
        )];
        lines.extend(
            self.temporal_ui
                .as_ref()
                .map(|ui| ("Temporal UI", ui.clone())),
        );
        if let Some(files) = &self.dev_server {
            lines.extend(
                files
                    .state
                    .as_ref()
                    .map(|state| ("Its state", state.clone())),
            );
            lines.push(("Its log", files.log.clone()));
        }
        lines.push(("Ledger", self.ledger.clone()));
        lines.extend(self.api.clone().map(|api| ("API", api)));
        // Beside an API they are where everybody looks for them.
        let metrics = self.metrics.clone().filter(|_| self.api.is_none());
        lines.extend(metrics.map(|metrics| ("Metrics", metrics)));
        lines.push(("Worker", format!("polls task queue {}", self.task_queue)));
        lines.push((
            "Schedule",
            match &self.schedule {
                Some(schedule) => format!(
                    "{}, a batch every {} ({})",
                    schedule.id, schedule.interval, schedule.applied
                ),
                None => "not managed here (schedule.manage is false)".to_owned(),
            },
        ));
        let lines = lines
            .into_iter()
            .map(|(name, value)| format!("{} {value}", paint.bold(format_args!("{name:<12}"))));
        lines.collect::<Vec<_>>().join("\n")
    }
}

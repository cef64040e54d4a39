//! A simulated server that knows one workflow id: its runs, and the rules by which it starts another.

use redrive_core::decide::{Latest, RunStatus};
use redrive_core::ids::RunId;
use redrive_ledger::{AttemptOutcome, Failure};
use uuid::Uuid;

use crate::conformance::world::{at, failure};

/// The order that the model is about.
pub const ORDER: &str = "modelled";

/// A run of it.
#[derive(Debug, Clone)]
pub struct Run {
    pub first: usize,
    pub status: RunStatus,
    /// Our memo: the failed run that it restarts.
    pub from: Option<RunId>,
    request: Option<Uuid>,
    started: i64,
    closed: i64,
}

/// What a start brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    Run(RunId),
    Refused,
}

/// The server.
#[derive(Debug, Clone, Default)]
pub struct Server {
    pub runs: Vec<Run>,
    clock: i64,
}

/// The id of the `n`th run.
pub fn run_id(n: usize) -> RunId {
    format!("run-{n}").as_str().into()
}

impl Server {
    /// A server whose first run has failed.
    pub fn new() -> Self {
        let mut server = Self {
            runs: Vec::new(),
            clock: -100_000,
        };
        server.push(0, None, None);
        server.end(RunStatus::Failed);
        server
    }

    fn tick(&mut self) -> i64 {
        self.clock += 10;
        self.clock
    }

    fn push(&mut self, first: usize, from: Option<RunId>, request: Option<Uuid>) {
        let started = self.tick();
        self.runs.push(Run {
            first,
            status: RunStatus::Running,
            from,
            request,
            started,
            closed: 0,
        });
    }

    pub fn last(&self) -> &Run {
        self.runs.last().expect("there is always a run")
    }

    pub fn is_running(&self) -> bool {
        self.last().status == RunStatus::Running
    }

    /// The running run ends.
    pub fn end(&mut self, status: RunStatus) {
        let closed = self.tick();
        let last = self.runs.last_mut().expect("there is always a run");
        if last.status == RunStatus::Running {
            (last.status, last.closed) = (status, closed);
        }
    }

    /// The running run goes on as another run of its chain.
    pub fn go_on(&mut self) {
        if self.is_running() {
            let (first, from) = (self.last().first, self.last().from.clone());
            self.end(RunStatus::ContinuedAsNew);
            self.push(first, from, None);
        }
    }

    /// An operator starts the order by hand.
    pub fn start_by_hand(&mut self) {
        if !self.is_running() {
            self.push(self.runs.len(), None, None);
        }
    }

    /// An operator resets the latest run, whose chain goes on.
    pub fn reset(&mut self) {
        if !self.is_running() {
            let (first, from) = (self.last().first, self.last().from.clone());
            self.push(first, from, None);
        }
    }

    /// Our start: same request id, duplicates of failed runs only, no conflict.
    pub fn start(&mut self, request: Uuid, from: &RunId) -> Reply {
        if self.last().request == Some(request) {
            return Reply::Run(run_id(self.runs.len() - 1));
        }
        if self.is_running() || self.last().status == RunStatus::Completed {
            return Reply::Refused;
        }
        let n = self.runs.len();
        self.push(n, Some(from.clone()), Some(request));
        Reply::Run(run_id(n))
    }

    /// The latest run; `request` is that of the intent which asks.
    pub fn describe(&self, request: Option<Uuid>) -> Latest {
        let last = self.last();
        let ours = request.is_some() && self.runs[last.first].request == request;
        Latest {
            run_id: run_id(self.runs.len() - 1),
            first_run_id: run_id(last.first),
            status: last.status,
            started_at: at(last.started),
            closed_at: (!self.is_running()).then(|| at(last.closed)),
            ours,
        }
    }

    /// The first run whose memo names `from`.
    pub fn look_back(&self, from: &RunId) -> Option<usize> {
        let first = |(n, run): &(usize, &Run)| run.first == *n && run.from.as_ref() == Some(from);
        self.runs.iter().enumerate().find(first).map(|(n, _)| n)
    }

    /// How the chain that run `first` began has ended.
    pub fn chain_end(&self, first: usize) -> AttemptOutcome {
        let last = self.runs.iter().rev().find(|run| run.first == first);
        match last.map(|run| run.status) {
            Some(RunStatus::Completed) => AttemptOutcome::Recovered,
            Some(RunStatus::Failed) => AttemptOutcome::FailedAgain,
            Some(RunStatus::Terminated) => AttemptOutcome::Stopped,
            _ => AttemptOutcome::Unknown,
        }
    }

    /// Run `n` as a scan reads it, if it failed without a successor.
    pub fn failure(&self, n: usize) -> Option<Failure> {
        let run = self
            .runs
            .get(n)
            .filter(|run| run.status == RunStatus::Failed)?;
        let closed = failure(ORDER, run_id(n).as_str(), run.closed);
        Some(Failure {
            first_run_id: run_id(run.first),
            from_run: run.from.clone(),
            ..closed
        })
    }
}

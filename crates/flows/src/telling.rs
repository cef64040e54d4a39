//! What an orchestration tells its batch: how far it has come, so that the batch can answer for it; and what the batch
//! has to tell a child that begins, since a child's second attempt knows nothing of what operators told the first.
//!
//! It tells when a run begins, with each phase, and every few chunks: one signal in a thousand orders.

use serde::{Deserialize, Serialize};
use temporalio_workflow::{SignalWorkflowOptions, WorkflowContext};

use crate::batch::ReprocessingBatchWorkflow;
use crate::orchestration::{Progress, ReprocessingOrchestrationWorkflow};

/// Chunks from one report to the next.
const CHUNKS_A_REPORT: u32 = 10;

/// Histories that were recorded before orchestrations told anything replay without.
const PATCH: &str = "orchestrations-report";

type Context = WorkflowContext<ReprocessingOrchestrationWorkflow>;

/// What an operator tells a batch, to be handed on to its child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Control {
    Pause,
    Resume,
    Stop,
}

/// What an orchestration tells its batch.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Report {
    /// How far it has come.
    #[serde(flatten)]
    pub progress: Progress,
    /// It is the first of its run: of a child's first attempt, its second, or a continuation.
    pub begins: bool,
}

/// What an orchestration knows of its telling.
#[derive(Debug, Default)]
pub(crate) struct Teller {
    /// There is a batch to tell.
    tells: bool,
    /// This run has told.
    told: bool,
}

/// A run begins; `is_child`: it has a batch to tell.
pub(crate) fn begin(ctx: &Context, is_child: bool) {
    let tells = is_child && ctx.patched(PATCH);
    ctx.state_mut(|state| state.teller.tells = tells);
}

/// Tells every few chunks.
pub(crate) async fn tell_now_and_then(ctx: &Context) {
    if ctx.state(|state| state.progress.chunks_done % CHUNKS_A_REPORT == 0) {
        tell(ctx).await;
    }
}

/// Tells the batch how far it has come. A batch that has closed cannot be told any more: that is no error.
pub(crate) async fn tell(ctx: &Context) {
    let (true, Some(batch)) = (ctx.state(|state| state.teller.tells), ctx.info().parent()) else {
        return;
    };
    let report = ctx.state_mut(|state| Report {
        progress: state.progress.clone(),
        begins: !std::mem::replace(&mut state.teller.told, true),
    });
    let batch = ctx.external_workflow(batch.workflow_id(), Some(batch.run_id().to_owned()));
    let signal = ReprocessingBatchWorkflow::orchestration_report;
    let _ended = batch
        .signal(signal, report, SignalWorkflowOptions::default())
        .await;
}

/// What a batch was told, by operators and by its orchestration.
#[derive(Debug, Default)]
pub(crate) struct Told {
    /// To be handed on to the child.
    pub(crate) to_hand_on: Vec<Control>,
    /// What operators told last; a stop stands.
    last: Option<Control>,
    /// What the orchestration told last.
    reported: Progress,
}

impl Told {
    /// An operator tells something.
    pub(crate) fn hear(&mut self, control: Control) {
        self.to_hand_on.push(control);
        if self.last != Some(Control::Stop) {
            self.last = Some(control);
        }
    }

    /// The orchestration tells how far it has come. One that begins and does not know what operators told last is to
    /// be told.
    pub(crate) fn report(&mut self, report: Report) {
        let knows = |control: &Control| match control {
            Control::Pause => report.progress.paused,
            Control::Resume => !report.progress.paused,
            Control::Stop => report.progress.stopping,
        };
        if report.begins {
            self.to_hand_on
                .extend(self.last.filter(|last| !knows(last)));
        }
        self.reported = report.progress;
    }

    /// What the orchestration told, with what operators told since.
    pub(crate) fn progress(&self) -> Progress {
        let mut progress = self.reported.clone();
        match self.last {
            Some(Control::Pause) => progress.paused = true,
            Some(Control::Resume) => progress.paused = false,
            Some(Control::Stop) => progress.stopping = true,
            None => {}
        }
        if progress.phase.is_empty() {
            "opening".clone_into(&mut progress.phase);
        }
        progress
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(paused: bool, stopping: bool) -> Report {
        Report {
            progress: Progress {
                paused,
                stopping,
                ..Progress::default()
            },
            begins: true,
        }
    }

    /// What is handed on to a child that begins so, after operators told that.
    fn handed_on(controls: &[Control], report: Report) -> Vec<Control> {
        let mut told = Told::default();
        controls.iter().for_each(|control| told.hear(*control));
        told.to_hand_on.clear();
        told.report(report);
        told.to_hand_on
    }

    #[test]
    fn a_child_that_begins_is_told_what_it_does_not_know() {
        use Control::{Pause, Resume, Stop};
        assert_eq!(handed_on(&[], begins(false, false)), []);
        assert_eq!(handed_on(&[Pause], begins(false, false)), [Pause]);
        assert_eq!(handed_on(&[Pause], begins(true, false)), []);
        assert_eq!(handed_on(&[Pause, Resume], begins(true, false)), [Resume]);
        assert_eq!(handed_on(&[Pause, Resume], begins(false, false)), []);
        assert_eq!(handed_on(&[Stop, Resume], begins(false, false)), [Stop]);
    }

    #[test]
    fn a_child_in_mid_run_is_told_nothing_twice() {
        let report = Report {
            begins: false,
            ..begins(false, false)
        };
        assert_eq!(handed_on(&[Control::Pause], report), []);
    }

    #[test]
    fn the_batch_answers_with_what_operators_told_since() {
        let mut told = Told::default();
        assert_eq!(told.progress().phase, "opening");
        told.hear(Control::Pause);
        told.report(begins(false, false));
        assert!(told.progress().paused);
        told.hear(Control::Resume);
        assert!(!told.progress().paused);
        told.hear(Control::Stop);
        assert!(told.progress().stopping);
    }
}

//! Waiting while the server limits the rate of what we read, and asking again where an answer is lost: a phase goes slower,
//! it does not fail.

use std::ops::Range;
use std::time::Duration;

use futures::stream::FuturesUnordered;
use futures::{Stream, StreamExt};
use jiff::Timestamp;
use redrive_core::ids::WorkflowId;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::gateway::{GatewayError, Page, Window};
use crate::pulse::Pulse;

/// The first pause; it doubles up to the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(250);
/// The longest pause: well below the heartbeat timeout.
const LONGEST_PAUSE: Duration = Duration::from_secs(4);

/// So many answers to one call may be lost in a row; then the server is away, and another try of the phase finds it back, or it does
/// not tell of what was asked.
const LOST_AT_MOST: u32 = 3;

/// How often a phase says that it lives while an answer does not come.
const BEAT: Duration = Duration::from_secs(5);

/// Workflows that nobody has, on as many shards where there are many: what the server says of each is that there is none.
const NOBODYS: Range<u32> = 0..8;

/// How long a phase has patience, and how it tells that it lives meanwhile.
#[derive(Clone, Copy)]
pub(crate) struct Patience<'a> {
    pub ends_at: Timestamp,
    pub pulse: &'a dyn Pulse,
}

impl Patience<'_> {
    /// Whether it is over.
    pub fn is_over(&self, now: Timestamp) -> bool {
        now >= self.ends_at || self.pulse.cancelled()
    }
}

/// What an error says of asking again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// Ask later: the server limits the rate.
    Later,
    /// Ask once more: the answer was lost.
    OnceMore,
    /// Never.
    No,
}

/// An error that may say: ask again.
pub(crate) trait MayAskAgain {
    /// Whether it says so.
    fn again(&self) -> Again;
}

impl MayAskAgain for GatewayError {
    fn again(&self) -> Again {
        match self {
            Self::Throttle(_) => Again::Later,
            Self::Unknown(_) => Again::OnceMore,
            Self::Item(_) | Self::System(_) => Again::No,
        }
    }
}

impl MayAskAgain for EngineError {
    fn again(&self) -> Again {
        match self {
            Self::Gateway(error) => error.again(),
            _ => Again::No,
        }
    }
}

impl EngineError {
    /// Whether the answer was lost: to this call, or to all.
    pub(crate) fn is_lost(&self) -> bool {
        self.again() == Again::OnceMore
    }
}

impl Engine {
    /// What it came to; nothing where there is no patience any more and the rate is still limited. That is an end and no error: what
    /// was read or stored by then stays.
    pub(crate) fn unless_over<T>(
        &self,
        patience: Patience<'_>,
        came_to: Result<T, EngineError>,
    ) -> Result<Option<T>, EngineError> {
        match came_to {
            Err(error) if error.again() == Again::Later && patience.is_over(self.clock.now()) => {
                Ok(None)
            }
            came_to => came_to.map(Some),
        }
    }

    /// Makes a call that only reads, again and again while it is throttled and the phase lasts, and a few times more where
    /// its answer is lost: one that is must not undo what a hundred others have told.
    pub(crate) async fn patiently<T, E, F>(
        &self,
        patience: Patience<'_>,
        call: impl Fn() -> F,
    ) -> Result<T, E>
    where
        E: MayAskAgain,
        F: Future<Output = Result<T, E>>,
    {
        let (mut pause, mut lost) = (FIRST_PAUSE, 0);
        loop {
            let error = match call().await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let again = error.again();
            lost += u32::from(again == Again::OnceMore);
            let over = patience.is_over(self.clock.now());
            if over || again == Again::No || lost > LOST_AT_MOST {
                return Err(error);
            }
            self.clock.sleep(pause).await;
            patience.pulse.beat().await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The next of many answers; the pulse beats while it is waited for.
    pub(crate) async fn next_of<S: Stream + Unpin>(
        &self,
        answers: &mut S,
        pulse: &dyn Pulse,
    ) -> Option<S::Item> {
        loop {
            tokio::select! {
                biased;
                next = answers.next() => return next,
                () = self.clock.sleep(BEAT) => pulse.beat().await,
            }
        }
    }

    /// Whether the server answers at all. It may be there and not tell of one order, whose shard is lost, say: that order must
    /// hold up no other.
    pub(crate) async fn server_answers(&self) -> bool {
        let mut asking: FuturesUnordered<_> = NOBODYS
            .map(|n| async move {
                let nobodys = WorkflowId::from(format!("redrive-is-anybody-there-{n}"));
                self.gateway.describe(&nobodys, None).await
            })
            .collect();
        while let Some(told) = asking.next().await {
            if !matches!(told, Err(GatewayError::Unknown(_))) {
                return true;
            }
        }
        false
    }

    /// How many failed runs visibility shows in a window; asked in turn, and patiently.
    pub(crate) async fn count_failed(
        &self,
        window: &Window,
        patience: Patience<'_>,
    ) -> Result<u64, EngineError> {
        self.patiently(patience, || async {
            self.await_visibility(patience).await?;
            Ok(self.gateway.count_failed(window).await?)
        })
        .await
    }

    /// One page of them; asked in turn, and patiently.
    pub(crate) async fn list_failed(
        &self,
        window: &Window,
        page: &[u8],
        patience: Patience<'_>,
    ) -> Result<Page, EngineError> {
        self.patiently(patience, || async {
            self.await_visibility(patience).await?;
            Ok(self.gateway.list_failed(window, page.to_vec()).await?)
        })
        .await
    }
}

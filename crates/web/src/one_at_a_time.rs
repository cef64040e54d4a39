//! Work that costs others, so that this process does it for one request at a time, and for none longer than a request may take.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use tokio::sync::Semaphore;

use crate::problem::{ApiError, Result};

/// How long it may take, with the wait for its turn; a request ends a little later.
const LONGEST: Duration = Duration::from_secs(50);

/// The kinds of such work, each with a turn of its own.
#[derive(Debug, Clone, Default)]
pub struct OneAtATime {
    /// Each copies the ledger.
    pub(crate) rehearsals: Turn,
    /// Each takes turns of the limit on calls to visibility, which the workers' own scans wait for.
    pub(crate) older_failures: Turn,
}

/// Whose turn it is; it comes in the order of the requests.
#[derive(Debug, Clone)]
pub(crate) struct Turn(Arc<Semaphore>);

impl Default for Turn {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Turn {
    /// Does that work when its turn has come; `late` is said where that, or the work, takes too long.
    pub async fn take<T>(
        &self,
        late: &'static str,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        let in_turn = async {
            let _turn = self.0.acquire().await;
            work.await
        };
        let done = tokio::time::timeout(LONGEST, in_turn).await;
        done.unwrap_or_else(|_| {
            Err(ApiError::refused(
                StatusCode::GATEWAY_TIMEOUT,
                "TOO_LATE",
                late,
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn};
    use std::pin::{Pin, pin};
    use std::task::Poll;

    use tokio::sync::oneshot;

    use super::*;

    /// Whether it has not come to its end by now.
    async fn goes_on(mut work: Pin<&mut impl Future>) -> bool {
        poll_fn(|context| Poll::Ready(work.as_mut().poll(context).is_pending())).await
    }

    #[tokio::test]
    async fn one_waits_until_the_other_is_done() {
        let (turn, late) = (Turn::default(), "too late");
        let (end, ended) = oneshot::channel();
        let mut first = pin!(turn.take(late, async { Ok(ended.await.unwrap()) }));
        let mut second = pin!(turn.take(late, async { Ok("second") }));
        assert!(goes_on(first.as_mut()).await);
        assert!(
            goes_on(second.as_mut()).await,
            "it has nothing to wait for but its turn"
        );
        end.send("first").unwrap();
        assert!(goes_on(second.as_mut()).await);
        assert_eq!(first.await.unwrap(), "first");
        assert_eq!(second.await.unwrap(), "second");
    }

    #[tokio::test(start_paused = true)]
    async fn what_takes_too_long_is_told_so_and_the_next_has_its_turn() {
        let turn = Turn::default();
        let late = turn.take("ask for less", pending::<Result<()>>()).await;
        let late = late.unwrap_err();
        assert_eq!(
            (late.status(), late.message()),
            (StatusCode::GATEWAY_TIMEOUT, "ask for less")
        );
        turn.take("too late", async { Ok(()) }).await.unwrap();
    }

    #[tokio::test]
    async fn each_kind_has_a_turn_of_its_own_and_all_clones_share_it() {
        let one = OneAtATime::default();
        let same = one.clone();
        let mut first = pin!(one.rehearsals.take("late", pending::<Result<()>>()));
        assert!(goes_on(first.as_mut()).await);
        let mut next = pin!(same.rehearsals.take("late", async { Ok(()) }));
        assert!(goes_on(next.as_mut()).await);
        let other = same.older_failures.take("late", async { Ok(()) });
        other.await.unwrap();
    }
}

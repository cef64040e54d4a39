//! Calls to the server that are made once more where the connection was closed over them: a server closes each after some minutes,
//! whoever waits on it.

use std::time::Duration;

use temporalio_client::Client;
use temporalio_client::errors::{WorkflowInteractionError, WorkflowStartError};
use temporalio_client::grpc::WorkflowService;
use tonic::{Code, Request, Response, Status};

/// An error that may say so.
pub(crate) trait MayBeClosed {
    /// Whether it says so: the call may have been heard.
    fn is_closed(&self) -> bool;
}

impl MayBeClosed for Status {
    fn is_closed(&self) -> bool {
        // What a caller gives up is not answered at all.
        self.code() == Code::Cancelled
    }
}

impl MayBeClosed for WorkflowStartError {
    fn is_closed(&self) -> bool {
        matches!(self, Self::Rpc(status) if status.is_closed())
    }
}

impl MayBeClosed for WorkflowInteractionError {
    fn is_closed(&self) -> bool {
        matches!(self, Self::Rpc(status) if status.is_closed())
    }
}

/// Asks the server for what it may hear twice, as [`twice`] says.
pub(crate) async fn asked<R, T, F>(
    client: &Client,
    request: &R,
    ask: impl Fn(Box<dyn WorkflowService>, Request<R>) -> F,
) -> Result<Response<T>, Status>
where
    R: Clone,
    F: Future<Output = Result<Response<T>, Status>>,
{
    let service = || client.connection().workflow_service();
    twice(|| ask(service(), Request::new(request.clone()))).await
}

/// What the server answers within `longest`; a later answer is lost.
pub(crate) async fn in_time<T>(
    longest: Duration,
    asking: impl Future<Output = Result<T, Status>>,
) -> Result<T, Status> {
    let answer = tokio::time::timeout(longest, asking).await;
    answer.unwrap_or_else(|_| Err(Status::deadline_exceeded("no answer came in time")))
}

/// Asks; and once more, where the connection was closed over it. Only for what changes nothing, and for what the server does once
/// whatever it hears, by a request id or a name: the first may have been heard.
pub(crate) async fn twice<T, E, F>(ask: impl Fn() -> F) -> Result<T, E>
where
    E: MayBeClosed,
    F: Future<Output = Result<T, E>>,
{
    twice_or_done(ask, |again| again).await
}

/// As [`twice`], for what the server refuses to do a second time: `done` says what such an answer means where the first may have been
/// heard.
pub(crate) async fn twice_or_done<T, E, F>(
    ask: impl Fn() -> F,
    done: impl FnOnce(Result<T, E>) -> Result<T, E>,
) -> Result<T, E>
where
    E: MayBeClosed,
    F: Future<Output = Result<T, E>>,
{
    match ask().await {
        Err(error) if error.is_closed() => done(ask().await),
        answer => answer,
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    /// How often it is asked where the server answers so, and what is answered in the end.
    async fn asks(answers: &[Result<u8, Code>]) -> (usize, Result<u8, Code>) {
        let count = Cell::new(0);
        let told = twice(|| {
            let answer = answers[count.replace(count.get() + 1)];
            let answer = answer.map(Response::new);
            async move { answer.map_err(|code| Status::new(code, "so it is")) }
        });
        let told = told.await.map(Response::into_inner);
        (count.get(), told.map_err(|status| status.code()))
    }

    #[tokio::test]
    async fn a_question_is_asked_again_once_where_its_connection_was_closed() {
        let closed = Err(Code::Cancelled);
        assert_eq!(asks(&[Ok(1)]).await, (1, Ok(1)));
        assert_eq!(asks(&[closed, Ok(2)]).await, (2, Ok(2)));
        assert_eq!(asks(&[closed, closed]).await, (2, closed));
        let gone = Err(Code::Unavailable);
        assert_eq!(asks(&[gone]).await, (1, gone));
        assert_eq!(asks(&[closed, gone]).await, (2, gone));
    }

    #[tokio::test]
    async fn an_answer_that_does_not_come_in_time_is_lost() {
        let code = |status: Status| status.code();
        let answered = in_time(Duration::from_secs(60), async { Ok(1) }).await;
        assert_eq!(answered.map_err(code), Ok(1));
        let never = std::future::pending::<Result<u8, Status>>();
        let lost = in_time(Duration::ZERO, never).await;
        assert_eq!(lost.map_err(code), Err(Code::DeadlineExceeded));
    }

    #[tokio::test]
    async fn a_refusal_means_that_it_is_done_only_where_the_first_may_have_been_heard() {
        let (closed, exists) = (Code::Cancelled, Code::AlreadyExists);
        for (answers, told) in [
            (vec![exists], Err(exists)),
            (vec![closed, exists], Ok("done")),
            (vec![closed, closed], Err(closed)),
        ] {
            let answers = Cell::new(answers.into_iter());
            let ask = || {
                let mut rest = answers.take();
                let answer = rest.next().unwrap();
                answers.set(rest);
                async move { Err(Status::new(answer, "so it is")) }
            };
            let done = |again: Result<_, Status>| match again {
                Err(status) if status.code() == exists => Ok("done"),
                again => again,
            };
            let answer = twice_or_done(ask, done).await;
            assert_eq!(answer.map_err(|status| status.code()), told);
        }
    }
}

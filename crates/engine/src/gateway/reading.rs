//! Questions to the server, which may be asked again.

use temporalio_client::Client;
use temporalio_client::grpc::WorkflowService;
use tonic::{Code, Request, Response, Status};

/// Asks for what changes nothing.
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

/// Asks; and once more, where the connection was closed over it: a server closes each after some minutes, whoever waits on it. Only for
/// what changes nothing, for the first question may have been heard.
async fn twice<T, F>(ask: impl Fn() -> F) -> Result<Response<T>, Status>
where
    F: Future<Output = Result<Response<T>, Status>>,
{
    match ask().await {
        // Nobody else cancels it: what a caller gives up is not answered at all.
        Err(status) if status.code() == Code::Cancelled => ask().await,
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
}

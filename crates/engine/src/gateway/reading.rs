//! Questions to the server, which may be asked again.

use tonic::{Code, Response, Status};

/// Asks; and once more, where the connection was closed over it: a server closes each after some minutes, whoever waits on it. Only for
/// what changes nothing, for the first question may have been heard.
pub(crate) async fn asked<T, F>(ask: impl Fn() -> F) -> Result<Response<T>, Status>
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
        let told = asked(|| {
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

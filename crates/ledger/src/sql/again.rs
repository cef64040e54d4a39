//! Trying a transaction again that has lost against another one.
//!
//! On a server two transactions may each wait for what the other has locked; PostgreSQL then ends one of them. Nothing of it
//! was done, and the contract's methods are safe to repeat, so it is: here, and nowhere else.

use crate::contract::Result;

/// How often at most. One of two that meet goes on, so that meeting so often in a row is a fault to be told.
const TRIES: usize = 5;

/// Makes the change, again where it has lost.
pub(super) async fn again<T, F>(change: impl Fn() -> F) -> Result<T>
where
    F: Future<Output = Result<T>>,
{
    for left in (0..TRIES).rev() {
        match change().await {
            Err(error) if error.is_conflict() && left > 0 => {
                tracing::debug!(%error, "a transaction lost against another one, and is tried again");
            }
            done => return done,
        }
    }
    unreachable!("the last try returns")
}

//! Lists of a server, which gives them page by page.

use redrive_web::views::Listed;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Remote, RemoteError};

/// Items that a server is asked for at a time: its largest page.
pub(super) const PAGE: u32 = 500;

impl Remote {
    /// Up to `limit` items of the list at `path`; `page` says what is asked for a page of so many, after a cursor.
    pub(super) async fn list<T: DeserializeOwned, Q: Serialize>(
        &self,
        path: &[&str],
        limit: u32,
        page: impl Fn(Option<u32>, Option<String>) -> Q,
    ) -> Result<Vec<T>, RemoteError> {
        paged(limit, PAGE, async |most, cursor| {
            let listed: Listed<T> = self.get(path, &page(Some(most), cursor)).await?;
            Ok((listed.data, listed.next_cursor))
        })
        .await
    }
}

/// Up to `limit` items, `largest` at a time; `ask` gets a page of so many after a cursor, and the next page's cursor.
pub(super) async fn paged<T>(
    limit: u32,
    largest: u32,
    mut ask: impl AsyncFnMut(u32, Option<String>) -> Result<(Vec<T>, Option<String>), RemoteError>,
) -> Result<Vec<T>, RemoteError> {
    let (mut items, mut cursor) = (Vec::new(), None);
    loop {
        let left = limit.saturating_sub(items.len() as u32);
        let (page, next) = ask(left.min(largest), cursor).await?;
        let ended = page.is_empty() || next.is_none();
        items.extend(page);
        if ended || items.len() >= limit as usize {
            return Ok(items);
        }
        cursor = next;
    }
}

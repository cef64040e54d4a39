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
        let (mut items, mut cursor) = (Vec::new(), None);
        loop {
            let left = limit.saturating_sub(items.len() as u32);
            let asked = page(Some(left.min(PAGE)), cursor);
            let listed: Listed<T> = self.get(path, &asked).await?;
            let ended = listed.data.is_empty() || listed.next_cursor.is_none();
            items.extend(listed.data);
            cursor = listed.next_cursor;
            if ended || items.len() >= limit as usize {
                return Ok(items);
            }
        }
    }
}

//! How far each watched type has been scanned.

use crate::ScanWindow;
use crate::contract::Result;
use crate::error::Doing;
use crate::rows;
use crate::sqlite::SqliteLedger;

pub(super) async fn scan_window(
    ledger: &SqliteLedger,
    workflow_type: &str,
) -> Result<Option<ScanWindow>> {
    let found = sqlx::query("SELECT * FROM scan_windows WHERE workflow_type = $1")
        .bind(workflow_type)
        .fetch_optional(&mut *ledger.read().await?)
        .await
        .doing("read how far was scanned")?;
    found.as_ref().map(rows::scan_window).transpose()
}

pub(super) async fn save_scan_window(ledger: &SqliteLedger, window: &ScanWindow) -> Result<()> {
    let mut tx = ledger.begin().await?;
    sqlx::query(
        "INSERT INTO scan_windows (workflow_type, first_look_at, older_count, watermark, swept_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workflow_type) DO UPDATE SET
             first_look_at = min(first_look_at, excluded.first_look_at),
             older_count = excluded.older_count,
             watermark = max(watermark, excluded.watermark),
             swept_at = max(swept_at, excluded.swept_at)",
    )
    .bind(&window.workflow_type)
    .bind(window.first_look_at.as_microsecond())
    .bind(i64::try_from(window.older_count).unwrap_or(i64::MAX))
    .bind(window.watermark.as_microsecond())
    .bind(window.swept_at.as_microsecond())
    .execute(&mut *tx)
    .await
    .doing("save how far was scanned")?;
    tx.commit().await.doing("save how far was scanned")
}

//! How far each watched type has been scanned.

use crate::ScanWindow;
use crate::contract::Result;
use crate::db::args;
use crate::error::Doing;
use crate::rows;
use crate::sql::SqlLedger;

/// Two scans at once may save a time in either order, so it never goes back. What is later than another scan's by more
/// microseconds than that was written by a clock that went wrong, and does go back: to read a window again is free.
const STRAY: i64 = 10 * 60 * 1_000_000;

pub(super) async fn scan_window(
    ledger: &SqlLedger,
    workflow_type: &str,
) -> Result<Option<ScanWindow>> {
    let found = ledger
        .read()
        .await?
        .maybe(
            "SELECT * FROM scan_windows WHERE workflow_type = $1",
            args![workflow_type],
        )
        .await
        .doing("read how far was scanned")?;
    found.as_ref().map(rows::scan_window).transpose()
}

pub(super) async fn save_scan_window(ledger: &SqlLedger, window: &ScanWindow) -> Result<()> {
    let mut tx = ledger.begin().await?;
    tx.run(
        "INSERT INTO scan_windows (workflow_type, first_look_at, older_count, watermark, swept_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (workflow_type) DO UPDATE SET
             first_look_at = CASE WHEN scan_windows.first_look_at < excluded.first_look_at
                 THEN scan_windows.first_look_at ELSE excluded.first_look_at END,
             older_count = CASE WHEN scan_windows.first_look_at < excluded.first_look_at
                 THEN scan_windows.older_count ELSE excluded.older_count END,
             watermark = CASE WHEN scan_windows.watermark BETWEEN excluded.watermark AND excluded.watermark + $6
                 THEN scan_windows.watermark ELSE excluded.watermark END,
             swept_at = CASE WHEN scan_windows.swept_at BETWEEN excluded.swept_at AND excluded.swept_at + $6
                 THEN scan_windows.swept_at ELSE excluded.swept_at END",
        args![
            &window.workflow_type,
            window.first_look_at.as_microsecond(),
            i64::try_from(window.older_count).unwrap_or(i64::MAX),
            window.watermark.as_microsecond(),
            window.swept_at.as_microsecond(),
            STRAY
        ],
    )
    .await
    .doing("save how far was scanned")?;
    tx.commit().await.doing("save how far was scanned")
}

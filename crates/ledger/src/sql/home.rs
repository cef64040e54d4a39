//! Where the ledger belongs, and the policy it was last brought in line with: rows of `settings`.

use redrive_core::ids::Home;
use redrive_core::policy::Policy;

use crate::LedgerError;
use crate::contract::Result;
use crate::db::{Conn, Statement, Tx, args};
use crate::error::Doing;
use crate::rows::Fields;
use crate::sql::SqlLedger;
use crate::transition::observe::eligible;

const HOME: &str = "home";
const POLICY: &str = "policy";

/// A transaction that changes settings: one at a time reads and writes them.
pub(super) async fn begin(ledger: &SqlLedger) -> Result<Tx> {
    let mut tx = ledger.begin().await?;
    tx.lock("settings").await.doing("wait for the settings")?;
    Ok(tx)
}

/// The value of a setting.
pub(super) async fn setting(conn: &mut Conn, key: &str) -> Result<Option<String>> {
    locked(conn, key, "").await
}

/// The same; its row is locked so until the transaction ends.
async fn locked(conn: &mut Conn, key: &str, lock: &'static str) -> Result<Option<String>> {
    let setting = Statement::both("SELECT value FROM settings WHERE key = $1").locked(lock);
    let found = conn.maybe(setting, args![key]).await;
    let found = found.doing("read a setting")?;
    found.map(|row| row.text("value")).transpose()
}

/// Sets it.
pub(super) async fn set(conn: &mut Conn, key: &str, value: &str) -> Result<()> {
    conn.run("INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO UPDATE SET value = excluded.value", args![key, value])
        .await
        .doing("write a setting")?;
    Ok(())
}

/// Where the ledger belongs.
pub(super) async fn read(conn: &mut Conn) -> Result<Option<Home>> {
    let Some(stored) = setting(conn, HOME).await? else {
        return Ok(None);
    };
    let home = serde_json::from_str(&stored);
    home.map(Some).map_err(|_| LedgerError::Corrupt {
        what: "its home",
        value: stored.clone(),
    })
}

pub(super) async fn bind(ledger: &SqlLedger, home: &Home) -> Result<()> {
    let mut tx = begin(ledger).await?;
    let Some(bound) = read(&mut tx).await? else {
        let text = serde_json::to_string(home).expect("a home is two texts");
        set(&mut tx, HOME, &text).await?;
        return tx.commit().await.doing("bind the ledger");
    };
    if bound == *home {
        return Ok(());
    }
    Err(LedgerError::OtherHome {
        ledger_cluster: bound.cluster_id,
        ledger_namespace: bound.namespace,
        cluster: home.cluster_id.clone(),
        namespace: home.namespace.clone(),
    })
}

pub(super) async fn apply_policy(ledger: &SqlLedger, policy: &Policy) -> Result<u64> {
    let mut tx = begin(ledger).await?;
    let digest = policy.digest();
    // Who is about to write by another policy is waited for.
    if locked(&mut tx, POLICY, " FOR UPDATE").await?.as_deref() == Some(digest.as_str()) {
        tx.end().await.doing("leave the policy as it is")?;
        return Ok(0);
    }
    // Who writes by another policy at this moment is waited for, and what it wrote is seen below.
    set(&mut tx, POLICY, &digest).await?;
    let kinds = tx
        .all(
            "SELECT DISTINCT failure_status, has_parent FROM orders WHERE closed_at IS NULL",
            args![],
        )
        .await
        .doing("read the kinds of failures")?;
    let mut changed = 0;
    for kind in &kinds {
        let (status, has_parent) = (kind.text("failure_status")?, kind.flag("has_parent")?);
        let done = tx.run("UPDATE orders SET eligible = $3
             WHERE closed_at IS NULL AND failure_status = $1 AND has_parent = $2 AND eligible <> $3", args![&status, has_parent, eligible(policy, &status, has_parent)])
        .await
        .doing("bring orders in line with the policy")?;
        changed += done;
    }
    tx.commit().await.doing("apply the policy")?;
    Ok(changed)
}

/// Notes that whose turn it is stands in the ledger by `policy`, too: while workers are given a new one in turn, those that
/// have the old one go on. Where it is not the policy that was applied last, the next batch applies its own again.
pub(super) async fn written_by(conn: &mut Conn, policy: &Policy) -> Result<()> {
    let digest = policy.digest();
    loop {
        // Whoever finds another's policy writes at once: to read it first, and lock what it wants to change, could end in two that
        // wait for each other.
        conn.run(UNMARK, args![POLICY, &digest])
            .await
            .doing("note another policy")?;
        let applied = locked(conn, POLICY, " FOR SHARE").await?;
        if applied.is_none_or(|applied| applied.is_empty() || applied == digest) {
            return Ok(());
        }
    }
}

const UNMARK: &str =
    "UPDATE settings SET value = '' WHERE key = $1 AND value <> '' AND value <> $2";

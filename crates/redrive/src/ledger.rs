//! The ledger that a URL names, opened; and what of a URL may be shown.

use std::sync::Arc;

use redrive_ledger::{Desk, Ledger, LedgerError, LedgerUrl, Reader, SqlLedger};

/// An open ledger, by its sides.
#[derive(Clone)]
pub struct Opened {
    /// What protocol and decisions go through.
    pub ledger: Arc<dyn Ledger>,
    /// What lists and numbers come from.
    pub reader: Arc<dyn Reader>,
    /// What the HTTP side keeps.
    pub desk: Arc<dyn Desk>,
}

/// Opens the ledger that `url` names.
pub async fn open(url: &str) -> Result<Opened, LedgerError> {
    let ledger = SqlLedger::open(LedgerUrl::parse(url)?).await?;
    Ok(Opened {
        ledger: Arc::new(ledger.clone()),
        reader: Arc::new(ledger.clone()),
        desk: Arc::new(ledger),
    })
}

/// Whether there is a ledger: a file, or the tables in a database.
pub async fn exists(url: &LedgerUrl) -> Result<bool, LedgerError> {
    match url.file() {
        Some(path) => Ok(path.exists()),
        None => Ok(SqlLedger::schema(url).await?.found > 0),
    }
}

/// `url` as it may be shown: as it was given, but for a password.
pub fn shown(url: &str) -> String {
    match LedgerUrl::parse(url) {
        Ok(server @ LedgerUrl::Server(_)) => server.to_string(),
        _ => url.to_owned(),
    }
}

/// The ledger's name in a sentence: a file by its whole path.
pub fn named(url: &LedgerUrl) -> String {
    let whole = url.file().and_then(|path| std::path::absolute(path).ok());
    whole.map_or_else(|| url.to_string(), |path| path.display().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_as_it_was_given_but_for_its_password() {
        for (url, wanted) in [
            ("sqlite:data/redrive.db", "sqlite:data/redrive.db"),
            ("redrive.db", "redrive.db"),
            ("postgres://ann:secret@h/orders", "postgres://ann@h/orders"),
            ("postgres://ann@h/orders", "postgres://ann@h/orders"),
        ] {
            assert_eq!(shown(url), wanted);
        }
    }
}

//! Which ledger a URL names: a file's path, or `sqlite:PATH`.

use std::path::PathBuf;
use std::sync::Arc;

use redrive_ledger::{Ledger, LedgerError, Reader, SqliteLedger};

/// The file of the ledger that `url` names.
///
/// Errors: [`LedgerError::UnknownKind`].
pub fn path(url: &str) -> Result<PathBuf, LedgerError> {
    let unknown = || LedgerError::UnknownKind {
        url: url.to_owned(),
    };
    let rest = match url.split_once(':') {
        Some(("sqlite", rest)) => rest.strip_prefix("//").unwrap_or(rest),
        Some((kind, _)) if is_kind(kind) => return Err(unknown()),
        _ => url,
    };
    if rest.is_empty() {
        Err(unknown())
    } else {
        Ok(PathBuf::from(rest))
    }
}

/// An open ledger, by its two sides.
#[derive(Clone)]
pub struct Opened {
    /// What protocol and decisions go through.
    pub ledger: Arc<dyn Ledger>,
    /// What lists and numbers come from.
    pub reader: Arc<dyn Reader>,
}

/// Opens the ledger that `url` names.
pub async fn open(url: &str) -> Result<Opened, LedgerError> {
    let sqlite = SqliteLedger::open(&path(url)?).await?;
    Ok(Opened {
        ledger: Arc::new(sqlite.clone()),
        reader: Arc::new(sqlite),
    })
}

/// Whether what stands before a colon names a kind of database; in a path, a folder stands there (`./a:b`).
fn is_kind(text: &str) -> bool {
    !text.is_empty()
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "+-.".contains(letter))
        && !text.starts_with('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_or_sqlite_is_a_ledger_and_nothing_else() {
        for (url, file) in [
            ("redrive.db", "redrive.db"),
            ("/var/lib/redrive/ledger.db", "/var/lib/redrive/ledger.db"),
            ("sqlite:redrive.db", "redrive.db"),
            ("sqlite:///var/lib/ledger.db", "/var/lib/ledger.db"),
            ("sqlite:/var/lib/ledger.db", "/var/lib/ledger.db"),
            ("./odd:name.db", "./odd:name.db"),
        ] {
            assert_eq!(path(url).unwrap(), PathBuf::from(file), "{url}");
        }
        for url in ["postgres://x/y", "mysql://x", "sqlite:", "http://x", ""] {
            let said = path(url).unwrap_err().to_string();
            assert_eq!(
                said,
                format!("{url:?} is no ledger: write a file path, or sqlite:PATH.")
            );
        }
    }
}

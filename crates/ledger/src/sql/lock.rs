//! The lock that keeps a ledger's file to one `redrive up`.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

use crate::LedgerError;
use crate::contract::Result;

/// That no other process runs `up` on a ledger. It is released when dropped, or when the process ends, however it ends.
#[derive(Debug)]
pub struct LedgerLock {
    _file: File,
}

impl LedgerLock {
    /// Keeps the ledger at `path` to this process while the guard lives. It stops a second `redrive up`; commands that only
    /// ask and decide do not take it.
    ///
    /// Errors: [`LedgerError::InUse`] where another process has it.
    pub fn take(path: &Path) -> Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let lock = PathBuf::from(name);
        let failed = |source| LedgerError::Lock {
            path: lock.clone(),
            source,
        };
        if let Some(folder) = path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
        {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let file = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LedgerError::InUse(path.to_owned())),
            Err(TryLockError::Error(source)) => Err(failed(source)),
        }
    }
}

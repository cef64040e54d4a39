//! An append-only file of one JSON value a line, written by several processes and read while it grows.
//!
//! A line is one `write` to a file opened with `O_APPEND`: lines of several writers never mix, and what was
//! written stays when its writer is killed. What follows the last line break is not a line yet.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::marker::PhantomData;
use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};

use crate::warehouse::WarehouseError;

/// The file, and how far this reader has come in it.
pub(crate) struct JsonLines<T> {
    path: PathBuf,
    file: File,
    read_to: u64,
    of: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> JsonLines<T> {
    /// Opens the file, and makes it if there is none.
    pub(crate) fn open(path: &Path) -> Result<Self, WarehouseError> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .read(true)
            .open(path)
            .map_err(|source| WarehouseError::file("open", path, source))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            read_to: 0,
            of: PhantomData,
        })
    }

    /// Appends one line.
    pub(crate) fn append(&mut self, value: &T) -> Result<(), WarehouseError> {
        let mut line = serde_json::to_vec(value)
            .map_err(|source| WarehouseError::malformed(&self.path, source))?;
        line.push(b'\n');
        self.file
            .write_all(&line)
            .map_err(|source| WarehouseError::file("write to", &self.path, source))
    }

    /// Every whole line that this reader has not returned yet.
    pub(crate) fn read_new(&mut self) -> Result<Vec<T>, WarehouseError> {
        let bytes = self
            .rest()
            .map_err(|source| WarehouseError::file("read", &self.path, source))?;
        let whole = bytes
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |last| last + 1);
        let values = bytes[..whole]
            .split(|byte| *byte == b'\n')
            .filter(|line| !line.is_empty())
            .map(serde_json::from_slice)
            .collect::<Result<_, _>>()
            .map_err(|source| WarehouseError::malformed(&self.path, source))?;
        self.read_to += whole as u64;
        Ok(values)
    }

    fn rest(&mut self) -> std::io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.file.seek(SeekFrom::Start(self.read_to))?;
        self.file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(dir: &tempfile::TempDir) -> JsonLines<u32> {
        JsonLines::open(&dir.path().join("lines")).unwrap()
    }

    #[test]
    fn returns_each_line_once_whoever_wrote_it() {
        let dir = tempfile::tempdir().unwrap();
        let (mut one, mut other) = (open(&dir), open(&dir));
        one.append(&1).unwrap();
        other.append(&2).unwrap();
        assert_eq!(one.read_new().unwrap(), [1, 2]);
        one.append(&3).unwrap();
        assert_eq!(one.read_new().unwrap(), [3]);
        assert_eq!(other.read_new().unwrap(), [1, 2, 3]);
    }

    #[test]
    fn waits_for_the_line_break() {
        let dir = tempfile::tempdir().unwrap();
        let mut lines = open(&dir);
        lines.append(&1).unwrap();
        lines.file.write_all(b"2").unwrap();
        assert_eq!(lines.read_new().unwrap(), [1]);
        lines.file.write_all(b"2\n").unwrap();
        assert_eq!(lines.read_new().unwrap(), [22]);
    }

    #[test]
    fn lines_of_many_writers_never_mix() {
        let dir = tempfile::tempdir().unwrap();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let mut lines = open(&dir);
                scope.spawn(move || {
                    (0..250).for_each(|n| lines.append(&(writer * 250 + n)).unwrap())
                });
            }
        });
        let mut read = open(&dir).read_new().unwrap();
        read.sort_unstable();
        assert_eq!(read, (0..1000).collect::<Vec<_>>());
    }
}

//! Files that are read past the page cache, so that reads of them take their time.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;

use crate::canary::SIZE;
use crate::skip::skip;

/// How many blocks the file has.
pub(crate) const BLOCKS: u64 = 8;

/// A file of [`BLOCKS`] blocks of sevens, open for direct IO; `None` and a line in the log where
/// the file system has none.
pub(crate) fn file(test: &str) -> Option<File> {
    let named = tempfile::NamedTempFile::new_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    std::fs::write(named.path(), [7; SIZE * BLOCKS as usize]).unwrap();
    let mut options = OpenOptions::new();
    match options.read(true).write(true).custom_flags(libc::O_DIRECT).open(named.path()) {
        Ok(file) => Some(file),
        Err(error) => {
            skip(test, &format!("no O_DIRECT: {error}"));
            None
        }
    }
}

//! [`DirBuilder`]: how to make a directory.

use std::io;
use std::path::Path;

use ringbahn_core::Drive;

use super::Dir;

/// How to make a directory, as [`std::fs::DirBuilder`].
///
/// # Examples
///
/// ```no_run
/// # // Not run: it would leave directories behind.
/// use ringbahn::fs::DirBuilder;
///
/// # async fn example() -> std::io::Result<()> {
/// DirBuilder::new().recursive(true).mode(0o700).create("cache/pages").await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct DirBuilder {
    recursive: bool,
    mode: u32,
}

impl DirBuilder {
    /// One directory is made, and what it is to be in has to be there.
    #[allow(clippy::new_without_default, reason = "as std's, which has none")]
    pub fn new() -> DirBuilder {
        DirBuilder { recursive: false, mode: 0o777 }
    }

    /// Whether the directories that it is to be in are made, too. That the directory is there
    /// already is then no error.
    pub fn recursive(&mut self, recursive: bool) -> &mut DirBuilder {
        self.recursive = recursive;
        self
    }

    /// The permissions of each directory that is made, before the umask; at first `0o777`.
    pub fn mode(&mut self, mode: u32) -> &mut DirBuilder {
        self.mode = mode;
        self
    }

    /// Makes the directory `path`.
    ///
    /// # Errors
    ///
    /// Those of [`fs::create_dir`](super::create_dir), or of
    /// [`fs::create_dir_all`](super::create_dir_all).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped some of the
    /// directories may be there.
    pub async fn create(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.create_in(&Dir::current(), path).await
    }

    /// As [`create`](DirBuilder::create), where a relative path starts from `directory`.
    ///
    /// # Errors
    ///
    /// Those of [`create`](DirBuilder::create).
    ///
    /// # Cancel safety
    ///
    /// It is not cancel safe, use it where it runs to its end: where it is dropped some of the
    /// directories may be there.
    pub async fn create_in<D: Drive + Clone + Unpin>(
        &self,
        directory: &Dir<D>,
        path: impl AsRef<Path>,
    ) -> io::Result<()> {
        let path = path.as_ref();
        if !self.recursive {
            return directory.make(path, self.mode).await;
        }
        // The directories that are to be made, the outermost last.
        let mut missing = Vec::new();
        let mut outer = Some(path);
        while let Some(here) = outer.filter(|here| !here.as_os_str().is_empty()) {
            match self.make_or_find(directory, here).await {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                made => {
                    made?;
                    break;
                }
            }
            missing.push(here);
            outer = here.parent();
        }
        if outer.is_none() && !missing.is_empty() {
            return Err(io::Error::other("failed to create whole tree"));
        }
        while let Some(here) = missing.pop() {
            self.make_or_find(directory, here).await?;
        }
        Ok(())
    }

    /// Makes one directory, unless it is there already.
    async fn make_or_find<D: Drive + Clone + Unpin>(
        &self,
        directory: &Dir<D>,
        path: &Path,
    ) -> io::Result<()> {
        match directory.make(path, self.mode).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let found = directory.metadata(path).await;
                if found.is_ok_and(|found| found.is_dir()) { Ok(()) } else { Err(error) }
            }
            made => made,
        }
    }
}

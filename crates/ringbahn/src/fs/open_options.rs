//! [`OpenOptions`]: how to open a file.

use std::fs::File;
use std::io;
use std::path::Path;

use ringbahn_core::event::Opens as _;
use ringbahn_core::{DirectTable, Drive, event};

use crate::driver::DefaultDriver;
use crate::ring::Ring;
use crate::ring::direct::Direct;

/// How to open a file, as [`std::fs::OpenOptions`].
///
/// # Examples
///
/// ```no_run
/// # // Not run: it would leave a file behind.
/// use std::io;
/// use futures::io::AsyncWriteExt;
/// use ringbahn::fs::OpenOptions;
///
/// # async fn example() -> io::Result<()> {
/// let mut log = OpenOptions::new().append(true).create(true).open("app.log").await?;
/// log.write_all(b"started\n").await?;
/// log.sync_data().await
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OpenOptions {
    options: event::OpenOptions,
}

impl OpenOptions {
    /// Nothing is asked for yet.
    #[allow(clippy::new_without_default, reason = "as std's, which has none")]
    pub fn new() -> OpenOptions {
        OpenOptions { options: event::OpenOptions::new() }
    }

    /// Whether the file can be read.
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.options.read(read);
        self
    }

    /// Whether the file can be written.
    pub fn write(&mut self, write: bool) -> &mut OpenOptions {
        self.options.write(write);
        self
    }

    /// Whether every write goes to the end of the file.
    pub fn append(&mut self, append: bool) -> &mut OpenOptions {
        self.options.append(append);
        self
    }

    /// Whether to empty the file. It must be opened for writing.
    pub fn truncate(&mut self, truncate: bool) -> &mut OpenOptions {
        self.options.truncate(truncate);
        self
    }

    /// Whether to create the file where there is none. It must be opened for writing.
    pub fn create(&mut self, create: bool) -> &mut OpenOptions {
        self.options.create(create);
        self
    }

    /// Whether to create the file, and to fail where there is one. It must be opened for writing.
    pub fn create_new(&mut self, create_new: bool) -> &mut OpenOptions {
        self.options.create_new(create_new);
        self
    }

    /// The permissions of a file that is created, before the umask; at first `0o666`.
    pub fn mode(&mut self, mode: u32) -> &mut OpenOptions {
        self.options.mode(mode);
        self
    }

    /// Further flags of `open(2)`, such as `O_DIRECT`, of which
    /// [`Ring`](crate::Ring#files-for-direct-io) says more.
    pub fn custom_flags(&mut self, flags: i32) -> &mut OpenOptions {
        self.options.custom_flags(flags);
        self
    }

    pub(super) fn options(&self) -> &event::OpenOptions {
        &self.options
    }

    /// Opens the file at `path`.
    ///
    /// A FIFO is opened without waiting for its other end: one to be read then looks as if it were
    /// at its end, and one to be written, which nobody reads yet, is the error `ENXIO`.
    ///
    /// # Errors
    ///
    /// Those of `open(2)`: `NotFound`, `PermissionDenied`, `AlreadyExists`, …; `InvalidInput`
    /// where the path contains a zero byte, or for options that contradict each other.
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so. It is
    /// closed.
    pub async fn open(&self, path: impl AsRef<Path>) -> io::Result<Ring<File>> {
        self.open_on_driver(path, DefaultDriver).await
    }

    /// As [`open`](OpenOptions::open), on `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](OpenOptions::open).
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so. It is
    /// closed.
    pub async fn open_on_driver<D: Drive + Clone + Unpin>(
        &self,
        path: impl AsRef<Path>,
        driver: D,
    ) -> io::Result<Ring<File, D>> {
        let open = event::OpenAt::new(path, &self.options)?;
        let file = driver.clone().submit(open).await?;
        Ok(Ring::new_on_driver(File::from(file), driver))
    }

    /// Opens the file at `path` into a slot of `table`, which is of the ring of `driver`.
    ///
    /// # Errors
    ///
    /// Those of [`open`](OpenOptions::open); `ENFILE` where no slot is free; `InvalidInput` where
    /// the table is of another ring.
    ///
    /// # Cancel safety
    ///
    /// It loses at most the file: one that is created or emptied all the same stays so. It is
    /// closed.
    ///
    /// # Kernel
    ///
    /// Linux 5.19.
    pub async fn open_into_slot<D: Drive + Clone + Unpin>(
        &self,
        path: impl AsRef<Path>,
        table: &DirectTable,
        driver: D,
    ) -> io::Result<Ring<Direct<File>, D>> {
        let open = event::OpenAt::new(path, &self.options)?;
        let file = driver.clone().submit(open.into_slot(table)).await?;
        Ok(Ring::new_on_driver(Direct::new(file), driver))
    }
}

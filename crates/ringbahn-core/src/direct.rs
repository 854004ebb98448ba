//! [`DirectFd`]: an open file in a slot of a ring, which is no descriptor of the process; and
//! [`DirectTable`], the slots.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::fd::SharedFd;
use crate::ring_id::RingId;

/// What a driver brings to a [`DirectTable`]: the table of files that it has registered with its
/// ring.
pub trait Slots: fmt::Debug + Send + Sync + 'static {
    /// The ring.
    fn ring(&self) -> RingId;

    /// Closes the file in `slot`, which nobody uses any more, exactly once. Called by a drop on
    /// whatever thread, so it neither fails nor waits for an operation.
    fn close(&self, slot: u32);

    /// The ring itself, for other rings to send files to.
    ///
    /// # Errors
    ///
    /// `NotConnected` where it has gone; `Unsupported`, which a driver says that does not provide
    /// this method, where others cannot.
    fn ring_file(&self) -> io::Result<SharedFd> {
        let message = "this driver's ring takes no files from others: open them on it";
        Err(io::Error::new(io::ErrorKind::Unsupported, message))
    }
}

/// The slots of a ring for direct descriptors: a handle to a table that all its clones share.
///
/// A driver gives it out. Files get into its slots by [`IntoSlot`](crate::event::IntoSlot); the
/// kernel chooses which.
#[derive(Clone)]
pub struct DirectTable {
    table: Arc<Table>,
}

struct Table {
    slots: Box<dyn Slots>,
    open: AtomicUsize,
}

impl DirectTable {
    /// The table of a ring, which `slots` knows.
    pub fn new(slots: impl Slots) -> DirectTable {
        let table = Table { slots: Box::new(slots), open: AtomicUsize::new(0) };
        DirectTable { table: Arc::new(table) }
    }

    /// The ring whose slots these are.
    pub fn ring(&self) -> RingId {
        self.table.slots.ring()
    }

    /// How many slots have a file that somebody holds a [`DirectFd`] or a share of.
    pub fn open(&self) -> usize {
        self.table.open.load(Ordering::Relaxed) // It says nothing of anything else.
    }

    /// The ring itself.
    pub(crate) fn ring_file(&self) -> io::Result<SharedFd> {
        self.table.slots.ring_file()
    }

    /// The file that an operation of an event of this table has put into `slot`.
    pub(crate) fn opened(&self, slot: u32) -> DirectFd {
        self.table.open.fetch_add(1, Ordering::Relaxed);
        DirectFd { table: self.clone(), slot }
    }
}

/// An open file in a slot of a ring: a direct descriptor.
///
/// It is no descriptor of the process: nothing but operations on its ring can use it, and these
/// need not look it up in the process's table of files. As a [`SharedFd`](crate::SharedFd), which
/// it becomes by `into`, it works with every event that operates on an open file, but not as the
/// directory from which a path starts, nor with [`Statx`](crate::event::Statx). On another ring an
/// event with it fails with [`ForeignRing`](crate::ForeignRing).
///
/// Dropping it, or the last share of it, closes the file, on whatever thread; where the ring is
/// bound to another one, when that enters the kernel next. The slot is used again after that only.
/// When the ring goes, its files do.
pub struct DirectFd {
    table: DirectTable,
    slot: u32,
}

impl DirectFd {
    /// The ring whose operations can use it.
    pub fn ring(&self) -> RingId {
        self.table.ring()
    }

    /// The slots of its ring.
    pub fn table(&self) -> &DirectTable {
        &self.table
    }

    /// The number of the slot in its ring.
    pub fn slot(&self) -> u32 {
        self.slot
    }
}

impl Drop for DirectFd {
    fn drop(&mut self) {
        self.table.table.slots.close(self.slot);
        self.table.table.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Debug for DirectTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectTable")
            .field("ring", &self.ring())
            .field("open", &self.open())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for DirectFd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DirectFd").field("ring", &self.ring()).field("slot", &self.slot).finish()
    }
}

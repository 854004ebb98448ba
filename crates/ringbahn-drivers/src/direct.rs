//! The slots of a ring of the kernel for direct descriptors.
//!
//! A slot is closed by the thread that drops its last share, with a system call of its own, as a
//! descriptor is. An entry of the queue that does the same would need room in the queue, somebody
//! to wait for it, and a ring that still accepts entries; a drop has none of these.

use std::io;

use ringbahn_core::{DirectTable, RingId, SharedFd, Sharing, Slots};

use crate::RingHandle;
use crate::queue::registry::{Lease, Release};
use crate::sys::uapi::REGISTER_FILES2;

/// The table of files of a ring, as long as somebody uses it.
#[derive(Debug)]
struct RingSlots {
    ring: RingId,
    lease: Lease,
}

impl<S: Sharing> RingHandle<S> {
    /// Gives the ring `slots` slots for direct descriptors.
    ///
    /// A ring has one table of them, which stays as large as it is: where nobody has a handle or a
    /// descriptor of it any more, the next call yields it once more.
    ///
    /// # Errors
    ///
    /// `AlreadyExists` where the ring has a table that somebody uses; `InvalidInput` for no slots,
    /// and for more than a former table had; `QuotaExceeded` for more than the process may have
    /// files open (`RLIMIT_NOFILE`); `OutOfMemory`; `Unsupported` on kernels before 5.19, and in a
    /// forked child. Without a table, descriptors of the process do, as which the fallback has the
    /// files in its slots.
    ///
    /// # Kernel
    ///
    /// Linux 5.19.
    pub fn direct_table(&self, slots: u32) -> io::Result<DirectTable> {
        if slots == 0 {
            let message = "a table of direct descriptors has one slot at least";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        let (registry, clerk) = self.rings().registry()?;
        self.rings().check_known(REGISTER_FILES2)?;
        let lease = Lease::new(self.rings())?;
        registry.take_files(clerk, slots).map_err(|error| refused(error, slots))?;
        Ok(DirectTable::new(RingSlots { ring: self.table().ring(), lease }))
    }
}

/// What the registration has failed with, and what to do about it.
fn refused(error: io::Error, slots: u32) -> io::Error {
    match error.raw_os_error() {
        Some(libc::EMFILE) => io::Error::new(
            io::ErrorKind::QuotaExceeded,
            format!(
                "{slots} direct descriptors are more than the process may have files open: ask for \
                 fewer, or raise the limit: ulimit -n <count>; systemd: LimitNOFILE=<count>; \
                 docker: --ulimit nofile=<count>"
            ),
        ),
        Some(libc::EINVAL) => io::Error::new(
            io::ErrorKind::Unsupported,
            "this kernel's rings have no table of files that is filled later: run Linux 5.19 or \
             newer, or use descriptors of the process",
        ),
        _ => error,
    }
}

impl Slots for RingSlots {
    fn ring(&self) -> RingId {
        self.ring
    }

    fn close(&self, slot: u32) {
        self.lease.release(Release::Slot(slot));
    }

    fn ring_file(&self) -> io::Result<SharedFd> {
        self.lease.ring_file().map(SharedFd::from)
    }
}

impl Drop for RingSlots {
    fn drop(&mut self) {
        self.lease.give_back_files();
    }
}

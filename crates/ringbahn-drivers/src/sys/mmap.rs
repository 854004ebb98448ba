//! [`Mapping`]: a ring's memory, shared with the kernel and with nobody else.
//!
//! # Safety
//!
//! M1. A `Mapping` owns `length` bytes from `address`, mapped readable and writable by
//!     [`Mapping::new`] and unmapped by its `Drop`. Nobody else unmaps or remaps them.
//!
//! M2. The pages are `MADV_DONTFORK`: a forked child does not have them, and may have something
//!     else at their address. So a child neither touches nor unmaps them; [`ForkGuard`] tells.
//!
//! M3. The kernel may write to the memory at any time. It is reached through raw pointers only,
//!     never through a reference to something that is not an atomic, except where the queue's
//!     protocol has given a place to one side.
//!
//! M4. [`Mapping::array`] yields an address only where as many values as asked for lie within the
//!     mapping, aligned for their type.
#![allow(unsafe_code)]

use std::ffi::c_void;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::ptr::{self, NonNull};

use super::fork::ForkGuard;

/// A part of a ring that is mapped into this process, and not into its children.
#[derive(Debug)]
pub(crate) struct Mapping {
    address: NonNull<c_void>,
    length: usize,
    guard: ForkGuard,
}

// SAFETY: the memory belongs to the process (M1), not to the thread that mapped it.
unsafe impl Send for Mapping {}
// SAFETY: shared access to a `Mapping` only computes addresses; using them is M3's matter.
unsafe impl Sync for Mapping {}

impl Mapping {
    /// Maps `length` bytes of `ring` from `offset` (one of the `OFFSET_*` constants).
    ///
    /// # Errors
    ///
    /// The `errno` of `mmap(2)` or `madvise(2)`, unchanged.
    pub(crate) fn new(
        ring: BorrowedFd<'_>,
        offset: libc::off_t,
        length: usize,
        guard: ForkGuard,
    ) -> io::Result<Mapping> {
        Mapping::of((length, ring.as_raw_fd(), offset), 0, guard)
    }

    /// Maps `length` zeroed bytes or more, which nobody else has, in huge pages of `huge` bytes if
    /// that is given.
    ///
    /// # Errors
    ///
    /// The `errno` of `mmap(2)` or `madvise(2)`, unchanged.
    pub(crate) fn anonymous(
        length: usize,
        huge: Option<usize>,
        guard: ForkGuard,
    ) -> io::Result<Mapping> {
        let flags = libc::MAP_ANONYMOUS | if huge.is_some() { libc::MAP_HUGETLB } else { 0 };
        let length = huge.map_or(length, |page| length.next_multiple_of(page));
        Mapping::of((length, -1, 0), flags, guard)
    }

    fn of(
        (length, file, offset): (usize, RawFd, libc::off_t),
        flags: libc::c_int,
        guard: ForkGuard,
    ) -> io::Result<Mapping> {
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = flags | libc::MAP_SHARED | libc::MAP_POPULATE;
        // SAFETY: F3 of `fork`; no address is asked for.
        let address =
            unsafe { libc::mmap(ptr::null_mut(), length, protection, flags, file, offset) };
        if address == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let Some(address) = NonNull::new(address) else {
            return Err(io::Error::from_raw_os_error(libc::EFAULT));
        };
        let mapping = Mapping { address, length, guard };
        // SAFETY: M1, these bytes have just been mapped; the advice does not change their content.
        let returned = unsafe { libc::madvise(address.as_ptr(), length, libc::MADV_DONTFORK) };
        if returned != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(mapping)
    }

    /// The address of the byte at `offset`, for the kernel.
    pub(crate) fn address_number(&self, offset: u32) -> u64 {
        debug_assert!((offset as usize) < self.length);
        (self.address.as_ptr().expose_provenance() + offset as usize) as u64
    }

    /// The address of `count` values of type `T`, `offset` bytes into the mapping.
    ///
    /// # Errors
    ///
    /// `InvalidData` where they would not lie within the mapping, or not be aligned: the kernel
    /// has told offsets that cannot be.
    pub(crate) fn array<T>(&self, offset: u32, count: u32) -> io::Result<NonNull<T>> {
        let offset = offset as usize;
        let end = (count as usize).checked_mul(size_of::<T>()).and_then(|n| n.checked_add(offset));
        let inside = end.is_some_and(|end| end <= self.length);
        if !inside || !(self.address.addr().get() + offset).is_multiple_of(align_of::<T>()) {
            let message = "the kernel described a ring that does not fit its own mapping";
            return Err(io::Error::new(io::ErrorKind::InvalidData, message));
        }
        // SAFETY: M1; `offset` is within the mapping, as just checked.
        Ok(unsafe { self.address.byte_add(offset) }.cast())
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        if self.guard.forked() {
            return; // M2: whatever is at this address is not ours.
        }
        // SAFETY: M1; whoever holds pointers into the mapping also holds the mapping.
        let returned = unsafe { libc::munmap(self.address.as_ptr(), self.length) };
        debug_assert_eq!(returned, 0, "munmap of an owned mapping");
    }
}

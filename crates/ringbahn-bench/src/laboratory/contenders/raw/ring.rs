//! [`Ring`]: a ring as it is set up by somebody who knows how.
//!
//! # Safety
//!
//! RR1. Whoever pushes an entry has promised that what it names is valid for as long as the
//!      operation lasts.
//!
//! RR2. What is registered is never freed.
#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, IoSliceMut};
use std::os::fd::{AsRawFd as _, RawFd};
use std::slice;

use io_uring::{IoUring, cqueue, squeue, types};
use rustix::io::Errno;

/// A ring for one thread, which it does not leave.
pub(super) struct Ring {
    ring: IoUring,
}

/// A ring for this thread, with queues of these lengths, which defers the kernel's work to the calls
/// of this thread and is entered by its registered number.
///
/// # Errors
///
/// Those of setting up a ring.
pub(super) fn ring(entries: u32, completions: u32) -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag();
    builder.setup_submit_all().setup_no_sqarray().setup_cqsize(completions);
    let ring = builder.build(entries)?;
    ring.submitter().register_ring_fd()?;
    Ok(ring)
}

impl Ring {
    /// See [`ring`].
    ///
    /// # Errors
    ///
    /// Those of setting up a ring.
    pub(super) fn new(entries: u32, completions: u32) -> io::Result<Ring> {
        Ok(Ring { ring: ring(entries, completions)? })
    }

    /// Registers files, which entries then name by their places.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) fn register_files(&self, files: &[&File]) -> io::Result<()> {
        let numbers: Vec<RawFd> = files.iter().map(|file| file.as_raw_fd()).collect();
        self.ring.submitter().register_files(&numbers)
    }

    /// Registers a file in the place of another.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) fn replace_file(&self, place: u32, file: &File) -> io::Result<()> {
        self.ring.submitter().register_files_update(place, &[file.as_raw_fd()]).map(drop)
    }

    /// Registers so many places for files that the kernel puts there.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) fn register_places(&self, number: u32) -> io::Result<()> {
        self.ring.submitter().register_files_sparse(number)
    }

    /// Registers the pieces of `memory` that are of this length, and yields where they begin.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) fn register_buffers(
        &self,
        memory: &'static mut [u8],
        length: usize,
    ) -> io::Result<Vec<*mut u8>> {
        let mut buffers: Vec<_> = memory.chunks_exact_mut(length).map(IoSliceMut::new).collect();
        let starts = buffers.iter_mut().map(|buffer| buffer.as_mut_ptr()).collect();
        // SAFETY: RR2: an `IoSliceMut` is laid out as an `iovec`, as std promises.
        let vectors = unsafe { slice::from_raw_parts(buffers.as_ptr().cast(), buffers.len()) };
        // SAFETY: RR2: the memory is there for as long as the process is.
        let registered = unsafe { self.ring.submitter().register_buffers(vectors) };
        registered.map(|()| starts)
    }

    /// Registers a ring of buffers, which begins at `entries`, as the group 0.
    ///
    /// # Safety
    ///
    /// It has so many entries, and is there for as long as the process is.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) unsafe fn register_buffer_ring(
        &self,
        entries: *mut types::BufRingEntry,
        number: u16,
    ) -> io::Result<()> {
        let address = entries.expose_provenance() as u64;
        // SAFETY: RR2: the caller has promised it.
        unsafe { self.ring.submitter().register_buf_ring_with_flags(address, number, 0, 0) }
    }

    /// Puts entries into the queue, all of them at once, lest a chain is torn. What is there already
    /// is submitted first if there is no room.
    ///
    /// # Safety
    ///
    /// What the entries name is valid until the operations have ended.
    ///
    /// # Errors
    ///
    /// Those of entering the ring.
    pub(super) unsafe fn push(&mut self, entries: &[squeue::Entry]) -> io::Result<()> {
        loop {
            // SAFETY: RR1.
            if unsafe { self.ring.submission().push_multiple(entries) }.is_ok() {
                return Ok(());
            }
            self.ring.submit()?;
        }
    }

    /// Hands over what is in the queue, and waits until there are so many completions, or a signal.
    ///
    /// # Errors
    ///
    /// Those of entering the ring.
    pub(super) fn submit_and_wait(&mut self, wanted: usize) -> io::Result<()> {
        match self.ring.submit_and_wait(wanted) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Waits for a completion, but no longer than this.
    ///
    /// # Errors
    ///
    /// Those of entering the ring.
    pub(super) fn wait_for(&mut self, time: std::time::Duration) -> io::Result<()> {
        let time = types::Timespec::from(time);
        let arguments = types::SubmitArgs::new().timespec(&time);
        match self.ring.submitter().submit_with_args(1, &arguments) {
            Err(error) if error.raw_os_error() == Some(Errno::TIME.raw_os_error()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(error),
            Ok(_) => Ok(()),
        }
    }

    /// Takes all completions that there are.
    pub(super) fn take(&mut self, completions: &mut Vec<cqueue::Entry>) {
        completions.extend(self.ring.completion());
    }
}

/// What a completion tells: how much, or an error.
pub(super) fn result(cqe: &cqueue::Entry) -> io::Result<u32> {
    u32::try_from(cqe.result()).map_err(|_| io::Error::from_raw_os_error(-cqe.result()))
}

/// Whether a completion tells this error.
pub(super) fn is(cqe: &cqueue::Entry, error: Errno) -> bool {
    cqe.result() == -error.raw_os_error()
}

//! [`Slots`]: the files of an engine that are no descriptors of the process to anybody else.
//!
//! They are descriptors all the same, closed on exec, which an operation uses in the place of the
//! slot that its entry names. A file stays open as long as an operation has it.
//!
//! # Safety
//!
//! FS1. A descriptor that a call has just returned, or written where the entry of a `PIPE` says, is
//!      the engine's alone, and is owned from here on. The address of such an entry is that of two
//!      descriptors, valid until its terminal CQE (`S1` of `ringbahn_core::Sqe`).
#![allow(unsafe_code)]

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::sync::{Arc, Mutex};

use ringbahn_core::{Sqe, opcode};
use rustix::process::{Resource, getrlimit};

use super::engine::lock;
use super::opcodes::*;
use super::work::{Step, Work};

/// The files of an engine, by slot.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    files: Mutex<Vec<Option<Arc<OwnedFd>>>>,
}

impl Slots {
    /// Makes the table, of so many slots.
    ///
    /// # Errors
    ///
    /// `EMFILE` for more than the process may have files open, as the kernel says.
    pub(crate) fn make(&self, slots: u32) -> io::Result<()> {
        if getrlimit(Resource::Nofile).current.is_some_and(|most| u64::from(slots) > most) {
            return Err(io::Error::from_raw_os_error(libc::EMFILE));
        }
        lock(&self.files).resize(slots as usize, None);
        Ok(())
    }

    /// Closes the file in a slot, unless an operation has it, with whose end it is.
    pub(crate) fn close(&self, slot: u32) {
        let file = lock(&self.files).get_mut(slot as usize).and_then(Option::take);
        drop(file);
    }

    /// Closes all of them: the ring goes.
    pub(super) fn close_all(&self) {
        let files = mem::take(&mut *lock(&self.files));
        drop(files);
    }

    fn get(&self, slot: u32) -> Option<Arc<OwnedFd>> {
        lock(&self.files).get(slot as usize)?.clone()
    }

    /// Puts a file into the first slot that is free.
    ///
    /// # Errors
    ///
    /// `ENXIO` where there is no table, `ENFILE` where it is full.
    fn put(&self, file: OwnedFd) -> Result<u32, i32> {
        let mut files = lock(&self.files);
        if files.is_empty() {
            return Err(libc::ENXIO);
        }
        let free = files.iter().position(Option::is_none).ok_or(libc::ENFILE)?;
        files[free] = Some(Arc::new(file));
        Ok(free as u32)
    }

    /// Has an entry name descriptors in the place of slots.
    ///
    /// # Errors
    ///
    /// `EBADF` where there is no file in the slot, or nothing but a descriptor will do.
    pub(super) fn resolve(&self, work: &mut Work) -> Result<(), i32> {
        let resolved = self.look_up(work);
        if resolved.is_err() {
            // The number of a slot may be that of a descriptor, which is not meant.
            work.entry = take(work).fd_number(-1);
        }
        resolved
    }

    fn look_up(&self, work: &mut Work) -> Result<(), i32> {
        let entry = &work.entry;
        let is_fixed = entry.flags() & FLAG_FIXED_FILE != 0;
        if is_fixed && is_about_paths(entry.opcode()) {
            return Err(libc::EBADF);
        }
        if opens_into_slot(entry) {
            close_on_exec(&mut work.entry);
        }
        if is_fixed {
            let file = self.get(work.entry.get_fd().cast_unsigned()).ok_or(libc::EBADF)?;
            work.entry = take(work).fd_number(file.as_raw_fd());
            work.files[0] = Some(file);
        }
        let splices = matches!(work.entry.opcode(), SPLICE | TEE);
        if splices && work.entry.get_op_flags() & SPLICE_FD_IN_FIXED != 0 {
            let file = self.get(work.entry.get_file_index()).ok_or(libc::EBADF)?;
            let flags = work.entry.get_op_flags() & !SPLICE_FD_IN_FIXED;
            let number = file.as_raw_fd().cast_unsigned();
            work.entry = take(work).op_flags(flags).file_index(number);
            work.files[1] = Some(file);
        }
        Ok(())
    }

    /// Puts what an operation has opened into slots, where it is to be there.
    pub(super) fn settle(&self, work: &Work, step: Step) -> Step {
        let Step::Done(result @ 0..) = step else { return step };
        if !opens_into_slot(&work.entry) {
            return step;
        }
        Step::Done(if work.entry.opcode() == PIPE {
            self.put_pipe(&work.entry)
        } else {
            // SAFETY: FS1.
            let file = unsafe { OwnedFd::from_raw_fd(result) };
            if work.entry.opcode() == OPENAT2 {
                // A child that another thread starts in between has it as well.
                let _ = rustix::io::fcntl_setfd(&file, rustix::io::FdFlags::CLOEXEC);
            }
            self.put(file).map_or_else(|errno| -errno, u32::cast_signed)
        })
    }

    /// Puts both ends of a pipe into slots, or none.
    fn put_pipe(&self, entry: &Sqe) -> i32 {
        let place = entry.get_address().cast::<[RawFd; 2]>();
        // SAFETY: FS1.
        let ends = unsafe { place.read_unaligned() };
        // SAFETY: FS1.
        let [reader, writer] = ends.map(|number| unsafe { OwnedFd::from_raw_fd(number) });
        let slots = self.put(reader).and_then(|reader| match self.put(writer) {
            Ok(writer) => Ok([reader, writer]),
            Err(errno) => {
                self.close(reader);
                Err(errno)
            }
        });
        match slots {
            Ok(slots) => {
                // SAFETY: FS1; it is the entry's to be written to.
                unsafe { place.write_unaligned(slots.map(u32::cast_signed)) };
                0
            }
            Err(errno) => -errno,
        }
    }
}

fn take(work: &mut Work) -> Sqe {
    mem::replace(&mut work.entry, Sqe::nop())
}

/// Whether an entry opens something into a slot that is chosen for it.
pub(super) fn opens_into_slot(entry: &Sqe) -> bool {
    let code = entry.opcode();
    let opens = matches!(code, opcode::OPENAT | OPENAT2 | opcode::ACCEPT | opcode::SOCKET | PIPE);
    opens && entry.get_file_index() == ANY_SLOT
}

/// What is in a slot is nothing that an exec could pass on, and nobody may say so.
fn close_on_exec(entry: &mut Sqe) {
    let own = mem::replace(entry, Sqe::nop());
    let flag = libc::O_CLOEXEC.cast_unsigned();
    *entry = match own.opcode() {
        opcode::SOCKET => {
            let kind = own.get_offset() | u64::from(libc::SOCK_CLOEXEC.cast_unsigned());
            own.offset(kind)
        }
        // Its flags are where its event is, and are not to be changed: see `settle`.
        OPENAT2 => own,
        _ => {
            let flags = own.get_op_flags() | flag;
            own.op_flags(flags)
        }
    };
}

/// Whether an operation takes its descriptor for a directory, or for none at all.
fn is_about_paths(code: u8) -> bool {
    const PATHS: [u8; 13] = [
        opcode::OPENAT,
        OPENAT2,
        opcode::CLOSE,
        opcode::STATX,
        opcode::SOCKET,
        PIPE,
        RENAMEAT,
        UNLINKAT,
        MKDIRAT,
        SYMLINKAT,
        LINKAT,
        SETXATTR,
        GETXATTR,
    ];
    PATHS.contains(&code)
}

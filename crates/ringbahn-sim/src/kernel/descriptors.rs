//! [`Descriptors`]: the real descriptors that stand for simulated files.
//!
//! What a program gets for a simulated file is a descriptor of its process, the writing end of a
//! pipe, so an `OwnedFd` of it is as good as any: it may be kept, duplicated, passed on and
//! dropped. The simulator keeps the reading end. When the last descriptor of the other one is
//! closed, wherever that happens, this end hangs up: so the simulated file is closed exactly when a
//! real one would be.
//!
//! A program that reads from such a descriptor by a call of its own gets `EBADF`. One that writes
//! to it is found out, and told.
//!
//! # Safety
//!
//! D1. The descriptor word of an entry, and the word for the directory of a second path, names an
//!     open file until the entry's last CQE: E2 of `ringbahn_core`, and S1.
//!
//! D2. The descriptor of an entry that closes one belongs to the operation alone, which counts it
//! as
//!     closed unless it is told that the operation has not run.
#![allow(unsafe_code)]

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};

use rustix::event::epoll;
use rustix::fs::{FileType, fstat};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};

use crate::kernel::request::Request;
use crate::slab::Key;

/// How many closed files are noted at once.
const CLOSED_MAX: usize = 64;

/// The real descriptors that stand for simulated files.
#[derive(Debug)]
pub(crate) struct Descriptors {
    /// Watches the reading ends. Made with the first file.
    watch: Option<OwnedFd>,
    /// Which file the pipe of this number stands for.
    files: HashMap<u64, Key>,
    /// The number of a file's pipe, and its reading end.
    ends: HashMap<Key, (u64, OwnedFd)>,
    /// Whether the program has written to one by a call of its own.
    misused: bool,
}

impl Descriptors {
    pub(crate) fn new() -> Descriptors {
        Descriptors { watch: None, files: HashMap::new(), ends: HashMap::new(), misused: false }
    }

    /// Whether the program has written to a simulated file by a call of its own, since this was
    /// asked last.
    pub(crate) fn take_misused(&mut self) -> bool {
        std::mem::take(&mut self.misused)
    }

    /// How many files have descriptors.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// A descriptor for `file`, which has none yet.
    pub(crate) fn open(&mut self, file: Key) -> Result<OwnedFd, i32> {
        let mut opened = || -> Result<_, Errno> {
            let watch = match &self.watch {
                Some(watch) => watch,
                None => self.watch.insert(epoll::create(epoll::CreateFlags::CLOEXEC)?),
            };
            let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
            let number = fstat(&reader)?.st_ino;
            let data = epoll::EventData::new_u64(file.to_word());
            epoll::add(watch, &reader, data, epoll::EventFlags::IN)?;
            Ok((number, reader, writer))
        };
        let (number, reader, writer) = opened().map_err(Errno::raw_os_error)?;
        self.files.insert(number, file);
        self.ends.insert(file, (number, reader));
        Ok(writer)
    }

    /// The file that a descriptor stands for.
    pub(crate) fn find(&self, descriptor: BorrowedFd<'_>) -> Option<Key> {
        let status = fstat(descriptor).ok()?;
        if FileType::from_raw_mode(status.st_mode) != FileType::Fifo {
            return None;
        }
        self.files.get(&status.st_ino).copied()
    }

    /// The file that the entry of `request` names.
    pub(crate) fn file_of(&self, request: &Request) -> Option<Key> {
        self.numbered(request.entry().get_fd())
    }

    /// The directory from which the second path of `request` starts.
    pub(crate) fn second_directory_of(&self, request: &Request) -> Option<Key> {
        use ringbahn_core::opcode::{LINKAT, RENAMEAT};
        assert!(matches!(request.opcode(), RENAMEAT | LINKAT));
        self.numbered(request.entry().get_length().cast_signed())
    }

    /// The file with this number in an entry that is not answered.
    fn numbered(&self, number: RawFd) -> Option<Key> {
        if self.files.is_empty() || number < 0 {
            return None;
        }
        // SAFETY: D1: the entry is not answered, so the descriptor is open while it is borrowed.
        self.find(unsafe { BorrowedFd::borrow_raw(number) })
    }

    /// Closes the descriptor that `request` names, which is its own.
    pub(crate) fn close(&self, request: &Request) -> i32 {
        assert_eq!(request.opcode(), ringbahn_core::opcode::CLOSE);
        let number: RawFd = request.entry().get_fd();
        if number < 0 {
            return -libc::EBADF;
        }
        // SAFETY: D2: it is the operation's, which is told now that it is closed.
        drop(unsafe { OwnedFd::from_raw_fd(number) });
        0
    }

    /// The files of which the last descriptor has been closed since this was asked last, in the
    /// order of their keys.
    pub(crate) fn take_closed(&mut self) -> Vec<Key> {
        let mut closed = Vec::new();
        let Some(watch) = self.watch.as_ref().filter(|_| !self.ends.is_empty()) else {
            return closed;
        };
        let mut events = Vec::with_capacity(CLOSED_MAX);
        loop {
            events.clear();
            let zero = rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 };
            let spare = rustix::buffer::spare_capacity(&mut events);
            if epoll::wait(watch, spare, Some(&zero)) == Err(Errno::INTR) {
                continue;
            }
            for event in &events {
                let flags = event.flags;
                let file = Key::from_word(event.data.u64());
                if flags.contains(epoll::EventFlags::IN) {
                    self.misused = true;
                }
                if !flags.contains(epoll::EventFlags::HUP) {
                    // Told once; hang-ups are told in any case.
                    if let Some((_, end)) = self.ends.get(&file) {
                        let _ = epoll::modify(watch, end, event.data, epoll::EventFlags::empty());
                    }
                } else if let Some((number, _end)) = self.ends.remove(&file) {
                    self.files.remove(&number);
                    closed.push(file);
                }
            }
            if events.len() < CLOSED_MAX {
                closed.sort_unstable();
                return closed;
            }
        }
    }

    /// Forgets all files: their descriptors stay open, and stand for nothing any more.
    pub(crate) fn clear(&mut self) {
        self.files.clear();
        self.ends.clear();
    }
}

/// One more descriptor of the same file.
pub(crate) fn duplicate(descriptor: &OwnedFd) -> Result<OwnedFd, i32> {
    rustix::io::fcntl_dupfd_cloexec(descriptor.as_fd(), 0).map_err(Errno::raw_os_error)
}

/// One more descriptor of the file with this number, which `request` passes on.
pub(crate) fn duplicate_passed(request: &Request, number: RawFd) -> Result<OwnedFd, i32> {
    assert_eq!(request.opcode(), ringbahn_core::opcode::SENDMSG);
    if number < 0 {
        return Err(libc::EBADF);
    }
    // SAFETY: D1: what a message passes on is open until its entry is answered, too.
    let passed = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_dupfd_cloexec(passed, 0).map_err(Errno::raw_os_error)
}

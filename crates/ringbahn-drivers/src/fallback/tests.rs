//! The engine and the kernel, given the same entries, answer the same.

use std::os::fd::{AsRawFd, RawFd};
use std::time::{Duration, Instant};

use ringbahn_core::{Cqe, Sqe};

use crate::{Backend, Policy, Queues, Setup};

mod cancels;
mod chains;
mod failures;
mod overflow;
mod shots;
mod sockets;
mod timeouts;
mod transfers;
mod waits;

/// How long anything may take that is to happen at all.
const PATIENCE: Duration = Duration::from_secs(10);

/// A result: of which entry, what, and with which flags.
type Answer = (u64, i32, u32);

/// A ring, and who executes its entries.
struct Bench {
    queues: Queues,
    backend: Backend,
}

impl Bench {
    fn new(entries: u32, completion_entries: u32, backend: Backend) -> Option<Bench> {
        let setup = Setup::new(entries).completion_entries(completion_entries);
        let queues = match backend {
            Backend::Fallback => setup.policy(Policy::Never).build().unwrap(),
            Backend::IoUring => setup.policy(Policy::Require).build().ok()?,
        };
        Some(Bench { queues, backend })
    }

    /// Submits entries in one go.
    fn submit(&mut self, entries: impl IntoIterator<Item = Entry>) {
        for entry in entries {
            let pushed = self.queues.submission.push_raw(entry.into_sqe()).unwrap();
            assert!(pushed.is_ok(), "no room");
        }
        self.queues.submission.publish();
        self.queues.handle.enter(0).unwrap();
    }

    /// The next `count` answers, in their order.
    #[track_caller]
    fn answers(&mut self, count: usize) -> Vec<Answer> {
        let end = Instant::now() + PATIENCE;
        let mut answers = Vec::new();
        while answers.len() < count {
            if let Some(Cqe { user_data, result, flags }) = self.queues.completion.pop_raw() {
                // Whether a socket has more is a hint that the engine does not give.
                answers.push((user_data, result, flags & !(1 << 2)));
                continue;
            }
            let rest = end.saturating_duration_since(Instant::now());
            assert!(!rest.is_zero(), "not in time: {answers:?} on {}", self.backend);
            match self.queues.handle.enter_timeout(1, rest) {
                Ok(_) => {}
                Err(error) if error.raw_os_error() == Some(libc::EINTR) => {}
                Err(error) => panic!("{error}: {answers:?} on {}", self.backend),
            }
        }
        answers
    }

    /// Submits entries and awaits an answer to each, sorted by entry.
    #[track_caller]
    fn ask(&mut self, entries: impl IntoIterator<Item = Entry>) -> Vec<Answer> {
        let entries: Vec<Entry> = entries.into_iter().collect();
        let count = entries.len();
        self.submit(entries);
        self.answers(count)
    }

    /// Whether nothing has come meanwhile.
    fn is_quiet(&mut self) -> bool {
        self.queues.handle.enter_flush().unwrap();
        self.queues.completion.is_empty()
    }
}

/// Runs a scenario on the engine and on the kernel, where there is one, and compares what it says.
#[track_caller]
fn on_both<T: PartialEq + std::fmt::Debug>(scenario: impl Fn(&mut Bench) -> T) {
    let mut engine = Bench::new(64, 256, Backend::Fallback).unwrap();
    let on_engine = scenario(&mut engine);
    if let Some(mut kernel) = Bench::new(64, 256, Backend::IoUring) {
        let on_kernel = scenario(&mut kernel);
        assert_eq!(on_engine, on_kernel, "the engine, and the kernel");
    }
}

/// An entry by its words.
#[derive(Clone, Copy, Debug, Default)]
struct Entry {
    opcode: u8,
    flags: u8,
    ioprio: u16,
    fd: RawFd,
    offset: u64,
    address: u64,
    length: u32,
    op_flags: u32,
    user_data: u64,
    file_index: u32,
    address3: u64,
}

impl Entry {
    fn new(opcode: u8, user_data: u64) -> Entry {
        Entry { opcode, user_data, fd: -1, ..Entry::default() }
    }

    fn nop(user_data: u64) -> Entry {
        Entry::new(ringbahn_core::opcode::NOP, user_data)
    }

    fn file(self, file: &impl AsRawFd) -> Entry {
        Entry { fd: file.as_raw_fd(), ..self }
    }

    fn buffer<T>(self, buffer: &mut [T]) -> Entry {
        let address = buffer.as_mut_ptr().expose_provenance() as u64;
        Entry { address, length: size_of_val(buffer) as u32, ..self }
    }

    fn address_of<T: ?Sized>(self, of: &T) -> Entry {
        Entry { address: address(of), ..self }
    }

    fn linked(self) -> Entry {
        Entry { flags: self.flags | super::opcodes::FLAG_LINK, ..self }
    }

    fn hard_linked(self) -> Entry {
        Entry { flags: self.flags | super::opcodes::FLAG_HARDLINK, ..self }
    }

    #[allow(unsafe_code, reason = "entries that no event makes")]
    fn into_sqe(self) -> Sqe {
        let first = u64::from(self.opcode)
            | u64::from(self.flags) << 8
            | u64::from(self.ioprio) << 16
            | u64::from(self.fd.cast_unsigned()) << 32;
        let words: [u64; 8] = [
            first,
            self.offset,
            self.address,
            u64::from(self.length) | u64::from(self.op_flags) << 32,
            self.user_data,
            u64::from(self.file_index) << 32,
            self.address3,
            0,
        ];
        // SAFETY: an entry is 64 bytes in the kernel's layout, of which any are valid; what it
        // names is kept by the tests until its last answer.
        unsafe { std::mem::transmute::<[u64; 8], Sqe>(words) }
    }
}

fn address<T: ?Sized>(of: &T) -> u64 {
    std::ptr::from_ref(of).cast::<u8>().expose_provenance() as u64
}

/// The address of what is to be written to.
fn address_mut<T: ?Sized>(of: &mut T) -> u64 {
    std::ptr::from_mut(of).cast::<u8>().expose_provenance() as u64
}

/// A time to wait, as entries name it.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
struct Time {
    seconds: i64,
    nanoseconds: i64,
}

fn milliseconds(count: i64) -> Time {
    Time { seconds: count / 1000, nanoseconds: count % 1000 * 1_000_000 }
}

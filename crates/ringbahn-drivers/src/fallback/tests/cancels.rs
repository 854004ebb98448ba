//! Cancels: which operations they mean, and what is answered.

use std::fs::File;
use std::io::{self, PipeReader, Write};
use std::sync::Mutex;

use ringbahn_core::opcode;

use super::*;
use crate::fallback::opcodes::*;

fn read(file: &PipeReader, into: &mut [u8], user_data: u64) -> Entry {
    let entry = Entry { offset: u64::MAX, ..Entry::new(opcode::READ, user_data) };
    entry.file(file).buffer(into)
}

fn cancel(target: u64, flags: u32) -> Entry {
    Entry { address: target, op_flags: flags, ..Entry::new(opcode::ASYNC_CANCEL, 99) }
}

/// Three reads of a pipe, the last two of which have the same `user_data`, one read of another,
/// and a timeout; then the cancel, and what came of it.
fn cancelled(entry: impl Fn(RawFd) -> Entry, count: usize) {
    on_both(|bench| {
        let (reader, _writer) = io::pipe().unwrap();
        let (other, _other_writer) = io::pipe().unwrap();
        let mut into = [[0; 2]; 4];
        let [a, b, c, d] = &mut into;
        let long = milliseconds(60_000);
        let timeout = Entry { length: 1, ..Entry::new(opcode::TIMEOUT, 4) }.address_of(&long);
        bench.submit([
            read(&reader, a, 1),
            read(&reader, b, 2),
            read(&reader, c, 2),
            read(&other, d, 3),
            timeout,
        ]);
        let mut answers = bench.ask([entry(reader.as_raw_fd())]);
        answers.extend(bench.answers(count));
        answers.sort_unstable();
        let quiet = bench.is_quiet();
        let left = 5 - count;
        let mut rest = bench.ask([cancel(0, CANCEL_ANY | CANCEL_ALL)]);
        rest.extend(bench.answers(left));
        rest.sort_unstable();
        (answers, quiet, rest)
    });
}

#[test]
fn one_operation_is_cancelled_by_its_number() {
    cancelled(|_| cancel(1, 0), 1);
    cancelled(|_| cancel(2, 0), 1);
    cancelled(|_| cancel(4, 0), 1);
    cancelled(|_| cancel(77, 0), 0);
}

#[test]
fn all_operations_of_a_number_are_cancelled_and_counted() {
    cancelled(|_| cancel(2, CANCEL_ALL), 2);
    cancelled(|_| cancel(77, CANCEL_ALL), 0);
}

#[test]
fn operations_on_a_descriptor_are_cancelled() {
    cancelled(|fd| Entry { fd, ..cancel(0, CANCEL_FD) }, 1);
    cancelled(|fd| Entry { fd, ..cancel(0, CANCEL_FD | CANCEL_ALL) }, 3);
}

#[test]
fn a_descriptor_that_is_not_open_has_no_operations() {
    on_both(|bench| bench.ask([Entry { fd: 987, ..cancel(0, CANCEL_FD) }]));
}

#[test]
fn operations_of_a_kind_are_cancelled() {
    let kind = |opcode: u8, flags| Entry { length: opcode.into(), ..cancel(0, CANCEL_OP | flags) };
    cancelled(|_| kind(opcode::READ, CANCEL_ALL), 4);
    cancelled(|_| kind(opcode::RECV, CANCEL_ALL), 0);
}

#[test]
fn everything_is_cancelled() {
    cancelled(|_| cancel(0, CANCEL_ANY | CANCEL_ALL), 5);
}

#[test]
fn the_rest_of_a_chain_ends_with_its_head_and_is_not_found_before() {
    on_both(|bench| {
        let (reader, _writer) = io::pipe().unwrap();
        let mut into = [0; 2];
        bench.submit([read(&reader, &mut into, 1).linked(), Entry::nop(2)]);
        let mut answers = bench.ask([cancel(2, 0)]);
        let mut cancelled = bench.ask([cancel(1, 0)]);
        cancelled.extend(bench.answers(2));
        // The answer to the cancel and those of what it ends are not ordered among each other.
        cancelled.sort_unstable();
        answers.extend(cancelled);
        answers
    });
}

#[test]
fn what_has_been_cancelled_takes_no_data() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let mut into = [[0; 2]; 2];
        let [a, b] = &mut into;
        bench.submit([read(&reader, a, 1), read(&reader, b, 2)]);
        let mut answers = bench.ask([cancel(1, 0)]);
        answers.extend(bench.answers(1));
        answers.sort_unstable();
        writer.write_all(b"hi").unwrap();
        answers.extend(bench.answers(1));
        (answers, into)
    });
}

/// A FIFO that a thread of the engine waits to open.
struct Blocked {
    _folder: tempfile::TempDir,
    path: std::path::PathBuf,
}

impl Blocked {
    fn begin(bench: &mut Bench) -> Blocked {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
        let open = Entry {
            fd: libc::AT_FDCWD,
            flags: FLAG_ASYNC,
            op_flags: (libc::O_RDONLY | libc::O_CLOEXEC).cast_unsigned(),
            ..Entry::new(opcode::OPENAT, 1)
        };
        // The name is the kernel's until the file is open, which in a test may be never.
        let name: &'static std::ffi::CStr = Box::leak(name.into_boxed_c_str());
        let before = opening();
        bench.submit([open.address_of(name)]);
        // Before a thread has begun, it is as if it waited.
        let end = Instant::now() + PATIENCE;
        while opening() == before {
            assert!(Instant::now() < end, "no thread opens the file");
            std::thread::yield_now();
        }
        Blocked { _folder: folder, path }
    }

    /// Opens the other end.
    fn end(&self) -> File {
        File::options().write(true).open(&self.path).unwrap()
    }
}

/// How many threads are in `openat(2)`, as others may be for a moment.
fn opening() -> usize {
    let opens = |task: io::Result<std::fs::DirEntry>| {
        let Ok(task) = task else { return false };
        let call = std::fs::read_to_string(task.path().join("syscall")).unwrap_or_default();
        let name = std::fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        name.trim() == "ringbahn-pool" && call.starts_with(&format!("{} ", libc::SYS_openat))
    };
    std::fs::read_dir("/proc/self/task").unwrap().map(opens).filter(|&opens| opens).count()
}

/// The tests of what blocks count the threads of the process, so they take turns.
static TURN: Mutex<()> = Mutex::new(());

/// The engine alone: there the kernel stops its thread.
#[test]
fn a_call_that_blocks_cannot_be_called_off_and_ends_by_itself() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut bench = Bench::new(4, 8, Backend::Fallback).unwrap();
    let blocked = Blocked::begin(&mut bench);
    assert_eq!(bench.ask([cancel(1, 0)]), [(99, -libc::EALREADY, 0)]);
    assert!(bench.is_quiet());
    let _writer = blocked.end();
    let (user_data, fd, _) = bench.answers(1)[0];
    assert!(user_data == 1 && fd >= 0);
    let close = Entry { fd, ..Entry::new(opcode::CLOSE, 2) };
    assert_eq!(bench.ask([close]), [(2, 0, 0)]);
}

#[test]
fn a_ring_that_is_closed_leaves_a_call_that_blocks_its_memory() {
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let mut bench = Bench::new(4, 8, Backend::Fallback).unwrap();
    let blocked = Blocked::begin(&mut bench);
    let (reader, _writer) = io::pipe().unwrap();
    let mut into = [0; 2];
    bench.submit([read(&reader, &mut into, 2), cancel(77, 0)]);
    drop(bench);
    let before = opening();
    let _other_end = blocked.end();
    let end = Instant::now() + PATIENCE;
    while opening() == before {
        assert!(Instant::now() < end, "the call has not ended");
        std::thread::yield_now();
    }
}

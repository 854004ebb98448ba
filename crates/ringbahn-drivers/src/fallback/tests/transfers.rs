//! Reads, writes and splices of all kinds of files.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use ringbahn_core::opcode;
use rustix::event::{EventfdFlags, eventfd};

use super::*;
use crate::fallback::opcodes::*;

fn read(file: &impl AsRawFd, buffer: &mut [u8], offset: u64, user_data: u64) -> Entry {
    Entry { offset, ..Entry::new(opcode::READ, user_data) }.file(file).buffer(buffer)
}

fn write(file: &impl AsRawFd, buffer: &mut [u8], offset: u64, user_data: u64) -> Entry {
    Entry { opcode: opcode::WRITE, ..read(file, buffer, offset, user_data) }
}

const CURRENT: u64 = u64::MAX;

#[test]
fn files_are_read_and_written_where_they_say() {
    on_both(|bench| {
        let file = tempfile::tempfile().unwrap();
        let mut data = *b"hello world";
        let mut into = [0; 8];
        let mut answers = Vec::new();
        answers.extend(bench.ask([write(&file, &mut data, 0, 1)]));
        answers.extend(bench.ask([read(&file, &mut into, 6, 2)]));
        answers.extend(bench.ask([write(&file, &mut data, CURRENT, 3)]));
        answers.extend(bench.ask([read(&file, &mut into, CURRENT, 4)]));
        answers.extend(bench.ask([write(&file, &mut data, 100_000, 5)]));
        let (mut head, mut tail) = ([0_u8; 3], [0_u8; 200]);
        let vectors = [address_mut(&mut head), 3, address_mut(&mut tail), 200];
        let vectored = Entry { length: 2, offset: 99_990, ..Entry::new(opcode::READV, 6) };
        answers.extend(bench.ask([vectored.file(&file).address_of(&vectors)]));
        (answers, into, std::hint::black_box(head), std::hint::black_box(tail).to_vec())
    });
}

#[test]
fn a_long_file_is_read_whole_though_only_a_part_is_in_memory() {
    on_both(|bench| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![7; 3 << 20]).unwrap();
        file.sync_all().unwrap();
        #[allow(unsafe_code, reason = "the call takes no address")]
        // SAFETY: the call takes no address.
        let advised =
            unsafe { libc::posix_fadvise(file.as_raw_fd(), 1 << 20, 0, libc::POSIX_FADV_DONTNEED) };
        assert_eq!(advised, 0);
        let mut into = vec![0; 4 << 20];
        let answers = bench.ask([read(&file, &mut into, 0, 1)]);
        (answers, into.iter().filter(|&&byte| byte == 7).count())
    });
}

#[test]
fn what_waits_for_data_gets_it_and_the_offset_does_not_matter_in_a_stream() {
    for offset in [0, CURRENT, 5] {
        on_both(|bench| {
            let (reader, mut writer) = io::pipe().unwrap();
            let mut into = [0; 8];
            bench.submit([read(&reader, &mut into, offset, 1)]);
            assert!(bench.is_quiet());
            writer.write_all(b"late").unwrap();
            let mut answers = bench.answers(1);
            let mut data = *b"more";
            answers.extend(bench.ask([write(&writer, &mut data, offset, 2)]));
            answers.extend(bench.ask([read(&reader, &mut into, offset, 3)]));
            drop(writer);
            answers.extend(bench.ask([read(&reader, &mut into, offset, 4)]));
            (answers, into)
        });
    }
}

#[test]
fn a_write_waits_for_room_and_takes_what_there_is() {
    on_both(|bench| {
        let (mut reader, writer) = io::pipe().unwrap();
        let mut data = vec![1; 1 << 17];
        let mut answers = bench.ask([write(&writer, &mut data, CURRENT, 1)]);
        bench.submit([write(&writer, &mut data, CURRENT, 2)]);
        assert!(bench.is_quiet());
        reader.read_exact(&mut vec![0; 1 << 16]).unwrap();
        answers.extend(bench.answers(1));
        answers
    });
}

#[test]
fn counters_and_timers_are_read_as_files() {
    on_both(|bench| {
        let counter = eventfd(0, EventfdFlags::CLOEXEC).unwrap();
        let mut into = [0; 8];
        let mut one = 3_u64.to_ne_bytes();
        bench.submit([read(&counter, &mut into, CURRENT, 1)]);
        assert!(bench.is_quiet());
        bench.submit([write(&counter, &mut one, CURRENT, 2)]);
        let mut answers = bench.answers(2);
        answers.sort_unstable();
        (answers, into)
    });
}

#[test]
fn a_file_that_knows_no_way_of_not_waiting_is_waited_for() {
    on_both(|bench| {
        let inotify = inotify();
        let folder = tempfile::tempdir().unwrap();
        let path = std::ffi::CString::new(folder.path().to_str().unwrap()).unwrap();
        #[allow(unsafe_code, reason = "no safe call without another feature")]
        // SAFETY: the path is a string that outlives the call.
        let watch =
            unsafe { libc::inotify_add_watch(inotify.as_raw_fd(), path.as_ptr(), libc::IN_CREATE) };
        assert!(watch >= 0);
        let mut into = [0; 512];
        bench.submit([read(&inotify, &mut into, CURRENT, 1)]);
        assert!(bench.is_quiet());
        File::create(folder.path().join("new")).unwrap();
        bench.answers(1)
    });
}

#[allow(unsafe_code, reason = "no safe call without another feature")]
fn inotify() -> OwnedFd {
    // SAFETY: the call takes no address.
    let fd = unsafe { libc::inotify_init1(libc::IN_CLOEXEC) };
    assert!(fd >= 0);
    // SAFETY: the descriptor is new.
    unsafe { std::os::fd::FromRawFd::from_raw_fd(fd) }
}

fn splice(from: RawFd, to: RawFd, length: u32, user_data: u64) -> Entry {
    Entry {
        fd: to,
        offset: CURRENT,
        address: CURRENT,
        file_index: from.cast_unsigned(),
        length,
        ..Entry::new(SPLICE, user_data)
    }
}

#[test]
fn bytes_are_moved_between_pipes_and_files_and_waited_for() {
    on_both(|bench| {
        let (reader, mut writer) = io::pipe().unwrap();
        let (mut far_reader, far_writer) = io::pipe().unwrap();
        let (from, to) = (reader.as_raw_fd(), far_writer.as_raw_fd());
        bench.submit([splice(from, to, 4, 1)]);
        writer.write_all(b"late, and more").unwrap();
        let mut answers = bench.answers(1);
        let mut file = tempfile::tempfile().unwrap();
        let into = Entry { offset: 3, ..splice(from, file.as_raw_fd(), 5, 2) };
        answers.extend(bench.ask([into]));
        let tee = Entry { opcode: TEE, address: 0, offset: 0, ..splice(from, to, 2, 3) };
        answers.extend(bench.ask([tee]));
        drop(far_writer);
        let mut moved = String::new();
        far_reader.read_to_string(&mut moved).unwrap();
        let mut written = Vec::new();
        io::Seek::rewind(&mut file).unwrap();
        file.read_to_end(&mut written).unwrap();
        (answers, moved, written)
    });
}

#[test]
fn files_are_opened_and_closed_by_name() {
    on_both(|bench| {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| {
            let path = folder.path().join(name);
            std::ffi::CString::new(path.to_str().unwrap()).unwrap()
        };
        let (name, fifo) = (path("file"), path("fifo"));
        let open = |path: &std::ffi::CStr, flags: i32, user_data| {
            let entry = Entry { fd: libc::AT_FDCWD, ..Entry::new(opcode::OPENAT, user_data) };
            Entry { op_flags: (flags | libc::O_CLOEXEC).cast_unsigned(), length: 0o640, ..entry }
                .address_of(path)
        };
        let made = std::process::Command::new("mkfifo").arg(fifo.to_str().unwrap()).status();
        assert!(made.unwrap().success());
        let entries = [
            open(&name, libc::O_RDONLY, 1),
            open(&name, libc::O_CREAT | libc::O_RDWR, 2),
            open(&name, libc::O_CREAT | libc::O_EXCL, 3),
            open(&name, libc::O_DIRECTORY, 4),
            open(&name, libc::O_PATH, 5),
            open(&name, libc::O_RDONLY | libc::O_TRUNC, 6),
            open(c"", libc::O_RDONLY, 7),
            open(&fifo, libc::O_RDONLY, 8),
            open(&fifo, libc::O_WRONLY | libc::O_NONBLOCK, 9),
            open(&name, libc::O_RDONLY | libc::O_NONBLOCK, 10),
        ];
        // What is not in memory yet is opened on a thread, where a FIFO would be waited for.
        std::fs::metadata(folder.path().join("fifo")).unwrap();
        let mut told = Vec::new();
        for entry in entries {
            let (user_data, result, _) = bench.ask([entry])[0];
            if result < 0 {
                told.push((user_data, result));
                continue;
            }
            #[allow(unsafe_code, reason = "the call takes no address")]
            // SAFETY: the call takes no address.
            let flags = unsafe { libc::fcntl(result, libc::F_GETFL) };
            told.push((user_data, flags));
            if user_data != 8 {
                let close = Entry { fd: result, ..Entry::new(opcode::CLOSE, 99) };
                told.extend(bench.ask([close]).into_iter().map(|(n, result, _)| (n, result)));
            }
        }
        told
    });
}

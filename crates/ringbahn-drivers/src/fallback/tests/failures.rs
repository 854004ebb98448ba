//! What each operation says when it fails or falls short, and whether that breaks its chain.

use std::ffi::CStr;
use std::fs::File;
use std::io::{self, PipeReader, PipeWriter};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixStream;

use ringbahn_core::opcode;

use super::*;
use crate::fallback::opcodes::*;

/// What failing entries name.
struct Props {
    folder: tempfile::TempDir,
    /// Three bytes, to be read only.
    short: File,
    read_write: File,
    null: File,
    reader: PipeReader,
    writer: PipeWriter,
    socket: UnixStream,
    peer: UnixStream,
    unconnected: UdpSocket,
    listener: TcpListener,
    buffer: [u8; 16],
    time: Time,
    vector: [u64; 2],
    closed: libc::sockaddr_in,
}

const MISSING: &CStr = c"/nonexistent/file";

impl Props {
    fn new() -> Props {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("short");
        std::fs::write(&path, "abc").unwrap();
        let (reader, writer) = io::pipe().unwrap();
        let (socket, peer) = UnixStream::pair().unwrap();
        let address = {
            let listener = TcpListener::bind("127.0.0.1:0").unwrap();
            listener.local_addr().unwrap()
        };
        let closed = libc::sockaddr_in {
            sin_family: libc::AF_INET as u16,
            sin_port: address.port().to_be(),
            sin_addr: libc::in_addr { s_addr: u32::from_ne_bytes([127, 0, 0, 1]) },
            sin_zero: [0; 8],
        };
        Props {
            short: File::open(&path).unwrap(),
            read_write: tempfile::tempfile().unwrap(),
            folder,
            null: File::options().read(true).write(true).open("/dev/null").unwrap(),
            reader,
            writer,
            socket,
            peer,
            unconnected: UdpSocket::bind("127.0.0.1:0").unwrap(),
            listener: TcpListener::bind("127.0.0.1:0").unwrap(),
            buffer: [0; 16],
            time: milliseconds(1),
            vector: [0; 2],
            closed,
        }
    }

    /// Entries that fail or fall short, by name.
    fn entries(&mut self) -> Vec<(&'static str, Entry)> {
        let at = |entry: Entry, offset| Entry { offset, ..entry };
        let new = |opcode| Entry::new(opcode, 1);
        let flags = |entry: Entry, op_flags| Entry { op_flags, ..entry };
        let sized = |entry: Entry, length| Entry { length, ..entry };
        let buffer = |opcode, buffer: &mut [u8]| new(opcode).buffer(buffer);
        let b = &mut self.buffer;
        self.vector = [address_mut(b), 16];
        let vector = |opcode| Entry { length: 1, address: address(&self.vector), ..new(opcode) };
        let path = |opcode| Entry { fd: libc::AT_FDCWD, ..new(opcode) }.address_of(MISSING);
        let two_paths = |opcode| {
            let entry = Entry { length: libc::AT_FDCWD.cast_unsigned(), ..path(opcode) };
            at(entry, address(MISSING))
        };
        let name = c"user.ringbahn-none";
        let folder: &'static CStr = {
            use std::os::unix::ffi::OsStrExt;
            let path = self.folder.path().as_os_str().as_bytes();
            Box::leak(std::ffi::CString::new(path).unwrap().into_boxed_c_str())
        };
        let timeout = Entry { length: 1, ..new(opcode::TIMEOUT) }.address_of(&self.time);
        let all = libc::MSG_WAITALL as u32;
        let splice = |fd: RawFd, length| Entry {
            file_index: fd.cast_unsigned(),
            offset: u64::MAX,
            address: u64::MAX,
            length,
            ..new(SPLICE)
        };
        vec![
            ("read of no file", buffer(opcode::READ, b)),
            ("short read", buffer(opcode::READ, b).file(&self.short)),
            ("read at the end", at(buffer(opcode::READ, b), 3).file(&self.short)),
            ("whole read", sized(buffer(opcode::READ, b), 3).file(&self.short)),
            ("short vectored read", vector(opcode::READV).file(&self.short)),
            ("read of a writer", at(buffer(opcode::READ, b), u64::MAX).file(&self.writer)),
            ("read of null", buffer(opcode::READ, b).file(&self.null)),
            (
                "read with an unknown flag",
                flags(buffer(opcode::READ, b), 1 << 30).file(&self.short),
            ),
            (
                "read that may not wait",
                flags(at(buffer(opcode::READ, b), u64::MAX), libc::RWF_NOWAIT as u32)
                    .file(&self.reader),
            ),
            ("read before the beginning", at(buffer(opcode::READ, b), 1 << 63).file(&self.short)),
            ("read to nowhere", Entry { address: 8, ..buffer(opcode::READ, b) }.file(&self.short)),
            ("write of a reader", buffer(opcode::WRITE, b).file(&self.short)),
            ("whole write", buffer(opcode::WRITE, b).file(&self.read_write)),
            ("vectored write", vector(opcode::WRITEV).file(&self.read_write)),
            ("too many vectors", sized(vector(opcode::READV), 1025).file(&self.short)),
            ("write to null", buffer(opcode::WRITE, b).file(&self.null)),
            ("sync of no file", new(opcode::FSYNC)),
            ("sync of a pipe", new(opcode::FSYNC).file(&self.reader)),
            ("sync with a bad flag", flags(new(opcode::FSYNC), 8).file(&self.short)),
            ("data sync", flags(new(opcode::FSYNC), 1).file(&self.read_write)),
            ("truncate of a reader", new(opcode::FTRUNCATE).file(&self.short)),
            ("truncate of no file", new(opcode::FTRUNCATE)),
            ("truncate", new(opcode::FTRUNCATE).file(&self.read_write)),
            ("allocate in a pipe", at(new(FALLOCATE), 0).file(&self.writer)),
            ("allocate in no file", new(FALLOCATE)),
            ("allocate in a reader", Entry { address: 9, ..new(FALLOCATE) }.file(&self.short)),
            ("sync a range of a pipe", new(SYNC_FILE_RANGE).file(&self.reader)),
            ("sync a range", flags(new(SYNC_FILE_RANGE), 2).file(&self.read_write)),
            ("sync a range, bad", flags(new(SYNC_FILE_RANGE), 99).file(&self.read_write)),
            ("advise, bad", flags(new(FADVISE), 99).file(&self.short)),
            ("advise a pipe", new(FADVISE).file(&self.reader)),
            ("advise", sized(flags(new(FADVISE), 3), 3).file(&self.short)),
            ("advise memory, bad", sized(Entry { address: 1, ..new(MADVISE) }, 4096)),
            ("status of nothing", at(path(opcode::STATX), 8)),
            ("open of nothing", path(opcode::OPENAT)),
            ("close of nothing", new(opcode::CLOSE)),
            ("rename of nothing", two_paths(RENAMEAT)),
            ("unlink of nothing", path(UNLINKAT)),
            ("make a folder twice", path(MKDIRAT).address_of(folder)),
            ("symbolic link", at(path(SYMLINKAT).address_of(name), address(folder))),
            ("link of nothing", two_paths(LINKAT)),
            ("attribute of no file", at(new(FGETXATTR).address_of(name), 0)),
            ("no attribute", at(new(FGETXATTR).address_of(name), 0).file(&self.short)),
            ("set in no file", at(new(FSETXATTR).address_of(name), address(name))),
            (
                "attribute of nothing",
                Entry { address3: address(MISSING), ..new(GETXATTR).address_of(name) },
            ),
            (
                "set of nothing",
                Entry { address3: address(MISSING), ..new(SETXATTR).address_of(name) },
            ),
            ("poll of no file", flags(new(opcode::POLL_ADD), 1)),
            ("poll of a file", flags(new(opcode::POLL_ADD), 1).file(&self.short)),
            ("poll to write", flags(new(opcode::POLL_ADD), 4).file(&self.writer)),
            ("remove no poll", Entry { address: 77, ..new(POLL_REMOVE) }),
            ("time", timeout),
            ("time is success", flags(timeout, TIMEOUT_ETIME_SUCCESS)),
            ("remove no timeout", Entry { address: 77, ..new(TIMEOUT_REMOVE) }),
            ("cancel nothing", Entry { address: 77, ..new(opcode::ASYNC_CANCEL) }),
            (
                "cancel all of nothing",
                flags(Entry { address: 77, ..new(opcode::ASYNC_CANCEL) }, CANCEL_ALL),
            ),
            ("send to no peer", buffer(opcode::SEND, b).file(&self.unconnected)),
            ("send to a file", buffer(opcode::SEND, b).file(&self.short)),
            ("send", buffer(opcode::SEND, b).file(&self.socket)),
            ("receive a part", sized(buffer(opcode::RECV, b), 9).file(&self.peer)),
            (
                "receive, not all at once",
                flags(sized(buffer(opcode::RECV, b), 9), libc::MSG_DONTWAIT as u32 | all)
                    .file(&self.peer),
            ),
            (
                "receive nothing at once",
                flags(buffer(opcode::RECV, b), libc::MSG_DONTWAIT as u32).file(&self.peer),
            ),
            ("receive from a pipe", buffer(opcode::RECV, b).file(&self.reader)),
            ("receive from no peer", buffer(opcode::RECV, b).file(&self.listener)),
            ("accept from no listener", new(opcode::ACCEPT).file(&self.unconnected)),
            ("accept from a file", new(opcode::ACCEPT).file(&self.short)),
            ("accept from a pipe", new(opcode::ACCEPT).file(&self.reader)),
            (
                "accept without waiting",
                Entry { ioprio: ACCEPT_DONTWAIT, ..new(opcode::ACCEPT) }.file(&self.listener),
            ),
            ("connect to nobody", at(new(opcode::CONNECT), 16).address_of(&self.closed)),
            ("socket of no kind", Entry { fd: 99, offset: 1, ..new(opcode::SOCKET) }),
            ("socket with a flag", flags(Entry { fd: 2, offset: 1, ..new(opcode::SOCKET) }, 1)),
            ("shutdown of no file", new(opcode::SHUTDOWN)),
            ("shutdown of no connection", new(opcode::SHUTDOWN).file(&self.listener)),
            ("shutdown of a file", new(opcode::SHUTDOWN).file(&self.short)),
            ("bind twice", at(new(BIND), 16).address_of(&self.closed).file(&self.listener)),
            ("listen on datagrams", new(LISTEN).file(&self.unconnected)),
            ("splice of files", splice(self.short.as_raw_fd(), 4).file(&self.short)),
            ("short splice", splice(self.short.as_raw_fd(), 40).file(&self.writer)),
            ("splice of nothing", splice(self.short.as_raw_fd(), 0).file(&self.writer)),
            (
                "tee of a file",
                Entry { file_index: self.short.as_raw_fd().cast_unsigned(), length: 3, ..new(TEE) }
                    .file(&self.writer),
            ),
            ("change no set", sized(new(EPOLL_CTL), 2).file(&self.short)),
            ("wait for no set", sized(buffer(EPOLL_WAIT, b), 1).file(&self.short)),
            ("pipe with a bad flag", flags(buffer(PIPE, b), 99)),
            ("nothing with a flag", flags(new(opcode::NOP), 1 << 20)),
            ("unknown", new(201)),
        ]
    }
}

/// What comes of each entry with two others linked to it.
fn outcomes(bench: &mut Bench, link: fn(Entry) -> Entry) -> Vec<(&'static str, Vec<Answer>)> {
    let mut props = Props::new();
    let entries = props.entries();
    let ask = |(name, entry): (&'static str, Entry)| {
        (name, bench.ask([link(entry), link(Entry::nop(2)), Entry::nop(3)]))
    };
    entries.into_iter().map(ask).collect()
}

#[track_caller]
fn compare(link: fn(Entry) -> Entry) {
    let mut engine = Bench::new(64, 256, Backend::Fallback).unwrap();
    let on_engine = outcomes(&mut engine, link);
    let Some(mut kernel) = Bench::new(64, 256, Backend::IoUring) else { return };
    let on_kernel = outcomes(&mut kernel, link);
    let differences: Vec<_> =
        on_engine.iter().zip(&on_kernel).filter(|(engine, kernel)| engine != kernel).collect();
    assert!(differences.is_empty(), "the engine, and the kernel: {differences:?}");
}

#[test]
fn each_failure_is_told_as_by_the_kernel_and_breaks_soft_links_as_there() {
    compare(Entry::linked);
}

#[test]
fn each_failure_is_told_as_by_the_kernel_and_breaks_hard_links_as_there() {
    compare(Entry::hard_linked);
}

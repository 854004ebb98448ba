//! Every event's entry is, byte for byte, what the `io-uring` crate builds for the same request.
//!
//! Pointers are read from our own entry and handed to the other builder, so what is compared is
//! where each word stands; the unit tests next to the events check what it points to.
#![allow(unsafe_code)]

use std::fs::File;
use std::net::SocketAddr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use io_uring::types::{Fd, TimeoutFlags};
use io_uring::{opcode, squeue};
use ringbahn_core::event::*;
use ringbahn_core::{
    BufferGroup, BufferQueue, Clock, Cqe, Deadline, DirectTable, GroupMemory, IoBuf, MultiEvent,
    OperationTable, Outcome, ReceiveMemory, ReceiveQueue, RefillMemory, RingId, SendQueue,
    SharedFd, Slots, SocketAddress, Sqe, Sqes,
};

#[path = "entries/files.rs"]
mod files;

#[path = "entries/other_operations.rs"]
mod other_operations;

/// The only entry of `event`, handed to `check` while the event is still in place.
fn entry_of<E: Event>(event: E, check: impl FnOnce(&Sqe) -> squeue::Entry) {
    let mut event = Box::new(event);
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { event.prepare(&mut sqes) };
    compare(&sqes, check);
}

/// As [`entry_of`], for events that yield many items.
fn multi_entry_of<M: MultiEvent>(event: M, check: impl FnOnce(&Sqe) -> squeue::Entry) {
    let mut event = Box::new(event);
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { event.prepare(&mut sqes) };
    compare(&sqes, check);
}

fn compare(sqes: &Sqes, check: impl FnOnce(&Sqe) -> squeue::Entry) {
    let [entry] = sqes.entries() else { panic!("{} entries", sqes.entries().len()) };
    let expected = check(entry);
    // SAFETY: the type is `repr(C)` and of the size of `[u8; 64]`, without padding: it is the
    // kernel's own struct, all of which the builders write, beginning from zero.
    let expected: [u8; 64] = unsafe { std::mem::transmute(expected) };
    assert_eq!(entry.bytes(), expected, "{entry:?}");
}

fn file() -> (SharedFd, RawFd) {
    let file = Arc::new(File::open("/dev/null").expect("/dev/null opens"));
    let number = file.as_raw_fd();
    (SharedFd::new(file), number)
}

/// A group with the number 7 of a ring that does not exist.
fn group() -> BufferGroup {
    let memory = GroupMemory::new(2, 64, 4096).unwrap();
    let table: OperationTable = OperationTable::new();
    // SAFETY: no entry that names it is submitted to any ring.
    unsafe { BufferGroup::new(memory, table.ring(), 7, Box::new(())) }
}

/// A queue to receive into, and one to send from with something in it, of the same number.
fn queues() -> (BufferQueue, SendQueue) {
    let table: OperationTable = OperationTable::new();
    let memory = || GroupMemory::new(2, 64, 4096).unwrap();
    // SAFETY: no entry that names it is submitted to any ring.
    let queue = unsafe { BufferQueue::new(memory(), table.ring(), 7, Box::new(())) };
    // SAFETY: as above.
    let mut outgoing = unsafe { SendQueue::new(memory(), table.ring(), 7, Box::new(())) };
    assert_eq!(outgoing.push(b"hello"), 5);
    (queue, outgoing)
}

const POSITIONS: [(Position, u64); 4] = [
    (Position::Current, u64::MAX),
    (Position::At(0), 0),
    (Position::At(0x1234_5678_9abc), 0x1234_5678_9abc),
    (Position::At(u64::MAX), u64::MAX - 1),
];

#[test]
fn nop() {
    entry_of(Nop, |_| opcode::Nop::new().build());
}

#[test]
fn read() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        let request = |entry: &Sqe, length| {
            let target = entry.get_address().cast();
            opcode::Read::new(Fd(fd), target, length).offset(offset).build()
        };
        entry_of(Read::new(file.clone(), vec![0; 77], position), |entry| request(entry, 77));
        entry_of(Read::new(file.clone(), [0; 5], position), |entry| request(entry, 5));
        entry_of(Read::new(file.clone(), [0; 9].slice(4..), position), |entry| request(entry, 5));
        entry_of(ReadExact::new(file.clone(), vec![0; 77], position), |entry| request(entry, 77));
    }
}

#[test]
fn write() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        let request = |entry: &Sqe| {
            let bytes = entry.get_address().cast_const().cast();
            opcode::Write::new(Fd(fd), bytes, 5).offset(offset).build()
        };
        entry_of(Write::new(file.clone(), "hello", position), request);
        entry_of(Write::new(file.clone(), String::from("hello"), position), request);
        entry_of(WriteAll::new(file.clone(), "hello", position), request);
    }
}

#[test]
fn read_vectored() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        entry_of(ReadVectored::new(file.clone(), vec![vec![0; 8]; 3], position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Readv::new(Fd(fd), vectors, 3).offset(offset).build()
        });
    }
}

#[test]
fn write_vectored() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        entry_of(WriteVectored::new(file.clone(), ["a", "b"], position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Writev::new(Fd(fd), vectors, 2).offset(offset).build()
        });
    }
}

#[test]
fn read_ranges() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        let ranges = vec![4..8, 0..2, 2..2];
        entry_of(ReadRanges::new(file.clone(), [0; 8], ranges, position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Readv::new(Fd(fd), vectors, 2).offset(offset).build()
        });
    }
}

#[test]
fn write_ranges() {
    let (file, fd) = file();
    for (position, offset) in POSITIONS {
        entry_of(WriteRanges::new(file.clone(), "hello", vec![3..9, 0..1], position), |entry| {
            let vectors = entry.get_address().cast_const().cast();
            opcode::Writev::new(Fd(fd), vectors, 2).offset(offset).build()
        });
    }
}

#[test]
fn fsync() {
    let (file, fd) = file();
    entry_of(Fsync::new(file.clone()), |_| opcode::Fsync::new(Fd(fd)).build());
    entry_of(Fsync::new(file).data_only(true), |_| {
        opcode::Fsync::new(Fd(fd)).flags(io_uring::types::FsyncFlags::DATASYNC).build()
    });
}

#[test]
fn open_at() {
    let (directory, fd) = file();
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).mode(0o640).custom_flags(libc::O_DIRECT);
    let flags = libc::O_RDWR | libc::O_CREAT | libc::O_DIRECT | libc::O_CLOEXEC;
    let request = |entry: &Sqe, start| {
        let path = entry.get_address().cast_const().cast();
        opcode::OpenAt::new(Fd(start), path).flags(flags).mode(0o640).build()
    };
    let open = || OpenAt::new("some/file", &options).unwrap();
    entry_of(open(), |entry| request(entry, libc::AT_FDCWD));
    entry_of(open().relative_to(directory), |entry| request(entry, fd));
}

#[test]
fn close() {
    let fd = OwnedFd::from(File::open("/dev/null").expect("/dev/null opens"));
    let number = fd.as_raw_fd();
    entry_of(Close::new(fd), |_| opcode::Close::new(Fd(number)).build());
}

#[test]
fn statx() {
    let (file, fd) = file();
    let mask = libc::STATX_BASIC_STATS | libc::STATX_BTIME | libc::STATX_DIOALIGN;
    let request = |entry: &Sqe, start, flags| {
        let path = entry.get_address().cast_const().cast();
        let answer = entry.get_address2().cast();
        opcode::Statx::new(Fd(start), path, answer).flags(flags).mask(mask).build()
    };
    entry_of(Statx::of(file.clone()), |entry| request(entry, fd, libc::AT_EMPTY_PATH));
    entry_of(Statx::at("/").unwrap(), |entry| request(entry, libc::AT_FDCWD, 0));
    let link = Statx::at("a").unwrap().follow_links(false).relative_to(file);
    entry_of(link, |entry| request(entry, fd, libc::AT_SYMLINK_NOFOLLOW));
}

#[test]
fn truncate() {
    let (file, fd) = file();
    for length in [0, 1, 0x1234_5678_9abc] {
        entry_of(Truncate::new(file.clone(), length), |_| {
            opcode::Ftruncate::new(Fd(fd), length).build()
        });
    }
}

#[test]
fn splice() {
    let ((from, from_fd), (to, to_fd)) = (file(), file());
    for (position, offset) in POSITIONS {
        let number = offset.cast_signed();
        let into = Splice::into_pipe(from.clone(), position, to.clone(), 77);
        entry_of(into, |_| opcode::Splice::new(Fd(from_fd), number, Fd(to_fd), -1, 77).build());
        let out = Splice::from_pipe(from.clone(), to.clone(), position, 77);
        entry_of(out.more(true), |_| {
            let splice = opcode::Splice::new(Fd(from_fd), -1, Fd(to_fd), number, 77);
            splice.flags(libc::SPLICE_F_MORE).build()
        });
    }
    entry_of(Splice::between_pipes(from, to, usize::MAX), |entry| {
        let length = entry.get_length();
        opcode::Splice::new(Fd(from_fd), -1, Fd(to_fd), -1, length).build()
    });
}

#[test]
fn tee() {
    let ((from, from_fd), (to, to_fd)) = (file(), file());
    entry_of(Tee::new(from, to, 77), |_| opcode::Tee::new(Fd(from_fd), Fd(to_fd), 77).build());
}

#[test]
fn accept() {
    let (socket, fd) = file();
    entry_of(Accept::new(socket), |entry| {
        let (address, length) = (entry.get_address().cast(), entry.get_address2().cast());
        opcode::Accept::new(Fd(fd), address, length).flags(libc::SOCK_CLOEXEC).build()
    });
}

#[test]
fn connect() {
    let (socket, fd) = file();
    let inet = |text: &str| SocketAddress::from(text.parse::<SocketAddr>().unwrap());
    for (address, length) in [
        (inet("127.0.0.1:80"), 16),
        (inet("[::1]:443"), 28),
        (SocketAddress::unix("/tmp/x").unwrap(), 2 + 6 + 1),
    ] {
        entry_of(Connect::new(socket.clone(), address), |entry| {
            let address = entry.get_address().cast_const().cast();
            opcode::Connect::new(Fd(fd), address, length).build()
        });
    }
}

#[test]
fn bind_and_listen() {
    let (socket, fd) = file();
    let inet: SocketAddr = "[::1]:443".parse().unwrap();
    entry_of(Bind::new(socket.clone(), inet), |entry| {
        let address = entry.get_address().cast_const().cast();
        opcode::Bind::new(Fd(fd), address, 28).build()
    });
    entry_of(Listen::new(socket, 7), |_| opcode::Listen::new(Fd(fd), 7).build());
}

#[test]
fn reuse_address() {
    let (socket, fd) = file();
    entry_of(ReuseAddress::new(socket), |entry| {
        let [level, name] = [libc::SOL_SOCKET, libc::SO_REUSEADDR].map(i32::cast_unsigned);
        let value = entry.get_address3().cast_const().cast();
        opcode::SetSockOpt::new(Fd(fd), level, name, value, 4).build()
    });
}

#[test]
fn recv() {
    let (socket, fd) = file();
    for (wait_all, flags) in [(false, 0), (true, libc::MSG_WAITALL)] {
        entry_of(Recv::new(socket.clone(), [0; 9]).wait_all(wait_all), |entry| {
            let target = entry.get_address().cast();
            opcode::Recv::new(Fd(fd), target, 9).flags(flags).build()
        });
    }
}

#[test]
fn send() {
    let (socket, fd) = file();
    let request = |entry: &Sqe, flags: i32| {
        let bytes = entry.get_address().cast_const().cast();
        opcode::Send::new(Fd(fd), bytes, 5).flags(flags).build()
    };
    let both = libc::MSG_NOSIGNAL | libc::MSG_WAITALL;
    for (wait_all, flags) in [(false, libc::MSG_NOSIGNAL), (true, both)] {
        let send = Send::new(socket.clone(), "hello").wait_all(wait_all);
        entry_of(send, |entry| request(entry, flags));
        entry_of(SendZc::new(socket.clone(), "hello").wait_all(wait_all), |entry| {
            let bytes = entry.get_address().cast_const().cast();
            opcode::SendZc::new(Fd(fd), bytes, 5).flags(flags).build()
        });
    }
    entry_of(SendZc::new(socket.clone(), "hello").reporting(), |entry| {
        let bytes = entry.get_address().cast_const().cast();
        let send = opcode::SendZc::new(Fd(fd), bytes, 5).flags(libc::MSG_NOSIGNAL);
        // `IORING_SEND_ZC_REPORT_USAGE`
        send.zc_flags(1 << 3).build()
    });
    entry_of(SendAll::new(socket, "hello"), |entry| request(entry, both));
}

#[test]
fn messages() {
    let (socket, fd) = file();
    let peer: SocketAddr = "[::1]:53".parse().unwrap();
    entry_of(SendMsg::new(socket.clone(), ["a", "b"]).to(peer), |entry| {
        let header = entry.get_address().cast_const().cast();
        let flags = libc::MSG_NOSIGNAL.cast_unsigned();
        opcode::SendMsg::new(Fd(fd), header).flags(flags).build()
    });
    entry_of(SendMsg::new(socket.clone(), ["a"]).zero_copy(), |entry| {
        let header = entry.get_address().cast_const().cast();
        let flags = libc::MSG_NOSIGNAL.cast_unsigned();
        opcode::SendMsgZc::new(Fd(fd), header).flags(flags).build()
    });
    entry_of(RecvMsg::new(socket, [[0; 8]]).control_space(64), |entry| {
        let header = entry.get_address().cast();
        let flags = libc::MSG_CMSG_CLOEXEC.cast_unsigned();
        opcode::RecvMsg::new(Fd(fd), header).flags(flags).build()
    });
}

#[test]
fn send_to() {
    let (socket, fd) = file();
    let peer: std::net::SocketAddr = "127.0.0.1:53".parse().unwrap();
    entry_of(SendTo::new(socket, "hello", peer), |entry| {
        let header = entry.get_address().cast_const().cast();
        opcode::SendMsg::new(Fd(fd), header).flags(libc::MSG_NOSIGNAL as u32).build()
    });
}

#[test]
fn shutdown() {
    let (socket, fd) = file();
    use std::net::Shutdown as How;
    for (how, number) in [(How::Read, 0), (How::Write, 1), (How::Both, 2)] {
        entry_of(Shutdown::new(socket.clone(), how), |_| {
            opcode::Shutdown::new(Fd(fd), number).build()
        });
    }
}

#[test]
fn socket() {
    use socket2::{Domain, Protocol, Type};
    let stream = libc::SOCK_STREAM | libc::SOCK_CLOEXEC;
    entry_of(Socket::new(Domain::IPV6, Type::STREAM, Some(Protocol::TCP)), |_| {
        opcode::Socket::new(libc::AF_INET6, stream, libc::IPPROTO_TCP).build()
    });
    entry_of(Socket::new(Domain::UNIX, Type::STREAM, None), |_| {
        opcode::Socket::new(libc::AF_UNIX, stream, 0).build()
    });
}

#[test]
fn timeout() {
    for duration in [Duration::ZERO, Duration::new(5, 7), Duration::MAX] {
        entry_of(Timeout::new(duration), |entry| {
            opcode::Timeout::new(entry.get_address().cast_const().cast()).build()
        });
    }
    let clocks = [
        (Clock::Monotonic, TimeoutFlags::empty()),
        (Clock::Boottime, TimeoutFlags::BOOTTIME),
        (Clock::Realtime, TimeoutFlags::REALTIME),
    ];
    for (clock, flag) in clocks {
        entry_of(Timeout::at(Deadline::after(clock, Duration::new(5, 7))), |entry| {
            let time = entry.get_address().cast_const().cast();
            opcode::Timeout::new(time).flags(TimeoutFlags::ABS | flag).build()
        });
    }
}

#[test]
fn poll_add() {
    let (file, fd) = file();
    for (interest, mask) in [
        (Interest::READABLE, libc::POLLIN),
        (Interest::WRITABLE | Interest::PRIORITY, libc::POLLOUT | libc::POLLPRI),
        (Interest::READ_CLOSED, libc::POLLRDHUP),
    ] {
        entry_of(PollAdd::new(file.clone(), interest), |_| {
            opcode::PollAdd::new(Fd(fd), mask as u32).build()
        });
    }
}

#[test]
fn mapped() {
    let (file, fd) = file();
    let event = Mapped::new(Shutdown::new(file, std::net::Shutdown::Both), |ended| ended.is_ok());
    entry_of(event, |_| opcode::Shutdown::new(Fd(fd), 2).build());
}

#[test]
fn rescued() {
    let (file, fd) = file();
    entry_of(Rescued::new(Shutdown::new(file, std::net::Shutdown::Both), drop), |_| {
        opcode::Shutdown::new(Fd(fd), 2).build()
    });
}

/// The slots of a table without a ring.
#[derive(Debug)]
struct NoSlots(RingId);

impl Slots for NoSlots {
    fn ring(&self) -> RingId {
        self.0
    }

    fn close(&self, _slot: u32) {}

    fn ring_file(&self) -> std::io::Result<SharedFd> {
        Ok(file().0)
    }
}

#[test]
fn into_slot() {
    let (file, fd) = file();
    let ring: OperationTable = OperationTable::new();
    let table = DirectTable::new(NoSlots(ring.ring()));
    let any = Some(io_uring::types::DestinationSlot::auto_target());
    let open = OpenAt::new("a", OpenOptions::new().read(true)).unwrap();
    entry_of(IntoSlot::new(open, &table), |entry| {
        let path = entry.get_address().cast_const().cast();
        opcode::OpenAt::new(Fd(libc::AT_FDCWD), path).mode(0o666).file_index(any).build()
    });
    entry_of(Accept::new(file).into_slot(&table), |entry| {
        let (address, length) = (entry.get_address().cast(), entry.get_address2().cast());
        opcode::Accept::new(Fd(fd), address, length).file_index(any).build()
    });
    let socket = Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None);
    entry_of(socket.into_slot(&table), |_| {
        opcode::Socket::new(libc::AF_UNIX, libc::SOCK_STREAM, 0).file_index(any).build()
    });
    entry_of(Pipe::new().into_slot(&table), |entry| {
        opcode::Pipe::new(entry.get_address().cast()).file_index(any).build()
    });
}

#[test]
fn register_fd() {
    let table = DirectTable::new(NoSlots(OperationTable::<ringbahn_core::Shared>::new().ring()));
    entry_of(RegisterFd::new(file().0, &table).unwrap(), |entry| {
        let numbers = entry.get_address().cast_const().cast();
        opcode::FilesUpdate::new(numbers, 1).offset(-1).build()
    });
}

#[test]
fn pipe() {
    entry_of(Pipe::new(), |entry| {
        let flags = libc::O_CLOEXEC as u32;
        opcode::Pipe::new(entry.get_address().cast()).flags(flags).build()
    });
}

#[test]
fn direct_descriptors() {
    let ring: OperationTable = OperationTable::new();
    let table = DirectTable::new(NoSlots(ring.ring()));
    let open = Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).into_slot(&table);
    let cqes = [Cqe { result: 7, ..Cqe::default() }];
    // SAFETY: nothing is done with the slot that is believed to have been filled.
    let file = SharedFd::from(open.complete(unsafe { Outcome::completed(&cqes) }).unwrap());
    entry_of(InstallFd::new(file.clone()), |_| {
        opcode::FixedFdInstall::new(io_uring::types::Fixed(7), 0).build()
    });
    let other: OperationTable = OperationTable::new();
    let there = DirectTable::new(NoSlots(other.ring()));
    entry_of(SendToRing::new(file.clone(), &there).unwrap(), |entry| {
        let (ring, slot) = (Fd(entry.get_fd()), io_uring::types::Fixed(7));
        let any = io_uring::types::DestinationSlot::auto_target();
        opcode::MsgRingSendFd::new(ring, slot, any, 0).opcode_flags(1).build()
    });
    entry_of(Splice::between_pipes(file.clone(), file.clone(), 5), |_| {
        let slot = io_uring::types::Fixed(7);
        opcode::Splice::new(slot, -1, slot, -1, 5).build()
    });
    entry_of(Read::new(file, [0; 5], Position::Current), |entry| {
        let target = entry.get_address().cast();
        opcode::Read::new(io_uring::types::Fixed(7), target, 5).offset(u64::MAX).build()
    });
}

#[test]
fn when_ready() {
    let (file, fd) = file();
    let shutdown = Shutdown::new(file.clone(), std::net::Shutdown::Both);
    entry_of(WhenReady::new(shutdown, file, Interest::READABLE), |_| {
        opcode::Shutdown::new(Fd(fd), 2).build()
    });
}

#[test]
fn either() {
    let (file, fd) = file();
    let shutdown = || Shutdown::new(file.clone(), std::net::Shutdown::Both);
    for event in [Either::first(shutdown()), Either::second(shutdown())] {
        let either: Either<Shutdown, Shutdown> = event;
        entry_of(either, |_| opcode::Shutdown::new(Fd(fd), 2).build());
    }
}

#[test]
fn streams_that_need_no_buffers() {
    let (file, fd) = file();
    multi_entry_of(AcceptMulti::new(file.clone()), |_| {
        opcode::AcceptMulti::new(Fd(fd)).flags(libc::SOCK_CLOEXEC).build()
    });
    let table = DirectTable::new(NoSlots(OperationTable::<ringbahn_core::Shared>::new().ring()));
    multi_entry_of(AcceptIntoSlots::new(file.clone(), &table), |_| {
        opcode::AcceptMulti::new(Fd(fd)).allocate_file_index(true).build()
    });
    multi_entry_of(PollMulti::new(file, Interest::READABLE), |_| {
        opcode::PollAdd::new(Fd(fd), libc::POLLIN as u32).multi(true).build()
    });
    multi_entry_of(TimeoutMulti::new(Duration::from_secs(1)), |entry| {
        let flags = io_uring::types::TimeoutFlags::MULTISHOT;
        opcode::Timeout::new(entry.get_address().cast_const().cast()).flags(flags).build()
    });
}

#[test]
fn streams_of_provided_buffers() {
    let (file, fd) = file();
    multi_entry_of(RecvMulti::new(file.clone(), &group()), |_| {
        opcode::RecvMulti::new(Fd(fd), 7).build()
    });
    multi_entry_of(RecvMsgMulti::new(file.clone(), &group()).control_space(64), |entry| {
        let header = entry.get_address().cast_const().cast();
        let flags = libc::MSG_CMSG_CLOEXEC.cast_unsigned();
        opcode::RecvMsgMulti::new(Fd(fd), header, 7).flags(flags).build()
    });
    multi_entry_of(ReadMulti::new(file, &group()), |_| {
        opcode::ReadMulti::new(Fd(fd), 0, 7).offset(u64::MAX).build()
    });
}

/// A queue of no card, which nobody uses.
fn receive_queue() -> ReceiveQueue {
    let mut words = vec![0_u64; 16];
    let start = std::ptr::NonNull::new(words.as_mut_ptr()).unwrap();
    let refill =
        RefillMemory { head: start.cast(), tail: start.cast(), entries: start.cast(), count: 1 };
    let memory = ReceiveMemory { area: start.cast(), length: 8, token: 0, refill };
    let ring: OperationTable = OperationTable::new();
    // SAFETY: no entry that names it is submitted to any ring; the words go along.
    unsafe { ReceiveQueue::new(memory, ring.ring(), 5, Box::new(words)) }
}

#[test]
fn receives_without_a_copy() {
    let (file, fd) = file();
    multi_entry_of(RecvZc::new(file, &receive_queue()), |_| {
        opcode::RecvZc::new(Fd(fd), 0).ifq(5).build()
    });
}

#[test]
fn single_operations_with_provided_buffers() {
    let (file, fd) = file();
    entry_of(RecvProvided::new(file.clone(), &group()), |_| {
        let recv = opcode::Recv::new(Fd(fd), std::ptr::null_mut(), 64).buf_group(7).build();
        recv.flags(squeue::Flags::BUFFER_SELECT)
    });
    for (position, offset) in POSITIONS {
        entry_of(ReadProvided::new(file.clone(), &group(), position), |_| {
            let read = opcode::Read::new(Fd(fd), std::ptr::null_mut(), 64).offset(offset);
            read.buf_group(7).build().flags(squeue::Flags::BUFFER_SELECT)
        });
    }
}

#[test]
fn operations_with_queues_of_buffers() {
    let (file, fd) = file();
    multi_entry_of(RecvParts::new(file.clone(), queues().0), |_| {
        opcode::RecvMulti::new(Fd(fd), 7).build()
    });
    multi_entry_of(RecvBundles::new(file.clone(), queues().0), |_| {
        opcode::RecvMultiBundle::new(Fd(fd), 7).build()
    });
    entry_of(RecvBundle::new(file.clone(), queues().0), |_| {
        opcode::RecvBundle::new(Fd(fd), 7).build()
    });
    entry_of(SendBundle::new(file, queues().1), |_| {
        opcode::SendBundle::new(Fd(fd), 7).flags(libc::MSG_NOSIGNAL).build()
    });
}

#[test]
fn every_event_in_the_list_is_compared() {
    // What ends or changes another operation is aimed only when it meets its ring, and entries of
    // 128 bytes are not met; the others have the entries of their events, with or without a flag
    // more.
    let apart = [
        "AsPersonality",
        "AsyncCancel",
        "Drained",
        "Link",
        "Nop128",
        "NvmeCommand",
        "PollRemove",
        "PollUpdate",
        "Reporting",
        "Rescued",
        "Stepped",
        "Then",
        "TimeoutRemove",
        "TimeoutUpdate",
        "UringCommand128",
    ];
    let compared = concat!(
        include_str!("entries.rs"),
        include_str!("entries/files.rs"),
        include_str!("entries/other_operations.rs"),
    );
    for event in EVENTS.iter().filter(|event| !apart.contains(&event.name)) {
        let used = [format!("{}::", event.name), format!("entry_of({},", event.name)];
        let found = used.iter().any(|used| compared.contains(used));
        assert!(found, "{} is not compared", event.name);
    }
}

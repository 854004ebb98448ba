//! The entries of what is neither read nor written.

use std::num::{NonZeroU16, NonZeroU32};
use std::sync::atomic::AtomicU32;

use super::*;

/// The only entry of an operation on a ring that does not exist.
fn ring() -> RingId {
    OperationTable::<ringbahn_core::Shared>::new().ring()
}

#[derive(Debug)]
struct NoSlots(RingId);

impl Slots for NoSlots {
    fn ring(&self) -> RingId {
        self.0
    }

    fn close(&self, _slot: u32) {}
}

#[test]
fn answered_nop() {
    entry_of(AnsweredNop::new(7), |entry| {
        // The other builder knows no flags of a nop.
        assert_eq!((entry.get_length(), entry.get_op_flags()), (7, 1));
        let expected = opcode::Nop::new().build();
        // SAFETY: the type is the kernel's struct, whose length is at 24, and its flags at 28.
        let mut bytes: [u8; 64] = unsafe { std::mem::transmute(expected) };
        bytes[24..28].copy_from_slice(&7_u32.to_ne_bytes());
        bytes[28..32].copy_from_slice(&1_u32.to_ne_bytes());
        // SAFETY: as above.
        unsafe { std::mem::transmute::<[u8; 64], squeue::Entry>(bytes) }
    });
}

#[test]
fn link_timeout() {
    let mut event = LinkTimeout::new(Nop, Duration::from_secs(1));
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { event.prepare(&mut sqes) };
    let [_, limit] = sqes.entries() else { panic!("two entries") };
    let same = opcode::LinkTimeout::new(limit.get_address().cast_const().cast()).build();
    // SAFETY: as in `compare`.
    let same: [u8; 64] = unsafe { std::mem::transmute(same) };
    assert_eq!(limit.bytes(), same);
}

#[test]
fn futexes() {
    const FLAGS: u32 = 130; // 32 bits, private.
    let word = Arc::new(AtomicU32::new(3));
    let share = || FutexWord::new(word.clone());
    let mask = NonZeroU32::new(6).unwrap();
    let address: *const u32 = Arc::as_ptr(&word).cast();
    entry_of(FutexWait::new(share(), 3).mask(mask), |_| {
        opcode::FutexWait::new(address, 3, 6, FLAGS).build()
    });
    entry_of(FutexWake::new(share(), 5), |_| {
        opcode::FutexWake::new(address, 5, u32::MAX.into(), FLAGS).build()
    });
    entry_of(FutexWaitv::new([(share(), 3), (share(), 4)]).unwrap(), |entry| {
        opcode::FutexWaitV::new(entry.get_address().cast_const().cast(), 2).build()
    });
}

#[test]
fn wait_id() {
    let number = NonZeroU32::new(77).unwrap();
    let (file, fd) = file();
    for (event, which, id) in [
        (WaitId::any(), libc::P_ALL, 0),
        (WaitId::process(number), libc::P_PID, 77),
        (WaitId::group(number), libc::P_PGID, 77),
        (WaitId::descriptor(file).unwrap(), libc::P_PIDFD, fd.cast_unsigned()),
    ] {
        entry_of(event, |entry| {
            let place = entry.get_address2().cast_const().cast();
            opcode::WaitId::new(which, id, libc::WEXITED).infop(place).build()
        });
    }
}

#[test]
fn epoll() {
    let ((set, set_fd), (file, fd)) = (file(), file());
    let request = |entry: &Sqe, operation| {
        let event = entry.get_address().cast_const().cast();
        opcode::EpollCtl::new(Fd(set_fd), Fd(fd), operation, event).build()
    };
    let interest = EpollInterest::from(Interest::READABLE).edge_triggered();
    let add = EpollCtl::add(set.clone(), file.clone(), interest, 7).unwrap();
    entry_of(add, |entry| {
        let event: *const libc::epoll_event = entry.get_address().cast_const().cast();
        // SAFETY: the event is still in place.
        let event = unsafe { event.read() };
        let flags = (libc::EPOLLIN | libc::EPOLLET).cast_unsigned();
        assert_eq!((event.events, event.u64), (flags, 7), "what is said of the file");
        request(entry, libc::EPOLL_CTL_ADD)
    });
    let modify = EpollCtl::modify(set.clone(), file.clone(), interest, 7).unwrap();
    entry_of(modify, |entry| request(entry, libc::EPOLL_CTL_MOD));
    let remove = EpollCtl::remove(set.clone(), file).unwrap();
    entry_of(remove, |entry| request(entry, libc::EPOLL_CTL_DEL));
    entry_of(EpollWait::new(set, NonZeroU16::new(8).unwrap()), |entry| {
        opcode::EpollWait::new(Fd(set_fd), entry.get_address().cast(), 8).build()
    });
}

#[test]
fn sockets() {
    let (socket, fd) = file();
    let set = SetSocketOption::new(socket.clone(), SocketOption::NO_DELAY, true);
    let (level, name) = (libc::IPPROTO_TCP.cast_unsigned(), libc::TCP_NODELAY.cast_unsigned());
    entry_of(set, |entry| {
        let value = entry.get_address3().cast_const();
        opcode::SetSockOpt::new(Fd(fd), level, name, value, 4).build()
    });
    let socket_level = libc::SOL_SOCKET.cast_unsigned();
    let get = GetSocketOption::new(socket.clone(), SocketOption::LINGER);
    entry_of(get, |entry| {
        let value = entry.get_address3().cast_const();
        let linger = libc::SO_LINGER.cast_unsigned();
        let set = opcode::SetSockOpt::new(Fd(fd), socket_level, linger, value, 8).build();
        // SAFETY: the type is the kernel's struct, whose byte 8 says which command it is.
        let mut bytes: [u8; 64] = unsafe { std::mem::transmute(set) };
        bytes[8..12].copy_from_slice(&2_u32.to_ne_bytes());
        // SAFETY: as above.
        unsafe { std::mem::transmute::<[u8; 64], squeue::Entry>(bytes) }
    });
    for (event, command) in
        [(SocketQueue::unread(socket.clone()), 0), (SocketQueue::unsent(socket.clone()), 1)]
    {
        entry_of(event, |_| opcode::UringCmd16::new(Fd(fd), command).build());
    }
    let command = {
        let mut command = [0; 16];
        command[..8].copy_from_slice(b"8 bytes!");
        command
    };
    // SAFETY: it goes nowhere.
    let own = unsafe { UringCommand::new(socket, 9, command, ()) };
    entry_of(own, |_| opcode::UringCmd16::new(Fd(fd), 9).cmd(command).build());
}

#[test]
fn send_number() {
    let (ring, fd) = file();
    // SAFETY: it goes nowhere.
    let send = || unsafe { SendNumber::new(ring.clone(), 77, 5) }.unwrap();
    entry_of(send(), |_| opcode::MsgRingData::new(Fd(fd), 5, 77, None).build());
    entry_of(send().flags(2), |_| opcode::MsgRingData::new(Fd(fd), 5, 77, Some(2)).build());
}

#[test]
fn files_update() {
    let files = [file().0, file().0];
    let table = DirectTable::new(NoSlots(ring()));
    entry_of(FilesUpdate::new(files, &table).unwrap(), |entry| {
        let numbers = entry.get_address().cast_const().cast();
        // The kernel reads 32 bits of it.
        let any = opcode::FilesUpdate::new(numbers, 2).offset(-1).build();
        // SAFETY: the type is the kernel's struct, whose offset is at 8.
        let mut bytes: [u8; 64] = unsafe { std::mem::transmute(any) };
        bytes[8..16].copy_from_slice(&u64::from(u32::MAX).to_ne_bytes());
        // SAFETY: as above.
        unsafe { std::mem::transmute::<[u8; 64], squeue::Entry>(bytes) }
    });
}

#[test]
fn lent_buffers() {
    let (count, size) = (NonZeroU16::new(3).unwrap(), NonZeroU32::new(64).unwrap());
    let mut group = 0;
    let provide = ProvideBuffers::new(ring(), count, size).unwrap();
    entry_of(provide, |entry| {
        group = entry.get_buffer_index();
        opcode::ProvideBuffers::new(entry.get_address().cast(), 64, 3, group, 0).build()
    });
    let mut provide = ProvideBuffers::new(ring(), count, size).unwrap();
    let mut sqes = Sqes::new();
    // SAFETY: the entries are only looked at, never submitted.
    unsafe { provide.prepare(&mut sqes) };
    let group = sqes.entries()[0].get_buffer_index();
    let provided = [Cqe::default()];
    // SAFETY: V1: it is made up that the kernel has the buffers, and that it gives them back.
    let buffers = provide.complete(unsafe { Outcome::completed(&provided) }).unwrap();
    let remove = || RemoveBuffers::new(buffers.clone());
    entry_of(remove(), |_| opcode::RemoveBuffers::new(3, group).build());
    let (socket, fd) = file();
    entry_of(RecvLent::new(socket, buffers.clone()), |_| {
        let recv = opcode::Recv::new(Fd(fd), std::ptr::null_mut(), 64).buf_group(group).build();
        recv.flags(squeue::Flags::BUFFER_SELECT)
    });
    let removed = [Cqe { result: 3, ..Cqe::default() }];
    // SAFETY: V1: as above.
    assert_eq!(remove().complete(unsafe { Outcome::completed(&removed) }).unwrap(), 3);
    assert_eq!(buffers.outside(), buffers.count());
}

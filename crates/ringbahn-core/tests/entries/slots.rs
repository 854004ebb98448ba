//! The events that fill slots of a ring, or work with what is in one.

use io_uring::opcode;
use io_uring::types::Fd;
use ringbahn_core::event::*;
use ringbahn_core::{Cqe, DirectTable, OperationTable, Outcome, SharedFd};

use crate::{NoSlots, entry_of, file};

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

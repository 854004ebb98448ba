//! The events that yield many items, or receive into provided buffers.

use std::time::Duration;

use io_uring::types::Fd;
use io_uring::{opcode, squeue};
use ringbahn_core::event::*;
use ringbahn_core::{DirectTable, OperationTable, ReceiveMemory, ReceiveQueue, RefillMemory};

use crate::{NoSlots, POSITIONS, entry_of, file, group, multi_entry_of, queues};

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

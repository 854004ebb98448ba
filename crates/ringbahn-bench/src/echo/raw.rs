//! The echo server on the ring by hand, as fast as it goes.
//!
//! # Safety
//!
//! WE1. The entries name descriptors and buffers of this value, which is dropped after the last
//!      connection has ended, and with it the last operation.
//!
//! WE2. A buffer is written to the ring of buffers when its send has ended, and by this thread
//!      only.
#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::io;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::sync::atomic::{AtomicU16, Ordering};

use io_uring::types::{BufRingEntry, Fd};
use io_uring::{IoUring, cqueue, opcode, squeue};

use super::{BUFFERS, ENTRIES};

/// The mark of a send in its `user_data`, whose lower half is then the buffer.
const SEND: u64 = 1 << 63;

struct Echo {
    ring: IoUring,
    connections: Vec<TcpStream>,
    /// How many of them have not ended.
    open: usize,
    buffers: Buffers,
    starved: Vec<usize>,
}

/// The buffers, and the ring of those that the kernel may have.
struct Buffers {
    entries: *mut BufRingEntry,
    layout: Layout,
    memory: Vec<u8>,
    tail: u16,
}

pub(super) fn serve(connections: Vec<TcpStream>) -> io::Result<()> {
    let mut builder = IoUring::builder();
    builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag();
    builder.setup_submit_all().setup_no_sqarray().setup_cqsize(ENTRIES.1);
    let ring = builder.build(ENTRIES.0)?;
    ring.submitter().register_ring_fd()?;
    let mut buffers = Buffers::new();
    // SAFETY: WE1: the ring's memory is freed after the ring.
    let registered = unsafe {
        let address = buffers.entries.expose_provenance() as u64;
        ring.submitter().register_buf_ring_with_flags(address, BUFFERS.0, 0, 0)
    };
    registered?;
    (0..BUFFERS.0).for_each(|index| buffers.put(index));
    buffers.publish();
    let open = connections.len();
    let mut echo = Echo { ring, connections, open, buffers, starved: Vec::new() };
    echo.run()
}

impl Echo {
    fn run(&mut self) -> io::Result<()> {
        for connection in 0..self.connections.len() {
            self.receive(connection)?;
        }
        let mut cqes = Vec::with_capacity(ENTRIES.1 as usize);
        while self.open > 0 {
            self.ring.submit_and_wait(1)?;
            cqes.extend(self.ring.completion());
            for cqe in cqes.drain(..) {
                self.handle(&cqe)?;
            }
            self.buffers.publish();
            for connection in std::mem::take(&mut self.starved) {
                self.receive(connection)?;
            }
        }
        Ok(())
    }

    fn handle(&mut self, cqe: &cqueue::Entry) -> io::Result<()> {
        if cqe.user_data() & SEND != 0 {
            self.buffers.put(cqe.user_data() as u16);
            return if cqe.result() < 0 { Err(failed(cqe)) } else { Ok(()) };
        }
        let connection = cqe.user_data() as usize;
        match (cqe.result(), cqueue::buffer_select(cqe.flags())) {
            (0, _) => self.open -= 1,
            (length @ 1.., Some(index)) => {
                self.send(connection, index, length as u32)?;
                if !cqueue::more(cqe.flags()) {
                    self.receive(connection)?;
                }
            }
            (result, _) if result == -no_buffers() => self.starved.push(connection),
            _ => return Err(failed(cqe)),
        }
        Ok(())
    }

    fn receive(&mut self, connection: usize) -> io::Result<()> {
        let fd = Fd(self.connections[connection].as_raw_fd());
        let entry = opcode::RecvMulti::new(fd, 0).build();
        self.push(&entry.user_data(connection as u64))
    }

    fn send(&mut self, connection: usize, index: u16, length: u32) -> io::Result<()> {
        let fd = Fd(self.connections[connection].as_raw_fd());
        let entry = opcode::Send::new(fd, self.buffers.at(index), length).build();
        self.push(&entry.user_data(SEND | u64::from(index)))
    }

    fn push(&mut self, entry: &squeue::Entry) -> io::Result<()> {
        loop {
            // SAFETY: WE1.
            if unsafe { self.ring.submission().push(entry) }.is_ok() {
                return Ok(());
            }
            self.ring.submit()?;
        }
    }
}

impl Buffers {
    fn new() -> Buffers {
        let bytes = usize::from(BUFFERS.0) * size_of::<BufRingEntry>();
        let layout = Layout::from_size_align(bytes, 4096).expect("a page is a power of two");
        // SAFETY: WE1: it is not of zero bytes.
        let entries: *mut BufRingEntry = unsafe { alloc_zeroed(layout) }.cast();
        assert!(!entries.is_null(), "there is no memory for the buffers");
        let memory = vec![0; usize::from(BUFFERS.0) * BUFFERS.1 as usize];
        Buffers { entries, layout, memory, tail: 0 }
    }

    fn at(&mut self, index: u16) -> *mut u8 {
        self.memory[usize::from(index) * BUFFERS.1 as usize..].as_mut_ptr()
    }

    fn put(&mut self, index: u16) {
        let address = self.at(index).expose_provenance() as u64;
        let place = usize::from(self.tail & (BUFFERS.0 - 1));
        // SAFETY: WE1: the place is one of the ring's.
        let entry = unsafe { self.entries.add(place) };
        // SAFETY: WE2: the kernel does not look behind the tail.
        let entry = unsafe { &mut *entry };
        entry.set_addr(address);
        entry.set_len(BUFFERS.1);
        entry.set_bid(index);
        self.tail = self.tail.wrapping_add(1);
    }

    fn publish(&mut self) {
        // SAFETY: WE1: the ring has a first entry, in which the tail is.
        let tail = unsafe { BufRingEntry::tail(self.entries) };
        // SAFETY: WE2: it is aligned, and used as an atomic by both sides.
        let tail = unsafe { AtomicU16::from_ptr(tail.cast_mut()) };
        // Release: pairs with the kernel's `smp_load_acquire(&br->tail)`.
        tail.store(self.tail, Ordering::Release);
    }
}

impl Drop for Buffers {
    fn drop(&mut self) {
        // SAFETY: WE1: allocated with this layout; the ring, an earlier field, has gone.
        unsafe { dealloc(self.entries.cast(), self.layout) };
    }
}

fn failed(cqe: &cqueue::Entry) -> io::Error {
    io::Error::from_raw_os_error(-cqe.result())
}

/// The error of a receive for which there is no buffer.
fn no_buffers() -> i32 {
    rustix::io::Errno::NOBUFS.raw_os_error()
}

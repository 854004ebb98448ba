//! What the kernel has been given stays where it is until the kernel has let go of it, whatever
//! becomes of the future.
#![allow(unsafe_code)]

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use ringbahn_core::event::{
    Connect, ControlMessage, OpenAt, OpenOptions, Position, Read, ReadVectored, RecvMsg, SendMsg,
    Statx, Timeout, Write, WriteVectored,
};
use ringbahn_core::{Drive, Event, IoBuf, IoBufMut};
use ringbahn_drivers::SharedDriver;

#[path = "support/canary.rs"]
mod canary;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use scene::{end, pipe, poll_once, run, shared, start, until, until_idle};
use watched::Watched;

const ROUNDS: usize = 50;

/// Blocks of the sizes that operands have, so that memory freed too early finds a new owner.
fn neighbours() -> Vec<Vec<u8>> {
    [16, 64, 128, 256, 512, 1024, 4096].iter().flat_map(|&size| vec![vec![0xC3; size]; 8]).collect()
}

fn assert_untouched(neighbours: &[Vec<u8>]) {
    assert!(neighbours.iter().flatten().all(|byte| *byte == 0xC3), "a stranger was written to");
}

/// Polls an event once and drops its future, whatever the poll has said.
fn start_and_drop<E: Event>(driver: &SharedDriver, event: E) {
    let mut submission = Box::pin(driver.clone().submit(event));
    let _ = poll_once(submission.as_mut());
}

#[test]
fn a_dropped_pipe_read_keeps_its_buffer_until_it_has_ended() {
    let test = "a_dropped_pipe_read_keeps_its_buffer_until_it_has_ended";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..ROUNDS {
        let (reader, mut writer) = pipe();
        let ends = Arc::new(AtomicUsize::new(0));
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut read = driver.clone().submit(event);
        start(&mut read);
        assert_eq!(ends.load(Ordering::SeqCst), 0);
        drop(read);
        let neighbours = neighbours();
        let _ = writer.write_all(&[0x5A; 4096]);
        until("the buffer is freed", || {
            let freed = ends.load(Ordering::SeqCst) > 0;
            assert!(!freed || driver.counters().in_flight == 0, "freed in flight");
            freed
        });
        assert_untouched(&neighbours);
        assert_eq!(ends.load(Ordering::SeqCst), 1);
    }
    end(&driver);
    canary::inspect();
}

/// A listener whose queue of connections to be accepted is full, so that connecting waits.
fn busy_listener(address: &str) -> Option<(TcpListener, Vec<OwnedFd>)> {
    let listener = TcpListener::bind(address).ok()?;
    // SAFETY: the call names no memory.
    assert_eq!(unsafe { libc::listen(listener.as_raw_fd(), 0) }, 0);
    let waiting = (0..2).map(|_| stream_socket(&listener.local_addr().unwrap())).collect();
    Some((listener, waiting))
}

fn stream_socket(address: &SocketAddr) -> OwnedFd {
    let family = if address.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
    // SAFETY: the call names no memory.
    let socket = unsafe { libc::socket(family, libc::SOCK_STREAM | libc::SOCK_CLOEXEC, 0) };
    assert!(socket >= 0);
    // SAFETY: the descriptor is new and nobody else's.
    unsafe { OwnedFd::from_raw_fd(socket) }
}

fn drop_connects(driver: &SharedDriver, address: &str) -> Option<()> {
    let (listener, fillers) = busy_listener(address)?;
    let address = listener.local_addr().unwrap();
    for socket in fillers {
        start_and_drop(driver, Connect::new(socket, address));
    }
    for _ in 0..ROUNDS {
        start_and_drop(driver, Connect::new(stream_socket(&address), address));
        let neighbours = neighbours();
        assert_untouched(&neighbours);
    }
    until_idle(driver);
    let mut completed = driver.clone().submit(Connect::new(stream_socket(&address), address));
    let _ = poll_once(std::pin::Pin::new(&mut completed));
    while listener.set_nonblocking(true).is_ok() && listener.accept().is_ok() {}
    Some(())
}

#[test]
fn dropped_connects_keep_their_address_over_ipv4() {
    let test = "dropped_connects_keep_their_address_over_ipv4";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    drop_connects(&driver, "127.0.0.1:0").unwrap();
    end(&driver);
}

#[test]
fn dropped_connects_keep_their_address_over_ipv6() {
    let test = "dropped_connects_keep_their_address_over_ipv6";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    if drop_connects(&driver, "[::1]:0").is_none() {
        return skip::skip(test, "no IPv6");
    }
    end(&driver);
}

#[test]
fn a_connect_over_ipv6_reads_all_of_its_longer_address() {
    let test = "a_connect_over_ipv6_reads_all_of_its_longer_address";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let Ok(listener) = TcpListener::bind("[::1]:0") else { return skip::skip(test, "no IPv6") };
    let address = listener.local_addr().unwrap();
    run(driver.clone().submit(Connect::new(stream_socket(&address), address))).unwrap();
    end(&driver);
}

#[test]
fn dropped_messages_keep_header_vectors_control_data_and_address() {
    let test = "dropped_messages_keep_header_vectors_control_data_and_address";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..ROUNDS {
        let ends = Arc::new(AtomicUsize::new(0));
        let (one, other) = UnixDatagram::pair().unwrap();
        let (one, other) = (shared(one), shared(other));
        let buffers = vec![Watched::new(&ends), Watched::new(&ends)];
        let receive = RecvMsg::new(one.clone(), buffers).control_space(ControlMessage::space(4));
        start_and_drop(&driver, receive);
        let memory = neighbours();

        let passed = OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let send = SendMsg::new(other, [Watched::new(&ends), Watched::new(&ends)])
            .control(ControlMessage::descriptors(vec![passed]));
        start_and_drop(&driver, send);
        until("the buffers are freed", || ends.load(Ordering::SeqCst) == 4);
        until_idle(&driver);
        assert_untouched(&memory);
    }
    end(&driver);
    canary::inspect();
}

#[test]
fn a_dropped_send_to_a_full_socket_keeps_what_it_sends() {
    let test = "a_dropped_send_to_a_full_socket_keeps_what_it_sends";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..ROUNDS {
        let (near, _far) = UnixStream::pair().unwrap();
        near.set_nonblocking(true).unwrap();
        while (&near).write(&[0; 65536]).is_ok() {}
        let ends = Arc::new(AtomicUsize::new(0));
        let send = SendMsg::new(shared(near), vec![Watched::new(&ends)]);
        let mut send = Box::pin(driver.clone().submit(send));
        assert!(poll_once(send.as_mut()).is_pending());
        drop(send);
        let memory = neighbours();
        until("the buffers are freed", || ends.load(Ordering::SeqCst) == 1);
        until_idle(&driver);
        assert_untouched(&memory);
    }
    end(&driver);
    canary::inspect();
}

#[test]
fn a_dropped_vectored_read_keeps_its_vectors() {
    let test = "a_dropped_vectored_read_keeps_its_vectors";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..ROUNDS {
        let (reader, mut writer) = pipe();
        let ends = Arc::new(AtomicUsize::new(0));
        let buffers = [Watched::new(&ends), Watched::new(&ends), Watched::new(&ends)];
        start_and_drop(&driver, ReadVectored::new(reader, buffers, Position::Current));
        let memory = neighbours();
        let _ = writer.write_all(&[0x5A; 3 * canary::SIZE]);
        until("the buffers are freed", || ends.load(Ordering::SeqCst) == 3);
        until_idle(&driver);
        assert_untouched(&memory);
    }
    end(&driver);
    canary::inspect();
}

#[test]
fn dropped_opens_stats_and_timers_keep_path_result_and_time() {
    let test = "dropped_opens_stats_and_timers_keep_path_result_and_time";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a name that is long enough to be on the heap by itself");
    for _ in 0..ROUNDS {
        let mut options = OpenOptions::new();
        options.write(true).create(true);
        start_and_drop(&driver, OpenAt::new(&path, &options).unwrap());
        start_and_drop(&driver, Statx::at(&path).unwrap());
        start_and_drop(&driver, Timeout::new(Duration::from_secs(3600)));
        start_and_drop(&driver, Timeout::new(Duration::ZERO));
        let memory = neighbours();
        until_idle(&driver);
        assert_untouched(&memory);
    }
    // A cancel may have been faster each time; but what was created has the right name.
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        assert_eq!(entry.unwrap().path(), path);
    }
    end(&driver);
}

#[test]
fn a_datagram_that_comes_after_the_drop_is_written_to_nobodys_memory() {
    let test = "a_datagram_that_comes_after_the_drop_is_written_to_nobodys_memory";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    for _ in 0..ROUNDS {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let ends = Arc::new(AtomicUsize::new(0));
        start_and_drop(&driver, RecvMsg::new(shared(socket), vec![Watched::new(&ends)]));
        let memory = neighbours();
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        sender.send_to(&[0x5A; 512], address).unwrap();
        until("the buffers are freed", || ends.load(Ordering::SeqCst) == 1);
        until_idle(&driver);
        assert_untouched(&memory);
    }
    end(&driver);
    canary::inspect();
}

/// Three GiB of addresses, all of them the same 16 MiB of memory.
struct Huge {
    memory: *mut u8,
}

const HUGE: usize = 3 << 30;
const PIECE: usize = 16 << 20;

impl Huge {
    fn new() -> Huge {
        // SAFETY: the name is a string that ends with a zero byte.
        let memory = unsafe { libc::memfd_create(c"huge".as_ptr(), libc::MFD_CLOEXEC) };
        assert!(memory >= 0);
        // SAFETY: the descriptor is new and nobody else's.
        let file = std::fs::File::from(unsafe { OwnedFd::from_raw_fd(memory) });
        file.set_len(PIECE as u64).unwrap();
        let protection = libc::PROT_READ | libc::PROT_WRITE;
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE;
        // SAFETY: without MAP_FIXED the kernel picks addresses that nobody uses.
        let start = unsafe { libc::mmap(ptr::null_mut(), HUGE, libc::PROT_NONE, flags, -1, 0) };
        assert_ne!(start, libc::MAP_FAILED);
        for offset in (0..HUGE).step_by(PIECE) {
            let flags = libc::MAP_SHARED | libc::MAP_FIXED;
            // SAFETY: the offset is within what has just been mapped.
            let place = unsafe { start.byte_add(offset) };
            // SAFETY: the addresses are those of the mapping made above, which nobody uses.
            let piece = unsafe { libc::mmap(place, PIECE, protection, flags, file.as_raw_fd(), 0) };
            assert_eq!(piece, place);
        }
        Huge { memory: start.cast() }
    }
}

impl Drop for Huge {
    fn drop(&mut self) {
        // SAFETY: the mapping is this buffer's own, and nobody uses it any more.
        unsafe { libc::munmap(self.memory.cast(), HUGE) };
    }
}

// SAFETY: the memory is the process's, and belongs to the one buffer.
unsafe impl std::marker::Send for Huge {}

// SAFETY: the memory stays mapped until the buffer is dropped.
unsafe impl IoBuf for Huge {
    fn bytes_ptr(&self) -> *const u8 {
        self.memory
    }

    fn bytes_len(&self) -> usize {
        HUGE
    }
}

// SAFETY: as above; the kernel's memory is initialised throughout.
unsafe impl IoBufMut for Huge {
    fn target_ptr(&mut self) -> *mut u8 {
        self.memory
    }

    fn target_len(&self) -> usize {
        HUGE
    }

    unsafe fn set_filled(&mut self, _count: usize) {}
}

#[test]
fn a_buffer_of_three_gib_moves_as_much_as_one_operation_can() {
    let test = "a_buffer_of_three_gib_moves_as_much_as_one_operation_can";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let most = ringbahn_core::buf::TRANSFER_MAX as usize;

    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    let write = Write::new(shared(null), Huge::new(), Position::Current);
    let (count, buffer) = run(driver.clone().submit(write));
    assert_eq!(count.unwrap(), most);

    let zero = std::fs::File::open("/dev/zero").unwrap();
    let read = Read::new(shared(zero), buffer, Position::Current);
    let (count, _buffer) = run(driver.clone().submit(read));
    // This file may be read with a short count whenever the thread has something else to do.
    assert!((1..=most).contains(&count.unwrap()));
    end(&driver);
}

#[test]
fn of_more_than_1024_buffers_the_first_ones_are_moved() {
    let test = "of_more_than_1024_buffers_the_first_ones_are_moved";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let null = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    let write = WriteVectored::new(shared(null), vec!["ab"; 1030], Position::Current);
    let (count, buffers) = run(driver.clone().submit(write));
    assert_eq!((count.unwrap(), buffers.len()), (2048, 1030));

    let zero = std::fs::File::open("/dev/zero").unwrap();
    let buffers: Vec<_> = (0..1030).map(|_| vec![7; 2].into_boxed_slice().into_vec()).collect();
    let read = ReadVectored::new(shared(zero), buffers, Position::Current);
    let (count, buffers) = run(driver.clone().submit(read));
    let held: usize = buffers.iter().map(Vec::len).sum();
    assert_eq!(count.unwrap(), held);
    assert!(buffers[1024..].iter().all(Vec::is_empty));
    assert!(buffers.iter().flatten().all(|byte| *byte == 0));
    end(&driver);
}

#[test]
fn what_was_read_is_what_the_buffer_holds() {
    let test = "what_was_read_is_what_the_buffer_holds";
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let (reader, mut writer) = pipe();
    writer.write_all(b"hello").unwrap();
    let ends = Arc::new(AtomicUsize::new(0));
    let read = Read::new(reader, Watched::new(&ends), Position::Current);
    let (count, buffer) = run(driver.clone().submit(read));
    assert_eq!((count.unwrap(), buffer.filled()), (5, &b"hello"[..]));
    end(&driver);
}

//! Every event that moves bytes of one buffer, with registered ones.

use std::fs::{File, OpenOptions};
use std::future::poll_fn;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::OpenOptionsExt;
use std::pin::Pin;

use ringbahn_core::event::{Position, Read, ReadExact, Recv, Send, SendZc, Write, WriteAll};
use ringbahn_core::{Drive, IoBuf, IoBufMut, SharedFd};
use ringbahn_drivers::{RegisteredBuffer, RegisteredBuffers};

use crate::scene::{end, pipe, run, shared};
use crate::{driver, local_driver};

fn filled(buffers: &RegisteredBuffers, bytes: &[u8]) -> RegisteredBuffer {
    let mut buffer = buffers.take().expect("a buffer is free");
    assert_eq!(buffer.fill_from(bytes), bytes.len());
    buffer
}

/// Writes, and reads back, with `driver`, the buffers being those of perhaps another one.
fn round_trip<D: Drive + Copy>(driver: D, buffers: &RegisteredBuffers, run: impl Runs) {
    let file = shared(tempfile::tempfile().unwrap());
    let hello = filled(buffers, b"hello, registered");
    let write = Write::new(file.clone(), hello.slice(7..), Position::At(4));
    let (count, hello) = run.run(driver.submit(write));
    assert_eq!(count.unwrap(), 10);
    let (result, hello) =
        run.run(driver.submit(WriteAll::new(file.clone(), hello.into_inner(), Position::At(0))));
    result.unwrap();
    let (count, read) = run.run(driver.submit(Read::new(file.clone(), hello, Position::At(5))));
    assert_eq!((count.unwrap(), &read[..]), (12, &b", registered"[..]));
    let exact = ReadExact::new(file, read.slice(2..6), Position::At(0));
    let (result, exact) = run.run(driver.submit(exact));
    result.unwrap();
    assert_eq!((&*exact, &exact.get_ref()[..]), (&b"hell"[..], &b", hell"[..]));
}

/// How a test runs a future.
pub(crate) trait Runs: Copy {
    fn run<F: Future>(self, future: F) -> F::Output;
}

#[derive(Clone, Copy)]
pub(crate) struct Anywhere;

impl Runs for Anywhere {
    fn run<F: Future>(self, future: F) -> F::Output {
        run(future)
    }
}

impl Runs for &ringbahn_drivers::LocalDriver {
    fn run<F: Future>(self, future: F) -> F::Output {
        self.block_on(future)
    }
}

#[test]
fn bytes_arrive_by_registered_buffers_on_their_ring_and_on_others() {
    let test = "bytes_arrive_by_registered_buffers_on_their_ring_and_on_others";
    let Some(one) = driver(test, 4, 8) else { return };
    let Some(other) = driver(test, 4, 8) else { return };
    let Some(local) = local_driver(test, 4, 8) else { return };
    let buffers = one.register_buffers(2, 64).unwrap();
    let of_local = local.register_buffers(2, 64).unwrap();
    for buffers in [&buffers, &of_local] {
        round_trip(&one, buffers, Anywhere);
        round_trip(&other, buffers, Anywhere);
        round_trip(&local, buffers, &local);
        assert_eq!(buffers.available(), 2);
    }
    end(&one);
    end(&other);
}

#[test]
fn a_read_from_the_page_cache_is_served_at_once_all_the_same() {
    let test = "a_read_from_the_page_cache_is_served_at_once_all_the_same";
    let Some(driver) = crate::skip::driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(1, 64).unwrap();
    round_trip(&driver, &buffers, Anywhere);
    assert!(driver.counters().served_at_once > 0);
    end(&driver);
}

#[test]
fn pipes_devices_and_what_the_kernel_makes_up_are_read_into_registered_buffers() {
    let test = "pipes_devices_and_what_the_kernel_makes_up_are_read_into_registered_buffers";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(1, 5000).unwrap();
    let (reader, mut writer) = pipe();
    writer.write_all(b"through").unwrap();
    let read = Read::new(reader, buffers.take().unwrap(), Position::Current);
    let (count, buffer) = run(driver.clone().submit(read));
    assert_eq!((count.unwrap(), &buffer[..]), (7, &b"through"[..]));
    drop(buffer);
    for path in ["/dev/zero", "/proc/self/status", "/sys/devices/system/cpu/online"] {
        let file = shared(File::open(path).unwrap());
        let read = Read::new(file, buffers.take().unwrap(), Position::At(0));
        let (count, buffer) = run(driver.clone().submit(read));
        assert!(count.unwrap() > 0, "{path}");
        assert!(!buffer.is_empty());
    }
    end(&driver);
}

#[test]
fn files_past_the_page_cache_are_written_and_read() {
    let test = "files_past_the_page_cache_are_written_and_read";
    let Some(driver) = driver(test, 1, 2) else { return };
    let directory = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let path = directory.path().join("blocks");
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).custom_flags(libc::O_DIRECT);
    let Ok(file) = options.open(&path) else {
        return crate::skip::skip(test, "no O_DIRECT on this file system");
    };
    let file = shared(file);
    let buffers = driver.register_buffers(2, 8192).unwrap();
    let mut block = buffers.take().unwrap();
    block.set_len(8192);
    block.fill(7);
    let (count, block) =
        run(driver.clone().submit(Write::new(file.clone(), block, Position::At(4096))));
    assert_eq!((count.unwrap(), block.len()), (8192, 8192));
    let read = Read::new(file, buffers.take().unwrap(), Position::At(4096));
    let (count, back) = run(driver.clone().submit(read));
    assert_eq!((count.unwrap(), &back[..]), (8192, &block[..]));
    end(&driver);
}

#[test]
fn sockets_send_and_receive_registered_buffers_with_and_without_a_copy() {
    let test = "sockets_send_and_receive_registered_buffers_with_and_without_a_copy";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(2, 4096).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut far = listener.accept().unwrap().0;
    let near: SharedFd = shared(near);

    let (count, first) =
        run(driver.clone().submit(Send::new(near.clone(), filled(&buffers, b"copied"))));
    assert_eq!(count.unwrap(), 6);
    let mut text = [0; 6];
    far.read_exact(&mut text).unwrap();
    assert_eq!(&text, b"copied");

    // Read before the buffer is waited for: the near end may hold it until then.
    let mut zero_copy = driver.clone().submit(SendZc::new(near.clone(), filled(&buffers, b"not")));
    let first_cqe = poll_fn(|cx| Pin::new(&mut zero_copy).poll_cqe(cx, 0));
    assert_eq!(run(first_cqe).unwrap().result().unwrap(), 3);
    far.read_exact(&mut text[..3]).unwrap();
    assert_eq!(&text[..3], b"not");
    let (count, second) = run(zero_copy);
    assert_eq!((count.unwrap(), &second[..]), (3, &b"not"[..]));

    far.write_all(b"answer").unwrap();
    let (count, second) = run(driver.clone().submit(Recv::new(near, second)));
    assert_eq!((count.unwrap(), &second[..]), (6, &b"answer"[..]));
    drop((first, second));
    assert_eq!(buffers.available(), 2);
    end(&driver);
}

//! Operations that need not wait are served by a system call of their own, and nobody can tell but
//! by the clock.

use std::fs::File;
use std::future::{Future, poll_fn};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use ringbahn_core::event::{
    Incomplete, Position, Read, ReadVectored, Recv, Send, SendAll, Timeout, Write, WriteAll,
};
use ringbahn_core::{
    Attempt, BufResultExt, CancelTarget, Completion, Drive, Reservation, Served, Shared, SharedFd,
};
use ringbahn_drivers::{LocalDriver, SharedDriver};

#[path = "support/skip.rs"]
mod skip;

/// Runs a test on both drivers.
macro_rules! on_both {
    ($test:ident, $driver:ident, $body:expr) => {
        mod $test {
            use super::*;

            #[test]
            fn shared() {
                let Some($driver) = skip::driver(stringify!($test), 4, 8) else { return };
                block_on($body);
            }

            #[test]
            fn local() {
                let Some($driver) = skip::local_driver(stringify!($test), 4, 8) else { return };
                let runner = $driver.clone();
                runner.block_on($body);
            }
        }
    };
}

fn file(contents: &[u8]) -> (SharedFd, File) {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(contents).unwrap();
    (SharedFd::new(Arc::new(file.try_clone().unwrap())), file)
}

fn pair() -> (SharedFd, UnixStream) {
    let (near, far) = UnixStream::pair().unwrap();
    (SharedFd::from(OwnedFd::from(near)), far)
}

on_both!(a_read_from_the_page_cache_never_comes_to_the_ring, driver, async {
    let (fd, _file) = file(b"0123456789");
    let read = driver.clone().submit(Read::new(fd, vec![0; 4], Position::At(3)));
    let (count, buffer) = read.await.both().unwrap();
    assert_eq!((count, &buffer[..]), (4, &b"3456"[..]));
    let counters = driver.counters();
    assert_eq!((counters.submitted, counters.completed, counters.served_at_once), (1, 1, 1));
    assert_eq!((counters.in_flight, counters.enters), (0, 0));
});

on_both!(the_end_of_a_file_is_found_as_ever, driver, async {
    let (fd, _file) = file(b"0123456789");
    for (offset, rest) in [(6, &b"6789"[..]), (10, b""), (99, b"")] {
        let read = Read::new(fd.clone(), Vec::with_capacity(64), Position::At(offset));
        let (count, buffer) = driver.clone().submit(read).await.both().unwrap();
        assert_eq!((count, &buffer[..]), (rest.len(), rest));
    }
    let vectors = vec![vec![0; 3], vec![0; 5]];
    let read = ReadVectored::new(fd, vectors, Position::At(1));
    let (count, buffers) = driver.clone().submit(read).await.both().unwrap();
    assert_eq!((count, buffers), (8, vec![b"123".to_vec(), b"45678".to_vec()]));
});

on_both!(a_file_half_of_which_is_on_disk_only_is_read_whole, driver, async {
    const HALF: usize = 256 * 1024;
    let contents: Vec<u8> = (0..2 * HALF).map(|n| (n / 251) as u8).collect();
    let (fd, file) = file(&contents);
    file.sync_all().unwrap();
    let half = std::num::NonZeroU64::new(HALF as u64);
    rustix::fs::fadvise(&file, HALF as u64, half, rustix::fs::Advice::DontNeed).unwrap();
    let read = Read::new(fd, Vec::with_capacity(2 * HALF), Position::At(0));
    let (count, buffer) = driver.clone().submit(read).await.both().unwrap();
    assert_eq!(count, 2 * HALF, "a file is read up to its end or the buffer's");
    assert!(buffer == contents);
});

on_both!(a_receive_gets_what_has_arrived_and_else_waits, driver, async {
    let (fd, mut far) = pair();
    far.write_all(b"early").unwrap();
    let recv = || driver.clone().submit(Recv::new(fd.clone(), Vec::with_capacity(16)));
    assert_eq!(recv().await.both().unwrap().1, b"early");
    assert_eq!(driver.counters().served_at_once, 1);
    let mut late = pin!(recv());
    assert!(poll_fn(|cx| Poll::Ready(late.as_mut().poll(cx).is_pending())).await);
    far.write_all(b"late").unwrap();
    assert_eq!(late.await.both().unwrap().1, b"late");
    drop(far);
    assert_eq!(recv().await.both().unwrap().0, 0, "the end");
});

on_both!(a_reset_is_told_once, driver, async {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut far, _) = listener.accept().unwrap();
    (&near).write_all(b"unread").unwrap();
    // What was sent has to be there before the other side closes, or it is no reset.
    far.read_exact(&mut [0; 1]).unwrap();
    drop(far);
    let fd = SharedFd::from(OwnedFd::from(near));
    let recv = || driver.clone().submit(Recv::new(fd.clone(), vec![0; 8]));
    let (result, _) = recv().await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::ConnectionReset);
    assert_eq!(recv().await.0.unwrap(), 0);
    let (result, _) = driver.clone().submit(Send::new(fd.clone(), vec![1])).await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::BrokenPipe, "and no signal");
});

on_both!(what_finds_no_room_at_once_goes_on_in_the_ring, driver, async {
    const LENGTH: usize = 4 << 20;
    let bytes: Vec<u8> = (0..LENGTH).map(|n| (n / 253) as u8).collect();
    let expected = bytes.clone();
    let (fd, mut far) = pair();
    let reader = thread::spawn(move || {
        let mut received = vec![0; LENGTH];
        far.read_exact(&mut received).unwrap();
        assert!(received == expected);
    });
    let ((), bytes) = driver.clone().submit(SendAll::new(fd, bytes)).await.both().unwrap();
    reader.join().unwrap();
    let (mut from, to) = std::io::pipe().unwrap();
    let reader = thread::spawn(move || {
        let mut received = vec![0; LENGTH];
        from.read_exact(&mut received).unwrap();
        received
    });
    let fd = SharedFd::from(OwnedFd::from(to));
    let write = WriteAll::new(fd, bytes, Position::Current);
    let ((), bytes) = driver.clone().submit(write).await.both().unwrap();
    assert!(reader.join().unwrap() == bytes);
});

on_both!(a_write_lands_where_it_belongs, driver, async {
    let (fd, mut file) = file(b"..........");
    let write = driver.clone().submit(Write::new(fd, b"abc".to_vec(), Position::At(4)));
    assert_eq!(write.await.both().unwrap().0, 3);
    let mut contents = String::new();
    std::io::Seek::rewind(&mut file).unwrap();
    file.read_to_string(&mut contents).unwrap();
    assert_eq!(contents, "....abc...");
});

on_both!(a_send_that_waits_for_all_sends_all, driver, async {
    const LENGTH: usize = 4 << 20;
    let (fd, mut far) = pair();
    let reader = thread::spawn(move || far.read_exact(&mut vec![0; LENGTH]).unwrap());
    let send = Send::new(fd, vec![7; LENGTH]).wait_all(true);
    let (count, bytes) = driver.clone().submit(send).await.both().unwrap();
    assert_eq!((count, bytes.len()), (LENGTH, LENGTH));
    reader.join().unwrap();
});

on_both!(a_send_that_is_stopped_half_way_tells_how_far_it_came, driver, async {
    const LENGTH: usize = 4 << 20;
    for timed_out in [false, true] {
        let (fd, mut far) = pair();
        let send = driver.clone().submit(SendAll::new(fd, vec![7; LENGTH]));
        let (result, _) = if timed_out {
            send.timeout(Duration::from_millis(5)).await
        } else {
            let mut send = pin!(send);
            assert!(poll_fn(|cx| Poll::Ready(send.as_mut().poll(cx).is_pending())).await);
            poll_fn(|cx| send.as_mut().poll_cancel(cx)).await.into_inner()
        };
        let error = result.unwrap_err();
        let incomplete = error.get_ref().and_then(|inner| inner.downcast_ref::<Incomplete>());
        let mut received = Vec::new();
        far.read_to_end(&mut received).unwrap();
        assert_eq!(incomplete.map(Incomplete::done), Some(received.len()), "{error:?}");
    }
});

on_both!(a_netlink_socket_tells_that_it_has_lost_messages, driver, async {
    let netlink = socket2::Domain::from(libc::AF_NETLINK);
    let socket = socket2::Socket::new(netlink, socket2::Type::DGRAM, None).unwrap();
    socket.set_recv_buffer_size(1).unwrap();
    // `RTM_GETLINK` of the first interface: length, type and flags, sequence, port, `ifinfomsg`.
    let mut request = [0_u32; 8];
    (request[0], request[1], request[5]) = (32, 18 | 1 << 16, 1);
    let request: Vec<u8> = request.iter().flat_map(|word| word.to_ne_bytes()).collect();
    for _ in 0..64 {
        socket.send(&request).unwrap();
    }
    let fd = SharedFd::from(OwnedFd::from(socket));
    let recv = || driver.clone().submit(Recv::new(fd.clone(), Vec::with_capacity(8192)));
    let (result, _) = recv().await;
    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ENOBUFS));
    assert!(recv().await.both().unwrap().0 > 0, "an answer that found room");
});

on_both!(what_would_wait_for_the_disk_is_left_to_the_ring, driver, async {
    use std::os::unix::fs::OpenOptionsExt;

    let path = tempfile::NamedTempFile::new().unwrap();
    let open = |flag| File::options().read(true).write(true).custom_flags(flag).open(path.path());
    let Ok(direct) = open(libc::O_DIRECT) else {
        let test = "what_would_wait_for_the_disk_is_left_to_the_ring";
        return skip::skip(test, "the file system of the temporary files has no O_DIRECT");
    };
    let durable = SharedFd::new(Arc::new(open(libc::O_DSYNC).unwrap()));
    let direct = SharedFd::new(Arc::new(direct));
    // Of no length, since that is always aligned.
    let read = Read::new(direct.clone(), Vec::new(), Position::At(0));
    driver.clone().submit(read).await.both().unwrap();
    for fd in [direct, durable] {
        let write = Write::new(fd, Vec::new(), Position::At(0));
        driver.clone().submit(write).await.both().unwrap();
    }
    assert_eq!(driver.counters().served_at_once, 0);
});

on_both!(a_driver_that_was_shut_down_serves_nothing_either, driver, async {
    let (fd, _file) = file(b"0123456789");
    driver.stop();
    let read = driver.clone().submit(Read::new(fd, vec![0; 4], Position::At(0)));
    let (result, buffer) = read.await;
    assert_eq!(result.unwrap_err().kind(), ErrorKind::NotConnected);
    assert_eq!(buffer, vec![0; 4]);
});

/// Shuts a driver down, of whichever kind.
trait Stop {
    fn stop(&self);
}

impl Stop for SharedDriver {
    fn stop(&self) {
        // It begins with the call.
        drop(self.shutdown(Duration::ZERO));
    }
}

impl Stop for LocalDriver {
    fn stop(&self) {
        self.shutdown(Duration::ZERO);
    }
}

#[test]
fn a_task_that_reads_what_is_there_does_not_keep_others_from_their_turn() {
    let test = "a_task_that_reads_what_is_there_does_not_keep_others_from_their_turn";
    let Some(driver) = skip::local_driver(test, 4, 8) else { return };
    let (fd, _file) = file(&[7; 4096]);
    driver.block_on(async {
        let reads = pin!(async {
            loop {
                let read = Read::new(fd.clone(), [0_u8; 64], Position::At(0));
                assert_eq!(driver.clone().submit(read).await.both().unwrap().0, 64);
            }
        });
        let timer = driver.clone().submit(Timeout::new(Duration::from_millis(5)));
        futures::future::select(timer, reads).await;
    });
    assert!(driver.counters().served_at_once > 10);
}

#[test]
fn a_driver_can_be_told_to_leave_everything_to_the_ring() {
    let Ok(driver) = LocalDriver::builder().entries(4).serve_at_once(false).build() else {
        return skip::skip("a_driver_can_be_told_to_leave_everything_to_the_ring", "no io_uring");
    };
    let (fd, _file) = file(b"0123456789");
    let read = Read::new(fd, vec![0; 4], Position::At(3));
    assert_eq!(driver.block_on(driver.clone().submit(read)).both().unwrap().1, b"3456");
    assert_eq!((driver.counters().served_at_once, driver.counters().enters), (0, 1));
}

/// Counts how often it is asked to serve something at once.
#[derive(Clone)]
struct Asked(SharedDriver, Arc<AtomicU32>);

impl Drive for Asked {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        Pin::new(&mut self.0).poll_prepare(cx, count, prepare)
    }

    fn attempt<'a>(mut self: Pin<&mut Self>, attempt: Attempt<'a>) -> Option<Served<'a>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        Pin::new(&mut self.0).attempt(attempt)
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.0).poll_submit(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget) {
        Pin::new(&mut self.0).cancel(target);
    }
}

#[test]
fn a_driver_is_asked_once_about_a_read_whether_it_serves_it_or_not() {
    let test = "a_driver_is_asked_once_about_a_read_whether_it_serves_it_or_not";
    let Some(driver) = skip::driver(test, 4, 8) else { return };
    let asked = Asked(driver.clone(), Arc::default());
    let (near, mut far) = pair();
    let read = Read::new(near.clone(), [0; 4], Position::Current);
    let mut waits = pin!(asked.clone().submit(read));
    let cx = &mut Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(cx).is_pending());
    assert_eq!((asked.1.load(Ordering::Relaxed), driver.counters().in_flight), (1, 1));
    far.write_all(b"ring").unwrap();
    assert_eq!(block_on(waits).both().unwrap(), (4, *b"ring"));
    assert_eq!(asked.1.load(Ordering::Relaxed), 1);
    let (fd, _file) = file(b"0123456789");
    let mut served = pin!(asked.clone().submit(Read::new(fd, [0; 4], Position::At(3))));
    let Poll::Ready(output) = served.as_mut().poll(cx) else { panic!("it was not served") };
    assert_eq!(output.both().unwrap(), (4, *b"3456"));
    assert_eq!(asked.1.load(Ordering::Relaxed), 2);
    // What was served where it lay has left nothing, and its future runs another one.
    served.as_mut().restart(Read::new(near, [0; 4], Position::Current));
    far.write_all(b"bahn").unwrap();
    assert_eq!(block_on(served).both().unwrap(), (4, *b"bahn"));
}

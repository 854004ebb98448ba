//! Operations that the kernel does not know: the fallback executes them, one by one, beside a ring
//! that executes the rest.

use std::io::{self, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ringbahn_core::event::{
    Accept, EventExt, Fsync, Nop, Pipe, Position, Read, Recv, SendZc, Timeout, Write,
};
use ringbahn_core::{Cancelled, Drive, SharedFd, opcode};
use ringbahn_drivers::{Backend, LocalDriver, Policy, SharedDriver, SqpollDriver};

#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{end, pipe, poll_once, run, until, until_idle};

/// What the kernel is said not to know.
const LACKING: [u8; 6] =
    [opcode::READ, opcode::ACCEPT, opcode::FSYNC, opcode::SEND_ZC, opcode::CONNECT, opcode::PIPE];

fn shared(test: &str, entries: u32) -> Option<SharedDriver> {
    let builder = SharedDriver::builder().entries(entries).completion_entries(2 * entries);
    let builder = builder.serve_at_once(false).policy(Policy::Require);
    let built =
        LACKING.into_iter().fold(builder, |builder, opcode| builder.without(opcode)).build();
    built.map_err(|error| skip::skip(test, &format!("no io_uring: {error}"))).ok()
}

fn local(test: &str, entries: u32) -> Option<LocalDriver> {
    let builder = LocalDriver::builder().entries(entries).completion_entries(2 * entries);
    let builder = builder.serve_at_once(false).policy(Policy::Require);
    let built =
        LACKING.into_iter().fold(builder, |builder, opcode| builder.without(opcode)).build();
    built.map_err(|error| skip::skip(test, &format!("no io_uring: {error}"))).ok()
}

/// Whether a thread of the fallback runs in this process.
fn is_fallback_at_work() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").unwrap();
    let mut names =
        threads.filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("comm")).ok());
    // The kernel cuts names.
    names.any(|name| name.starts_with("ringbahn-reacto"))
}

/// Runs `scene` on both drivers.
macro_rules! on_both {
    ($($test:ident: $scene:ident, $entries:literal;)*) => {$(
        #[test]
        fn $test() {
            let test = stringify!($test);
            let Some(driver) = shared(test, $entries) else { return };
            assert_eq!(driver.backend(), Backend::IoUring);
            run($scene(&driver));
            until("the fallback is at work", is_fallback_at_work);
            until_idle(&driver);
            end(&driver);
            let driver = local(test, $entries).expect("there was a ring just now");
            driver.block_on($scene(&driver));
            let report = driver.shutdown(Duration::from_secs(5));
            assert_eq!(report.leaked, 0, "{report:?}");
            let counters = driver.counters();
            assert_eq!(counters.submitted, counters.completed, "{counters:#?}");
            assert_eq!((counters.in_flight, counters.unknown_cqes), (0, 0), "{counters:#?}");
        }
    )*};
}

on_both! {
    what_the_kernel_lacks_works_beside_what_it_knows: work_of_both_kinds, 4;
    a_pipe_is_made_beside_the_ring: make_pipe, 1;
    a_sleeping_thread_is_woken_by_either: wait_for_either, 4;
    what_waits_in_the_fallback_is_cancelled_there: cancel_there, 2;
    a_chain_with_one_such_part_stays_a_chain: chain, 2;
    nothing_is_lost_in_the_smallest_queues: flood, 1;
    what_is_in_flight_of_either_kind_ends_with_the_driver: leave_in_flight, 2;
}

#[test]
fn beside_a_ring_with_a_kernel_thread_it_is_the_same() {
    let test = "beside_a_ring_with_a_kernel_thread_it_is_the_same";
    let builder = SqpollDriver::builder().entries(4).idle(Duration::from_millis(1));
    let built = [opcode::READ, opcode::ACCEPT, opcode::FSYNC]
        .into_iter()
        .fold(builder, |builder, opcode| builder.without(opcode))
        .build();
    let driver = match built {
        Ok(driver) => driver,
        Err(error) => return skip::skip(test, &format!("no io_uring: {error}")),
    };
    run(wait_for_either(&driver));
    run(cancel_there(&driver));
    until("the fallback is at work", is_fallback_at_work);
    let report = run(driver.shutdown(Duration::from_secs(5)));
    assert_eq!(report.leaked, 0, "{report:?}");
}

async fn work_of_both_kinds<D: Drive + Clone>(driver: &D) {
    let file = SharedFd::new(Arc::new(tempfile::tempfile().unwrap()));
    for round in 0..50_u64 {
        let at = Position::At(round * 8);
        let bytes = round.to_be_bytes().to_vec();
        let (written, bytes) = driver.clone().submit(Write::new(file.clone(), bytes, at)).await;
        assert_eq!(written.unwrap(), 8);
        driver.clone().submit(Fsync::new(file.clone())).await.unwrap();
        let read = Read::new(file.clone(), vec![0; 8], at);
        let (count, buffer) = driver.clone().submit(read).await;
        assert_eq!((count.unwrap(), buffer), (8, bytes));
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (far, _) = listener.accept().unwrap();
    let (near, far) = (SharedFd::new(Arc::new(near)), SharedFd::new(Arc::new(far)));
    let (sent, _) = driver.clone().submit(SendZc::new(near, b"by copy".to_vec())).await;
    assert_eq!(sent.unwrap(), 7);
    let (count, buffer) = driver.clone().submit(Recv::new(far, vec![0; 16])).await;
    assert_eq!(&buffer[..count.unwrap()], b"by copy");
}

/// Each waits, with nothing else to wake the thread: one of the fallback's, one of the kernel's.
async fn make_pipe<D: Drive + Clone>(driver: &D) {
    let (reader, mut writer) = driver.clone().submit(Pipe::new()).await.unwrap();
    for end in [reader.as_fd(), writer.as_fd()] {
        let flags = rustix::io::fcntl_getfd(end).unwrap();
        assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
    }
    writer.write_all(b"hello").unwrap();
    let reader = SharedFd::new(Arc::new(reader));
    let read = Read::new(reader, vec![0; 8], Position::Current);
    let (count, buffer) = driver.clone().submit(read).await;
    assert_eq!((count.unwrap(), &buffer[..]), (5, &b"hello"[..]));
}

async fn wait_for_either<D: Drive + Clone>(driver: &D) {
    for _ in 0..20 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let listener = SharedFd::new(Arc::new(listener));
        let client = std::thread::spawn(move || {
            let mut client = TcpStream::connect(address).unwrap();
            client.write_all(b"hello").unwrap();
            client
        });
        let (server, _) = driver.clone().submit(Accept::new(listener)).await.unwrap();
        let server = SharedFd::from(server);
        let (count, buffer) = driver.clone().submit(Recv::new(server, vec![0; 8])).await;
        assert_eq!(&buffer[..count.unwrap()], b"hello");
        drop(client.join().unwrap());
        driver.clone().submit(Timeout::new(Duration::from_millis(1))).await.unwrap();
    }
}

async fn cancel_there<D: Drive + Clone>(driver: &D) {
    let (reader, _writer) = pipe();
    let read = || Read::new(reader.clone(), b"as it was".to_vec(), Position::Current);
    for _ in 0..20 {
        let mut dropped = Box::pin(driver.clone().submit(read()));
        assert!(poll_once(dropped.as_mut()).is_pending());
        drop(dropped);
        let Cancelled::Cancelled((result, buffer)) = driver.clone().submit(read()).cancel().await
        else {
            panic!("nothing was there to be read");
        };
        assert!(result.is_err());
        assert_eq!(buffer, b"as it was");
        let mut waiting = Box::pin(driver.clone().submit(read()));
        assert!(poll_once(waiting.as_mut()).is_pending());
        driver.clone().submit(Nop).await.unwrap();
        let cancelled = std::future::poll_fn(|cx| waiting.as_mut().poll_cancel(cx)).await;
        assert!(matches!(cancelled, Cancelled::Cancelled((_, buffer)) if buffer == b"as it was"));
        let bounded = driver.clone().submit(read()).timeout(Duration::from_millis(1));
        let (result, buffer) = bounded.await;
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
        assert_eq!(buffer, b"as it was");
    }
}

async fn chain<D: Drive + Clone>(driver: &D) {
    let file = SharedFd::new(Arc::new(tempfile::tempfile().unwrap()));
    let write = Write::new(file.clone(), b"all of it".to_vec(), Position::At(0));
    let ((written, _), synced) = driver.clone().submit(write.link(Fsync::new(file.clone()))).await;
    assert_eq!((written.unwrap(), synced.unwrap()), (9, ()));
    let short = Read::new(file.clone(), vec![0; 10], Position::At(0));
    let ((count, _), synced) = driver.clone().submit(short.link(Nop)).await;
    assert_eq!(count.unwrap(), 9);
    assert_eq!(synced.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
}

async fn flood<D: Drive + Clone>(driver: &D) {
    let file = SharedFd::new(Arc::new(tempfile::tempfile().unwrap()));
    driver.clone().submit(Write::new(file.clone(), vec![7; 64], Position::At(0))).await.0.unwrap();
    let begin = Instant::now();
    let of_the_kernel = join_all((0..300).map(|_| driver.clone().submit(Nop)));
    let of_the_fallback = join_all(
        (0..300)
            .map(|_| driver.clone().submit(Read::new(file.clone(), vec![0; 64], Position::At(0)))),
    );
    let (nops, reads) = futures::future::join(of_the_kernel, of_the_fallback).await;
    assert!(nops.iter().all(Result::is_ok));
    assert!(reads.iter().all(|(count, buffer)| *count.as_ref().unwrap() == 64 && buffer[63] == 7));
    assert!(begin.elapsed() < Duration::from_secs(10));
}

async fn leave_in_flight<D: Drive + Clone>(driver: &D) {
    let (reader, _writer) = pipe();
    let mut read = pin!(driver.clone().submit(Read::new(reader, vec![0; 8], Position::Current)));
    assert!(poll_once(read.as_mut()).is_pending());
    let mut timer = pin!(driver.clone().submit(Timeout::new(Duration::from_secs(600))));
    assert!(poll_once(timer.as_mut()).is_pending());
}

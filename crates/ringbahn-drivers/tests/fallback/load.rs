//! Thousands of operations, through the smallest queues.

use std::io::{PipeReader, Write};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::thread;

use futures::future::join_all;
use ringbahn_core::event::{Nop, Position, Read, Recv, Send, Write as WriteFile};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_drivers::{LocalDriver, SharedDriver};

use crate::watched::Watched;
use crate::{canary, scene, shared, without_io_uring};

const ROUNDS: usize = 1000;

/// Sends numbers through a pair of sockets and counts what comes out.
async fn send_and_receive<D: Drive + Clone>(driver: D, near: SharedFd, far: SharedFd) -> usize {
    let mut sum = 0;
    for n in 0..ROUNDS {
        let send = driver.clone().submit(Send::new(near.clone(), vec![n as u8; 16]));
        let receive = driver.clone().submit(Recv::new(far.clone(), Vec::with_capacity(16)));
        let ((received, buffer), (sent, _)) = futures::join!(receive, send);
        assert_eq!((sent.unwrap(), received.unwrap()), (16, 16));
        assert!(buffer.iter().all(|&byte| byte == n as u8));
        sum += 1;
    }
    sum
}

fn sockets() -> (SharedFd, SharedFd) {
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    (scene::shared(near), scene::shared(far))
}

#[test]
fn several_threads_share_a_queue_of_one() {
    without_io_uring("load::several_threads_share_a_queue_of_one", || {
        let driver = shared(1, 2);
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let driver = driver.clone();
                thread::spawn(move || {
                    let (near, far) = sockets();
                    scene::run(send_and_receive(driver, near, far))
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), ROUNDS);
        }
        scene::end(&driver);
    });
}

#[test]
fn many_futures_of_one_thread_share_a_queue_of_one() {
    without_io_uring("load::many_futures_of_one_thread_share_a_queue_of_one", || {
        let driver = LocalDriver::builder().entries(1).completion_entries(2).build().unwrap();
        let sums = driver.block_on(join_all((0..10).map(|_| {
            let (near, far) = sockets();
            send_and_receive(driver.clone(), near, far)
        })));
        assert_eq!(sums, [ROUNDS; 10]);
    });
}

#[test]
fn operations_dropped_at_any_moment_give_their_buffers_back_and_lose_nothing() {
    let test = "load::operations_dropped_at_any_moment_give_their_buffers_back_and_lose_nothing";
    without_io_uring(test, || {
        let driver = shared(1, 2);
        let ends = Arc::new(AtomicUsize::new(0));
        let read = |driver: &SharedDriver, from: &Arc<PipeReader>| {
            let from = SharedFd::new(from.clone());
            driver.clone().submit(Read::new(from, Watched::new(&ends), Position::Current))
        };
        for n in 0..ROUNDS {
            let (reader, mut writer) = std::io::pipe().unwrap();
            let reader = Arc::new(reader);
            let mut first = pin!(read(&driver, &reader));
            let mut second = Box::pin(read(&driver, &reader));
            scene::start(&mut first);
            scene::start(&mut second);
            // One is dropped or cancelled while data may be on its way to it.
            if n % 3 == 0 {
                writer.write_all(b"x").unwrap();
            }
            if n % 2 == 0 {
                let mut cx = Context::from_waker(Waker::noop());
                let _either = second.as_mut().poll_cancel(&mut cx);
            }
            drop(second);
            scene::run(driver.clone().submit(Nop)).unwrap();
            writer.write_all(b"yz").unwrap();
            drop(writer);
            let (count, _buffer) = scene::run(first);
            count.unwrap();
        }
        scene::until_idle(&driver);
        scene::end(&driver);
        drop(driver);
        assert_eq!(ends.load(Ordering::SeqCst), 2 * ROUNDS);
        canary::inspect();
    });
}

#[test]
fn a_file_is_written_and_read_by_many_at_once() {
    without_io_uring("load::a_file_is_written_and_read_by_many_at_once", || {
        const PIECE: usize = 10_000;
        let driver = SharedDriver::builder().serve_at_once(false).build().unwrap();
        let file = scene::shared(tempfile::tempfile().unwrap());
        scene::run(join_all((0..200).map(|n| {
            let (driver, file) = (driver.clone(), file.clone());
            async move {
                let position = Position::At((n * PIECE) as u64);
                let write = WriteFile::new(file.clone(), vec![n as u8; PIECE], position);
                let (count, _) = driver.clone().submit(write).await;
                assert_eq!(count.unwrap(), PIECE);
                let read = Read::new(file, Vec::with_capacity(PIECE), position);
                let (count, buffer) = driver.submit(read).await;
                assert_eq!(count.unwrap(), PIECE);
                assert!(buffer.iter().all(|&byte| byte == n as u8));
            }
        })));
        scene::end(&driver);
    });
}

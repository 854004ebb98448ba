//! One handle, used by several tasks and threads at once through `&self`.
//!
//! Goal: each of them is woken, and each sees what was accepted before it came.

use std::io::Read;
use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::thread;

use futures::AsyncWriteExt;
use futures::executor::block_on;
use ringbahn::{BufResultExt, Ring};
use socket2::SockRef;

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once};

#[test]
fn all_who_wait_for_a_write_behind_are_woken() {
    let Some(driver) = driver("all_who_wait_for_a_write_behind_are_woken") else { return };
    for _ in 0..20 {
        let (near, mut far) = UnixStream::pair().unwrap();
        SockRef::from(&near).set_send_buffer_size(1).unwrap();
        let mut near = Ring::new_on_driver(near, driver.clone());
        let bytes = vec![7; 100_000];
        assert_eq!(block_on(near.write(&bytes)).unwrap(), bytes.len());
        let near = Arc::new(near);
        let mut first = Box::pin(near.shutdown(Shutdown::Write));
        assert!(poll_once(&mut first).is_pending());
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| block_on(near.shutdown(Shutdown::Write)).unwrap()))
                .collect();
            let mut got = Vec::new();
            far.read_to_end(&mut got).unwrap();
            assert!(got == bytes, "ended after {} bytes", got.len());
            for thread in threads {
                thread.join().unwrap();
            }
        });
        block_on(first).unwrap();
    }
}

#[test]
fn many_tasks_write_and_sync_one_file() {
    let Some(driver) = driver("many_tasks_write_and_sync_one_file") else { return };
    let ring = Arc::new(Ring::new_on_driver(file(b""), driver));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(4).build().unwrap();
    let tasks: Vec<_> = (0..64_u64)
        .map(|number| {
            let ring = ring.clone();
            runtime.spawn(async move {
                let bytes = vec![number as u8; 4096];
                ring.write_all_at(bytes.clone(), number * 4096).await.both()?;
                if number % 8 == 0 {
                    ring.sync_data().await?;
                }
                let read = Vec::with_capacity(4096);
                let ((), read) = ring.read_exact_at(read, number * 4096).await.both()?;
                assert!(read == bytes);
                std::io::Result::Ok(())
            })
        })
        .collect();
    runtime.block_on(async {
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        let ring = Arc::into_inner(ring).unwrap();
        assert_eq!(ring.metadata().await.unwrap().len(), 64 * 4096);
        ring.close().await.unwrap();
    });
}

#[test]
fn a_timeout_gives_the_buffer_back_and_the_next_receive_gets_the_bytes() {
    let Some(driver) = driver("a_timeout_gives_the_buffer_back") else { return };
    use std::io::{ErrorKind, Write};
    use std::time::Duration;
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = Ring::new_on_driver(near, driver);
    block_on(async {
        let (result, buffer) = near.recv(vec![1, 2]).timeout(Duration::from_millis(5)).await;
        assert_eq!((result.unwrap_err().kind(), buffer), (ErrorKind::TimedOut, vec![1, 2]));
        far.write_all(b"hello").unwrap();
        let receive = near.recv(Vec::with_capacity(8)).timeout(Duration::from_secs(60));
        assert_eq!(receive.await.both().unwrap(), (5, b"hello".to_vec()));
    });
}

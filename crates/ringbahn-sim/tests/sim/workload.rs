//! A bit of everything, which comes to the same whatever goes wrong unnoticed.

use std::time::Duration;

use futures::future::{join, join_all, select};
use ringbahn_core::event::{
    Close, Fsync, Interest, Nop, OpenAt, OpenOptions, PollAdd, Position, Read, ReadExact, Recv,
    SendAll, SendZc, Timeout, WriteAll,
};
use ringbahn_core::{Cancelled, Drive, SharedFd};
use ringbahn_sim::{Sim, SimDriver};

use crate::support::shared;

/// Uses files, pipes, sockets and timers, and asserts that all of it is done and right.
pub(crate) async fn run(sim: &Sim) {
    let driver = &sim.driver();
    let nops = join_all((0..40).map(|_| driver.submit(Nop)));
    nops.await.into_iter().for_each(|result| result.unwrap());
    file(driver).await;
    pipe(sim, driver).await;
    connection(sim, driver).await;
    cancels(sim, driver).await;
}

async fn file(driver: &SimDriver) {
    let mut options = OpenOptions::new();
    let open = OpenAt::new("file", options.read(true).write(true).create(true)).unwrap();
    let file = SharedFd::from(driver.submit(open).await.unwrap());
    let content: Vec<u8> = (0..3000).map(|number| number as u8).collect();
    let write = WriteAll::new(file.clone(), content.clone(), Position::At(10));
    driver.submit(write).await.0.unwrap();
    driver.submit(Fsync::new(file.clone())).await.unwrap();
    let read = ReadExact::new(file.clone(), vec![0; 3000], Position::At(10));
    let (result, read) = driver.submit(read).await;
    result.unwrap();
    assert!(read == content);
}

async fn pipe(sim: &Sim, driver: &SimDriver) {
    let (reader, writer) = sim.pipe().unwrap();
    let reader = SharedFd::from(reader);
    let sent: Vec<u8> = (0..5000).map(|number| (number / 7) as u8).collect();
    let write = async {
        let writer = SharedFd::from(writer);
        let write = WriteAll::new(writer.clone(), sent.clone(), Position::Current);
        driver.submit(write).await.0.unwrap();
    };
    let read = async {
        let mut all = Vec::new();
        loop {
            driver.submit(PollAdd::new(reader.clone(), Interest::READABLE)).await.unwrap();
            let read = Read::new(reader.clone(), vec![0; 700], Position::Current);
            let (count, bytes) = driver.submit(read).await;
            if count.unwrap() == 0 {
                return all;
            }
            all.extend(bytes);
        }
    };
    let ((), received) = join(write, read).await;
    assert!(received == sent);
}

async fn connection(sim: &Sim, driver: &SimDriver) {
    let pair = sim.stream_pair().unwrap();
    let copy = pair.1.try_clone().unwrap();
    let (a, b) = shared(pair);
    let send = async {
        driver.submit(SendAll::new(a.clone(), vec![3; 3000])).await.0.unwrap();
        let mut rest = vec![4; 1000];
        while !rest.is_empty() {
            let (count, buffer) = driver.submit(SendZc::new(a.clone(), rest)).await;
            rest = buffer[count.unwrap()..].to_vec();
        }
        // No socket at all, so it fails.
        let (reader, _writer) = sim.pipe().unwrap();
        let (result, buffer) = driver.submit(SendZc::new(reader, vec![5; 10])).await;
        assert!(result.is_err() && buffer == [5; 10]);
    };
    let receive = async {
        let mut sum = 0;
        while sum < 3 * 3000 + 4 * 1000 {
            let (count, bytes) = driver.submit(Recv::new(b.clone(), vec![0; 900])).await;
            assert!(count.unwrap() > 0);
            sum += bytes.iter().map(|&byte| usize::from(byte)).sum::<usize>();
        }
        assert_eq!(sum, 3 * 3000 + 4 * 1000);
    };
    join(send, receive).await;
    driver.submit(Close::new(copy)).await.unwrap();
}

/// Operations that are given up: by a drop, a cancel, or when their time is over.
async fn cancels(sim: &Sim, driver: &SimDriver) {
    let (reader, _writer) = shared(sim.pipe().unwrap());
    let read = || driver.submit(Read::new(reader.clone(), vec![6; 10], Position::Current));
    for _ in 0..4 {
        let timer = || driver.submit(Timeout::new(Duration::from_millis(5)));
        let _ = select(Box::pin(read()), Box::pin(timer())).await;
        let (result, buffer) = read().timeout(Duration::from_millis(3)).await;
        assert_eq!(
            (result.unwrap_err().kind(), buffer),
            (std::io::ErrorKind::TimedOut, vec![6; 10])
        );
        let mut nop = Box::pin(driver.submit(Nop));
        let polled = futures::poll!(nop.as_mut());
        if polled.is_pending() {
            match std::future::poll_fn(|cx| nop.as_mut().poll_cancel(cx)).await {
                Cancelled::Completed(result) => result.unwrap(),
                Cancelled::Cancelled(result) => assert!(result.is_err()),
            }
        }
    }
}

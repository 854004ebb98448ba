//! Waiting for a buffer while all of them are taken.

use std::future::Future as _;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use futures::future::join_all;
use ringbahn_core::Drive;
use ringbahn_core::event::{Position, Read};
use ringbahn_drivers::{RegisteredBuffer, RegisteredBuffers};

use crate::driver;
use crate::scene::{end, poll_once, run, shared, start};

#[test]
fn more_readers_than_buffers_take_turns() {
    let test = "more_readers_than_buffers_take_turns";
    let Some(driver) = driver(test, 2, 4) else { return };
    let buffers = driver.register_buffers(2, 64).unwrap();
    let zero = shared(std::fs::File::open("/dev/zero").unwrap());
    let reader = |_| {
        let (driver, buffers, zero) = (&driver, &buffers, zero.clone());
        async move {
            for _ in 0..50 {
                let buffer = buffers.take_or_wait().await;
                let read = Read::new(zero.clone(), buffer, Position::Current);
                let (count, buffer) = driver.submit(read).await;
                assert_eq!((count.unwrap(), &buffer[..]), (64, &[0; 64][..]));
            }
        }
    };
    run(join_all((0..5).map(reader)));
    assert_eq!(buffers.available(), 2);
    end(&driver);
}

#[test]
fn a_buffer_comes_back_to_another_thread() {
    let test = "a_buffer_comes_back_to_another_thread";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(1, 64).unwrap();
    for _ in 0..100 {
        let taken = buffers.take().unwrap();
        let wait = buffers.take_or_wait();
        let other = std::thread::spawn(move || run(wait).capacity());
        drop(taken);
        assert_eq!(other.join().unwrap(), 64);
    }
    assert_eq!(buffers.available(), 1);
    end(&driver);
}

#[test]
fn one_who_waits_keeps_the_table_and_one_who_is_dropped_takes_nothing() {
    let test = "one_who_waits_keeps_the_table_and_one_who_is_dropped_takes_nothing";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(1, 64).unwrap();
    let taken = buffers.take().unwrap();
    let [mut first, mut second] = [(); 2].map(|()| buffers.take_or_wait());
    start(&mut first);
    start(&mut second);
    drop(buffers);
    drop(taken);
    drop(first);
    let Poll::Ready(buffer) = poll_once(Pin::new(&mut second)) else { panic!("it is free") };
    assert_eq!(buffer.capacity(), 64);
    drop((second, buffer));
    end(&driver);
}

/// A waker that uses the table, as user code may.
struct Greedy {
    buffers: RegisteredBuffers,
    taken: Mutex<Option<RegisteredBuffer>>,
}

impl Wake for Greedy {
    fn wake(self: Arc<Self>) {
        *self.taken.lock().unwrap() = self.buffers.take();
    }
}

#[test]
fn a_waker_may_use_the_table() {
    let test = "a_waker_may_use_the_table";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(1, 64).unwrap();
    let taken = buffers.take();
    let mut wait = buffers.take_or_wait();
    let greedy = Arc::new(Greedy { buffers: buffers.clone(), taken: Mutex::default() });
    let waker = Waker::from(greedy.clone());
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    drop(taken);
    assert_eq!(buffers.available(), 0, "the waker has it");
    assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
    let taken = greedy.taken.lock().unwrap().take();
    drop(wait);
    drop(taken);
    assert_eq!(buffers.available(), 1);
    end(&driver);
}

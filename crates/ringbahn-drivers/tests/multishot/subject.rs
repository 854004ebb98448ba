//! The drivers that a scenario is run on, each in its own way, and what scenarios share.

use std::future::Future;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures::Stream;
use ringbahn_core::event::RecvProvided;
use ringbahn_core::{
    BufferGroup, BufferQueue, Drive, MultiEvent, Multishot, ProvidedBuffer, SendQueue, SharedFd,
};
use ringbahn_drivers::{Counters, LocalDriver, SharedDriver};

use crate::{local, scene, skip};

pub(crate) trait Subject: Drive + Clone + Unpin + 'static {
    fn make(entries: u32, completions: u32) -> io::Result<Self>;

    fn run<F: Future>(&self, future: F) -> F::Output;

    fn buffers(&self, count: u16, size: u32) -> BufferGroup;

    fn queue(&self, count: u16, size: u32) -> BufferQueue;

    fn outgoing(&self, count: u16, size: u32) -> SendQueue;

    /// A small group, if there can be one.
    fn try_buffers(&self) -> io::Result<BufferGroup>;

    /// A small queue to receive into, and one to send from, if there can be one.
    fn try_queues(&self) -> (io::Result<BufferQueue>, io::Result<SendQueue>);

    fn so_far(&self) -> Counters;

    /// Lets the driver work until `condition` holds.
    fn until(&self, what: &str, condition: impl FnMut() -> bool);

    /// A shutdown after which all accounts balance.
    fn end(&self);
}

impl Subject for SharedDriver {
    fn make(entries: u32, completions: u32) -> io::Result<SharedDriver> {
        SharedDriver::builder().entries(entries).completion_entries(completions).build()
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        scene::run(future)
    }

    fn buffers(&self, count: u16, size: u32) -> BufferGroup {
        self.buffer_group(count, size).unwrap()
    }

    fn queue(&self, count: u16, size: u32) -> BufferQueue {
        self.buffer_queue(count, size).unwrap()
    }

    fn outgoing(&self, count: u16, size: u32) -> SendQueue {
        self.send_queue(count, size).unwrap()
    }

    fn try_buffers(&self) -> io::Result<BufferGroup> {
        self.buffer_group(1, 16)
    }

    fn try_queues(&self) -> (io::Result<BufferQueue>, io::Result<SendQueue>) {
        (self.buffer_queue(1, 16), self.send_queue(1, 16))
    }

    fn so_far(&self) -> Counters {
        self.counters()
    }

    fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        scene::until(what, condition);
    }

    fn end(&self) {
        scene::end(self);
    }
}

impl Subject for LocalDriver {
    fn make(entries: u32, completions: u32) -> io::Result<LocalDriver> {
        LocalDriver::builder().entries(entries).completion_entries(completions).build()
    }

    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }

    fn buffers(&self, count: u16, size: u32) -> BufferGroup {
        self.buffer_group(count, size).unwrap()
    }

    fn queue(&self, count: u16, size: u32) -> BufferQueue {
        self.buffer_queue(count, size).unwrap()
    }

    fn outgoing(&self, count: u16, size: u32) -> SendQueue {
        self.send_queue(count, size).unwrap()
    }

    fn try_buffers(&self) -> io::Result<BufferGroup> {
        self.buffer_group(1, 16)
    }

    fn try_queues(&self) -> (io::Result<BufferQueue>, io::Result<SendQueue>) {
        (self.buffer_queue(1, 16), self.send_queue(1, 16))
    }

    fn so_far(&self) -> Counters {
        self.counters()
    }

    fn until(&self, what: &str, condition: impl FnMut() -> bool) {
        local::until(self, what, condition);
    }

    fn end(&self) {
        local::end(self);
    }
}

/// Runs `scenario` where there is a ring for it, and fails where it does not end.
pub(crate) fn play<S: Subject>(test: &str, scenario: fn()) {
    match S::make(1, 2) {
        Ok(_) => local::in_time(scenario),
        Err(error) => skip::skip(test, &format!("no io_uring: {error}")),
    }
}

/// The same, where the ring takes queues of buffers as well.
pub(crate) fn play_with_queues<S: Subject>(test: &str, scenario: fn()) {
    if has_queues::<S>(test) {
        local::in_time(scenario);
    }
}

/// Whether a ring takes queues of buffers; else a line in the log.
pub(crate) fn has_queues<S: Subject>(test: &str) -> bool {
    match S::make(1, 2).and_then(|driver| driver.try_queues().0.map(drop)) {
        Ok(()) => true,
        Err(error) => {
            skip::skip(test, &format!("no io_uring: {error}"));
            false
        }
    }
}

/// Makes two tests of each scenario, a function for any [`Subject`]; `with queues:` before the
/// scenarios says that they need queues of buffers.
macro_rules! on_both_drivers {
    ($($scenario:ident,)*) => {
        on_both_drivers! { @by play; $($scenario,)* }
    };
    (with queues: $($scenario:ident,)*) => {
        on_both_drivers! { @by play_with_queues; $($scenario,)* }
    };
    (@by $play:ident; $($scenario:ident,)*) => {
        mod on_shared {
            $(#[test]
            fn $scenario() {
                use ringbahn_drivers::SharedDriver;
                let scenario = super::$scenario::<SharedDriver>;
                crate::subject::$play::<SharedDriver>(stringify!($scenario), scenario);
            })*
        }

        mod on_local {
            $(#[test]
            fn $scenario() {
                use ringbahn_drivers::LocalDriver;
                let scenario = super::$scenario::<LocalDriver>;
                crate::subject::$play::<LocalDriver>(stringify!($scenario), scenario);
            })*
        }
    };
}

pub(crate) fn poll_next<S: Stream + Unpin>(stream: &mut S) -> Poll<Option<S::Item>> {
    Pin::new(stream).poll_next(&mut Context::from_waker(Waker::noop()))
}

/// Begins to wait for an item that is not there yet.
#[track_caller]
pub(crate) fn begin<D: Subject, S: Stream + Unpin>(driver: &D, stream: &mut S) {
    let polled = driver.run(async { poll_next(stream).is_pending() });
    assert!(polled, "it has not waited");
}

/// Polls `stream` until it knows that its group is out of buffers, and waits for one.
///
/// That nothing is in flight says less: an operation is counted out a moment before its stream is
/// told, and one that was refused may have to try once more, for a buffer that has come back since
/// it began.
#[track_caller]
pub(crate) fn until_starved<M: MultiEvent, D: Subject>(driver: &D, stream: &mut Multishot<M, D>)
where
    Multishot<M, D>: Unpin,
{
    driver.until("it waits for a buffer", || {
        assert!(poll_next(stream).is_pending(), "it has not waited");
        format!("{stream:?}").contains("waiting for a buffer")
    });
}

/// Receives into a buffer of `group`, of which one is there or is about to come back: a thread of
/// the driver disposes of what nobody has taken a moment after it is no longer in flight.
pub(crate) fn receive_when_there_is_a_buffer<D: Subject>(
    driver: &D,
    near: &SharedFd,
    group: &BufferGroup,
) -> io::Result<Option<ProvidedBuffer>> {
    let end = Instant::now() + Duration::from_secs(10);
    let is_out = |error: &io::Error| error.raw_os_error() == Some(libc::ENOBUFS);
    loop {
        match driver.run(driver.clone().submit(RecvProvided::new(near.clone(), group))) {
            Err(error) if is_out(&error) && Instant::now() < end => thread::yield_now(),
            received => return received,
        }
    }
}

pub(crate) fn datagrams() -> (SharedFd, UnixDatagram) {
    let (near, far) = UnixDatagram::pair().unwrap();
    (SharedFd::from(OwnedFd::from(near)), far)
}

/// Fails unless every buffer of `group` is in its ring, or soon will be, since a thread of the
/// driver is about to dispose of it: takes all of them out at once, and finds none more.
#[track_caller]
pub(crate) fn assert_full<D: Subject>(driver: &D, group: &BufferGroup) {
    let (near, far) = datagrams();
    let mut taken = Vec::new();
    for number in 0..group.count() {
        far.send(&number.to_ne_bytes()).unwrap();
        let buffer = receive_when_there_is_a_buffer(driver, &near, group);
        let buffer = buffer.unwrap_or_else(|error| panic!("buffer {number} is missing: {error}"));
        let buffer = buffer.expect("the datagram is not empty");
        assert_eq!(buffer[..], number.to_ne_bytes());
        taken.push(buffer);
    }
    let receive = driver.clone().submit(RecvProvided::new(near.clone(), group));
    let error = driver.run(receive).expect_err("there is a buffer too many");
    assert_eq!(error.raw_os_error(), Some(libc::ENOBUFS));
    drop(taken);
}

/// A time in which things happen that are to happen at once.
pub(crate) const SOON: Duration = Duration::from_millis(1);

//! Drops, stops and lags at random moments, and exact counts of descriptors and buffers.
//!
//! In a process of its own, since it counts descriptors. `RINGBAHN_MULTISHOT_SEED` repeats a run.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use ringbahn_core::event::{AcceptMulti, RecvMulti, RecvProvided};
use ringbahn_core::{BufferGroup, MultiEvent, Multishot, ProvidedBuffer, SharedFd};
use ringbahn_drivers::{LocalDriver, SharedDriver};

use crate::local::in_time;
use crate::receive::streams;
use crate::scene;
use crate::subject::{Subject, assert_full, datagrams, poll_next};

/// A small generator of numbers that look random: the seed tells the whole run.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }
}

pub(crate) fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|number| number.parse().ok())
}

/// Runs `scenario`, within the usual time if it is of the usual length.
pub(crate) fn bounded(scenario: fn()) {
    match number("RINGBAHN_MULTISHOT_ROUNDS") {
        Some(rounds) if rounds > 10_000 => scenario(),
        _ => in_time(scenario),
    }
}

/// What all rounds of a run use.
struct Stage<S> {
    driver: S,
    dice: Dice,
    group: BufferGroup,
    listener: SharedFd,
    address: SocketAddr,
    /// How often the listener was accepted from.
    accepts: u32,
    /// Buffers that a slow reader keeps for some rounds.
    kept: Vec<ProvidedBuffer>,
}

/// How often a listener is accepted from: what was connected to it, and never accepted, waits
/// there.
const ACCEPTS_MAX: u32 = 100;

/// A listener with room for all that may wait there.
fn listener() -> (SharedFd, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    socket2::SockRef::from(&listener).listen(1024).unwrap();
    let address = listener.local_addr().unwrap();
    (SharedFd::new(Arc::new(listener)), address)
}

impl<S: Subject> Stage<S> {
    fn new(seed: u64) -> Stage<S> {
        let driver = S::make(1, 2).unwrap();
        let group = driver.buffers(8, 32);
        let (listener, address) = listener();
        let dice = Dice(seed);
        Stage { driver, dice, group, listener, address, accepts: 0, kept: Vec::new() }
    }

    /// Polls `stream` a few times, stops it perhaps, and drops it.
    fn use_up<M: MultiEvent>(
        &mut self,
        mut stream: Multishot<M, S>,
        mut act: impl FnMut(),
    ) -> Vec<M::Item> {
        let mut items = Vec::new();
        let acts = self.dice.roll(6);
        for _ in 0..acts {
            match self.dice.roll(4) {
                0 | 1 => act(),
                _ => {
                    let polled = self.driver.clone().run(async { poll_next(&mut stream) });
                    if let Poll::Ready(Some(item)) = polled {
                        items.push(item.unwrap());
                    }
                }
            }
        }
        if self.dice.roll(4) == 0 {
            Pin::new(&mut stream).stop();
            let polled = self.driver.clone().run(async { poll_next(&mut stream) });
            if let Poll::Ready(Some(item)) = polled {
                items.push(item.unwrap());
            }
        }
        items
    }

    fn accepts(&mut self) {
        self.accepts += 1;
        if self.accepts.is_multiple_of(ACCEPTS_MAX) {
            (self.listener, self.address) = listener();
        }
        let address = self.address;
        let mut clients = Vec::new();
        let stream = self.driver.clone().stream(AcceptMulti::new(self.listener.clone()));
        let connections =
            self.use_up(stream, || clients.push(TcpStream::connect(address).unwrap()));
        assert!(connections.len() <= clients.len() + 64, "more than have called");
    }

    fn receives(&mut self) {
        let (near, far) = datagrams();
        let stream = self.driver.clone().stream(RecvMulti::new(near, &self.group));
        let mut sent = 0_u8;
        let buffers = self.use_up(stream, || send(&far, &mut sent));
        for (number, buffer) in buffers.into_iter().enumerate() {
            assert_eq!(buffer[..], [number as u8; 3], "out of order, or not what was sent");
            if self.dice.roll(3) == 0 {
                self.kept.push(buffer);
            }
        }
        while self.kept.len() > 6 || self.kept.len() as u64 > self.dice.roll(8) {
            let one = self.dice.roll(self.kept.len() as u64) as usize;
            self.kept.swap_remove(one);
        }
    }
}

impl<S: Subject> Stage<S> {
    /// Receives once, as data comes or the peer goes, and is dropped or cancelled meanwhile: what
    /// had been received all the same is given out, or goes back.
    fn receives_once(&mut self) {
        let (near, mut far) = streams();
        let driver = self.driver.clone();
        let mut receive = driver.clone().submit(RecvProvided::new(near.clone(), &self.group));
        let polled = driver.run(async { futures::poll!(&mut receive) });
        match self.dice.roll(3) {
            0 => {}
            // The near end is still there, whether it has been received into or not.
            1 => far.write_all(b"abc").unwrap(),
            _ => drop(far),
        }
        let result = match polled {
            Poll::Ready(result) => result,
            Poll::Pending if self.dice.roll(2) == 0 => return drop(receive),
            Poll::Pending => driver.run(receive.cancel()).into_inner(),
        };
        match result {
            Ok(Some(buffer)) => {
                assert_eq!(buffer[..], *b"abc");
                self.kept.push(buffer);
            }
            Ok(None) => {}
            Err(error) => {
                let errno = error.raw_os_error();
                assert!(matches!(errno, Some(libc::ECANCELED | libc::ENOBUFS)), "{error}");
            }
        }
    }
}

fn send(far: &UnixDatagram, sent: &mut u8) {
    far.send(&[*sent; 3]).unwrap();
    *sent += 1;
}

fn run<S: Subject>() {
    let rounds = number("RINGBAHN_MULTISHOT_ROUNDS").unwrap_or(10_000);
    let seed = number("RINGBAHN_MULTISHOT_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("RINGBAHN_MULTISHOT_SEED={seed}");
    let mut stage = Stage::<S>::new(seed.max(1));
    let driver = stage.driver.clone();
    // Whatever is made at first use is there from now on.
    stage.accepts();
    stage.receives();
    driver.until("all is over", || driver.so_far().in_flight == 0);
    let before = scene::descriptors();
    for _ in 0..rounds {
        match stage.dice.roll(4) {
            0 => stage.accepts(),
            1 => stage.receives_once(),
            _ => stage.receives(),
        }
    }
    driver.until("all is over", || driver.so_far().in_flight == 0);
    stage.kept.clear();
    let (group, listener) = (stage.group.clone(), stage.listener.clone());
    drop(stage);
    // What nobody has a future of is closed a little after it is no longer in flight.
    driver.until("no descriptor has leaked", || scene::descriptors() <= before);
    assert_full(&driver, &group);
    drop(listener);
    driver.end();
}

#[test]
fn random_drops_of_shared_streams_lose_no_descriptor_and_no_buffer() {
    let test = "random::random_drops_of_shared_streams_lose_no_descriptor_and_no_buffer";
    scene::in_child(test, || bounded(run::<SharedDriver>));
}

#[test]
fn random_drops_of_local_streams_lose_no_descriptor_and_no_buffer() {
    let test = "random::random_drops_of_local_streams_lose_no_descriptor_and_no_buffer";
    scene::in_child(test, || bounded(run::<LocalDriver>));
}

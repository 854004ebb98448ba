//! Many threads on the smallest rings there are, with drops and cancels at random moments.
//!
//! Goal: no operation is lost or done twice, nothing is freed while the kernel has it, and every
//! buffer, descriptor and record is given back, exactly. Method: reads of pipes and of a disk
//! into buffers that are watched after they have been given back, on rings with a submission
//! queue of 1 and a completion queue of 2, so that full queues and overflows are the rule.
//!
//! `RINGBAHN_STRESS_OPERATIONS` says how many operations; 100 000 unless told.

use std::fs::{File, OpenOptions};
use std::future::Future;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use futures::executor::block_on;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_core::{Cancelled, Drive, SharedFd, Submission};
use ringbahn_drivers::{Counters, LocalDriver, SharedDriver};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/skip.rs"]
mod skip;

use canary::Canary;

const THREADS: u64 = 4;

/// A small generator of numbers that look random: the seed tells the whole run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) % sides
    }
}

fn operations() -> u64 {
    std::env::var("RINGBAHN_STRESS_OPERATIONS")
        .ok()
        .and_then(|number| number.parse().ok())
        .unwrap_or(100_000)
}

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// A driver that is played upon.
trait Driver: Drive + Clone + Unpin + 'static {
    /// Runs a future, and the driver as far as it needs that.
    fn run<F: Future>(&self, future: F) -> F::Output;

    /// Drops submissions, on another thread where that can be.
    fn drop_elsewhere(submissions: Vec<Submission<Read<Canary>, Self>>);
}

impl Driver for SharedDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        block_on(future)
    }

    fn drop_elsewhere(submissions: Vec<Submission<Read<Canary>, SharedDriver>>) {
        thread::spawn(move || drop(submissions)).join().unwrap();
    }
}

impl Driver for LocalDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }

    /// Inside of a call, which takes them at its end.
    fn drop_elsewhere(submissions: Vec<Submission<Read<Canary>, LocalDriver>>) {
        let driver = submissions.first().map(|submission| submission.driver().clone());
        if let Some(driver) = driver {
            driver.block_on(async { drop(submissions) });
        }
    }
}

/// One thread's means.
struct Player<D> {
    driver: D,
    dice: Dice,
    pipe: (SharedFd, PipeWriter),
    disk: SharedFd,
    /// How many bytes are in the pipe or on their way to somebody.
    written: u64,
    received: Arc<AtomicU64>,
}

impl<D: Driver> Player<D> {
    fn play(&mut self) {
        match self.dice.roll(10) {
            0..4 => self.nop(),
            4..7 => self.read_pipe(),
            7 => self.read_disk(),
            8 => self.timeout(),
            _ => self.several(),
        }
    }

    fn nop(&mut self) {
        let mut nop = pin!(self.driver.clone().submit(Nop));
        if self.dice.roll(3) > 0 {
            self.driver.run(nop).unwrap();
        } else {
            let _ = poll_once(nop.as_mut());
        }
    }

    fn pipe_read(&self) -> Submission<Read<Canary>, D> {
        self.driver.clone().submit(Read::new(self.pipe.0.clone(), Canary::new(), Position::Current))
    }

    fn read_pipe(&mut self) {
        let mut read = self.pipe_read();
        let polled = poll_once(Pin::new(&mut read));
        let choice = self.dice.roll(10);
        if choice > 2 && polled.is_pending() {
            // Enough for this read, whoever of the abandoned ones before is faster.
            self.written += 1;
            self.pipe.1.write_all(&[0x5A]).unwrap();
        }
        let result = match (polled, choice) {
            (Poll::Ready(result), _) => Some(result),
            (Poll::Pending, 0..5) => None,
            (Poll::Pending, 5) => match self.driver.run(read.cancel()) {
                Cancelled::Completed(result) => Some(result),
                Cancelled::Cancelled((result, _)) => {
                    assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
                    None
                }
            },
            (Poll::Pending, _) => {
                // An abandoned read may take the byte; then another one is needed.
                let bound = self.driver.run(read.timeout(Duration::from_millis(20)));
                match bound.0 {
                    Err(error) if error.kind() == io::ErrorKind::TimedOut => None,
                    result => Some((result, bound.1)),
                }
            }
        };
        if let Some((result, buffer)) = result {
            let count = result.unwrap();
            assert!(buffer.filled().iter().all(|byte| *byte == 0x5A));
            self.received.fetch_add(count as u64, Ordering::Relaxed);
        }
    }

    fn read_disk(&mut self) {
        let offset = self.dice.roll(64) * 4096;
        let event = Read::new(self.disk.clone(), Canary::new(), Position::At(offset));
        let mut read = self.driver.clone().submit(event);
        match poll_once(Pin::new(&mut read)) {
            Poll::Pending if self.dice.roll(2) == 0 => drop(read),
            Poll::Pending => check_disk(self.driver.run(read), offset),
            Poll::Ready(result) => check_disk(result, offset),
        }
    }

    fn timeout(&mut self) {
        let duration = Duration::from_micros(self.dice.roll(200));
        let mut timer = self.driver.clone().submit(Timeout::new(duration));
        if poll_once(Pin::new(&mut timer)).is_pending() && self.dice.roll(2) == 0 {
            self.driver.run(timer).unwrap();
        }
    }

    /// Several at once, dropped in another order, some of them on another thread.
    fn several(&mut self) {
        let mut reads: Vec<_> = (0..self.dice.roll(6)).map(|_| self.pipe_read()).collect();
        for read in &mut reads {
            if let Poll::Ready((result, _)) = poll_once(Pin::new(read)) {
                self.received.fetch_add(result.unwrap() as u64, Ordering::Relaxed);
            }
        }
        if self.dice.roll(4) == 0 {
            D::drop_elsewhere(reads);
        } else {
            while !reads.is_empty() {
                drop(reads.swap_remove(self.dice.roll(reads.len() as u64) as usize));
            }
        }
    }
}

fn check_disk((result, buffer): (io::Result<usize>, Canary), offset: u64) {
    assert_eq!(result.unwrap(), canary::SIZE);
    let block = (offset / 4096) as u8;
    assert!(buffer.filled().iter().all(|byte| *byte == block), "block {block} was misread");
}

/// A file of 64 blocks, each filled with its number; past the page cache where that is possible.
fn disk(directory: &tempfile::TempDir) -> SharedFd {
    let path = directory.path().join("blocks");
    let mut file = File::create(&path).unwrap();
    (0..64_u8).for_each(|block| file.write_all(&[block; canary::SIZE]).unwrap());
    file.sync_all().unwrap();
    let direct = OpenOptions::new().read(true).custom_flags(libc::O_DIRECT).open(&path);
    SharedFd::new(Arc::new(direct.unwrap_or_else(|_| File::open(&path).unwrap())))
}

fn pipe() -> (PipeReader, PipeWriter) {
    io::pipe().unwrap()
}

fn seed() -> u64 {
    let seed = std::env::var("RINGBAHN_STRESS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| std::process::id().into());
    println!("RINGBAHN_STRESS_SEED={seed}");
    seed
}

/// Plays so many rounds, as the player of this number.
fn play<D: Driver>(driver: D, disk: SharedFd, seed: u64, number: u64, rounds: u64) {
    let (reader, writer) = pipe();
    let mut player = Player {
        driver,
        dice: Dice((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ number),
        pipe: (SharedFd::new(Arc::new(reader)), writer),
        disk,
        written: 0,
        received: Arc::default(),
    };
    (0..rounds).for_each(|_| player.play());
}

fn assert_balanced(counters: Counters) {
    println!("{counters:#?}");
    assert_eq!(counters.submitted, counters.completed);
    assert_eq!((counters.in_flight, counters.unknown_cqes, counters.panics), (0, 0, 0));
}

/// Descriptors and buffers are counted for the whole process, so one test plays at a time.
static TURN: Mutex<()> = Mutex::new(());

#[test]
fn random_drops_and_cancels_on_tiny_queues_lose_nothing_and_free_nothing_early() {
    let test = "random_drops_and_cancels_on_tiny_queues_lose_nothing_and_free_nothing_early";
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let directory = tempfile::tempdir().unwrap();
    let descriptors = open_descriptors();
    let Some(driver) = skip::driver(test, 1, 2) else { return };
    let seed = seed();
    let disk = disk(&directory);
    let players: Vec<_> = (0..THREADS)
        .map(|number| {
            let (driver, disk) = (driver.clone(), disk.clone());
            thread::spawn(move || play(driver, disk, seed, number, operations() / THREADS))
        })
        .collect();
    players.into_iter().for_each(|player| player.join().unwrap());

    let report = block_on(driver.shutdown(Duration::from_secs(10)));
    assert_eq!(report.leaked, 0, "{report:?}");
    assert_balanced(driver.counters());
    drop((driver, disk));
    assert_eq!(open_descriptors(), descriptors, "descriptors leaked");
    let (made, given_back) = canary::inspect();
    assert_eq!(made, given_back, "buffers leaked");
}

/// A driver for each thread, and at the end one shutdown and one drop.
#[test]
fn random_drops_and_cancels_on_tiny_rings_of_one_thread_each_lose_nothing() {
    let test = "random_drops_and_cancels_on_tiny_rings_of_one_thread_each_lose_nothing";
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    const DRIVERS: u64 = 2;
    let directory = tempfile::tempdir().unwrap();
    let descriptors = open_descriptors();
    if skip::local_driver(test, 1, 2).is_none() {
        return;
    }
    let seed = seed();
    let disk = disk(&directory);
    let players: Vec<_> = (0..DRIVERS)
        .map(|number| {
            let disk = disk.clone();
            thread::spawn(move || {
                let driver = skip::local_driver(test, 1, 2).unwrap();
                play(driver.clone(), disk, seed, number, operations() / DRIVERS);
                if number % 2 == 0 {
                    let report = driver.shutdown(Duration::from_secs(10));
                    assert_eq!(report.leaked, 0, "{report:?}");
                    assert_balanced(driver.counters());
                }
            })
        })
        .collect();
    players.into_iter().for_each(|player| player.join().unwrap());
    drop(disk);
    assert_eq!(open_descriptors(), descriptors, "descriptors leaked");
    let (made, given_back) = canary::inspect();
    assert_eq!(made, given_back, "buffers leaked");
}

//! Random drops and cancels with registered buffers, on the smallest queues: none is lost, and
//! none is written to after it has been given back.

use std::io::{PipeWriter, Write as _};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{Position, Read, ReadRanges, Write, WriteRanges};
use ringbahn_core::{Cancelled, Drive, IoBufMut, SharedFd};
use ringbahn_drivers::{LocalDriver, RegisteredBuffer, RegisteredBuffers, SharedDriver};

use crate::dice::{Dice, operations};
use crate::ring_tables::filled;
use crate::scene::{descriptors, end, in_child, pipe, run, shared};
use crate::{driver, local_driver};

const BUFFERS: u16 = 16;
const SIZE: usize = 4096;

/// A driver that is played upon.
trait Driver: Drive + Clone + Unpin + 'static {
    fn run<F: Future>(&self, future: F) -> F::Output;
}

impl Driver for SharedDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        run(future)
    }
}

impl Driver for LocalDriver {
    fn run<F: Future>(&self, future: F) -> F::Output {
        self.block_on(future)
    }
}

/// One thread's means.
struct Player<D> {
    driver: D,
    dice: Dice,
    buffers: RegisteredBuffers,
    pipe: (SharedFd, PipeWriter),
    file: SharedFd,
    /// Buffers that nobody may write to, each filled with its number.
    kept: Vec<(u8, RegisteredBuffer)>,
    number: u8,
}

impl<D: Driver> Player<D> {
    fn play(&mut self) {
        match self.dice.roll(10) {
            0..3 => self.read_pipe(),
            3..5 => self.write_file(),
            5..7 => self.ranges(),
            7 => self.keep(),
            8 => self.let_go(),
            _ => self.drop_elsewhere(),
        }
    }

    fn read_pipe(&mut self) {
        let Some(buffer) = self.buffers.take() else { return self.let_go() };
        let read = Read::new(self.pipe.0.clone(), buffer, Position::Current);
        let mut read = self.driver.clone().submit(read);
        let pending =
            Pin::new(&mut read).poll(&mut Context::from_waker(Waker::noop())).is_pending();
        match self.dice.roll(3) {
            0 if pending => drop(read),
            1 if pending => match self.driver.run(read.cancel()) {
                Cancelled::Completed((count, buffer)) => check_read(count.unwrap(), &buffer),
                Cancelled::Cancelled((result, buffer)) => {
                    assert!(result.is_err());
                    assert_eq!(buffer.len(), 0);
                }
            },
            _ if pending => {
                self.pipe.1.write_all(&[0x5A]).unwrap();
                // One that was abandoned before may take the byte, and then there is no other.
                let (result, buffer) = self.driver.run(read.timeout(Duration::from_millis(2)));
                if let Ok(count) = result {
                    check_read(count, &buffer);
                }
            }
            _ => {}
        }
    }

    fn write_file(&mut self) {
        let Some(mut buffer) = self.buffers.take() else { return self.let_go() };
        let length = self.dice.roll(SIZE as u64) as usize + 1;
        buffer.set_len(length);
        buffer.fill(length as u8);
        let offset = self.dice.roll(64) * SIZE as u64;
        let write = Write::new(self.file.clone(), buffer, Position::At(offset));
        let mut write = self.driver.clone().submit(write);
        let polled = Pin::new(&mut write).poll(&mut Context::from_waker(Waker::noop()));
        let (count, buffer) = match polled {
            Poll::Pending if self.dice.roll(3) == 0 => return,
            Poll::Pending => self.driver.run(write),
            Poll::Ready(output) => output,
        };
        assert_eq!(count.unwrap(), length);
        assert!(buffer.len() == length && buffer.iter().all(|byte| *byte == length as u8));
    }

    /// Writes two ranges of a buffer, and reads them back where the other one was, unless it drops
    /// one of both operations.
    fn ranges(&mut self) {
        let Some(mut buffer) = self.buffers.take() else { return self.let_go() };
        let length = self.dice.roll(SIZE as u64 / 2) as usize + 1;
        buffer.set_len(2 * length);
        buffer[..length].fill(1);
        buffer[length..].fill(2);
        let halves = || vec![length..2 * length, 0..length];
        let position = Position::At(0);
        let file = shared(tempfile::tempfile().unwrap());
        let write = WriteRanges::new(file.clone(), buffer, halves(), position);
        let mut write = self.driver.clone().submit(write);
        let polled = Pin::new(&mut write).poll(&mut Context::from_waker(Waker::noop()));
        let (count, buffer) = match polled {
            Poll::Pending if self.dice.roll(3) == 0 => return,
            Poll::Pending => self.driver.run(write),
            Poll::Ready(output) => output,
        };
        assert_eq!(count.unwrap(), 2 * length);
        let whole = vec![0..length, length..2 * length];
        let mut read = self.driver.clone().submit(ReadRanges::new(file, buffer, whole, position));
        let polled = Pin::new(&mut read).poll(&mut Context::from_waker(Waker::noop()));
        let (count, buffer) = match polled {
            Poll::Pending if self.dice.roll(3) == 0 => return,
            Poll::Pending => self.driver.run(read),
            Poll::Ready(output) => output,
        };
        assert_eq!(count.unwrap(), 2 * length);
        let is_turned = buffer[..length].iter().all(|byte| *byte == 2)
            && buffer[length..].iter().all(|byte| *byte == 1);
        assert!(is_turned, "{buffer:?}");
    }

    /// Keeps a buffer that others have used before.
    fn keep(&mut self) {
        let Some(mut buffer) = self.buffers.take() else { return self.let_go() };
        self.number = self.number.wrapping_add(1);
        buffer.fill_from(&[self.number; SIZE]);
        self.kept.push((self.number, buffer));
    }

    fn let_go(&mut self) {
        for (number, buffer) in self.kept.drain(..) {
            assert!(buffer.iter().all(|byte| *byte == number), "it was written to: {buffer:?}");
        }
    }

    fn drop_elsewhere(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        thread::scope(|scope| {
            scope.spawn(move || drop(kept));
        });
    }
}

fn check_read(count: usize, buffer: &RegisteredBuffer) {
    assert!(count > 0 && buffer.iter().all(|byte| *byte == 0x5A), "{buffer:?}");
}

fn play<D: Driver>(driver: &D, buffers: &RegisteredBuffers, number: u64, rounds: u64) {
    let mut player = Player {
        driver: driver.clone(),
        dice: Dice::new(number),
        buffers: buffers.clone(),
        pipe: pipe(),
        file: shared(tempfile::tempfile().unwrap()),
        kept: Vec::new(),
        number: 0,
    };
    (0..rounds).for_each(|_| player.play());
    player.let_go();
}

#[test]
fn two_threads_drop_and_cancel_at_random_and_every_buffer_comes_back() {
    let test = "random::two_threads_drop_and_cancel_at_random_and_every_buffer_comes_back";
    in_child(test, || {
        let before = descriptors();
        let driver = driver(test, 1, 2).unwrap();
        let buffers = driver.register_buffers(BUFFERS, SIZE).unwrap();
        thread::scope(|scope| {
            for number in 0..2 {
                let (driver, buffers) = (&driver, &buffers);
                scope.spawn(move || play(driver, buffers, number, operations() / 2));
            }
        });
        end(&driver);
        assert_eq!(buffers.available(), BUFFERS.into());
        drop((driver, buffers));
        assert_eq!((descriptors(), filled().buffers), (before, 0));
    });
}

#[test]
fn one_thread_drops_and_cancels_at_random_and_every_buffer_comes_back() {
    let test = "random::one_thread_drops_and_cancels_at_random_and_every_buffer_comes_back";
    in_child(test, || {
        let before = descriptors();
        let driver = local_driver(test, 1, 2).unwrap();
        let buffers = driver.register_buffers(BUFFERS, SIZE).unwrap();
        play(&driver, &buffers, 0, operations());
        let report = driver.shutdown(Duration::from_secs(10));
        assert_eq!((report.leaked, buffers.available()), (0, BUFFERS.into()));
        drop(buffers);
        assert_eq!(filled().buffers, 0);
        drop(driver);
        assert_eq!(descriptors(), before);
    });
}

//! Drops, stops and cancels at random moments of what uses queues of buffers, and exact counts: of
//! the buffers that have come back, and of each byte.
//!
//! A byte that was sent has been given to the reader, or is lost with a stream that was dropped, or
//! is still in the socket; and of each buffer that the kernel has used up it is known who has it.
//! `RINGBAHN_MULTISHOT_SEED` repeats a run.

use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::sync::LazyLock;
use std::task::Poll;
use std::thread;

use ringbahn_core::event::{RecvBundle, RecvBundles, RecvParts, SendBundle};
use ringbahn_core::{BufferGroup, BufferQueue, MultiEvent, ProvidedBuffer, SendQueue, SharedFd};
use ringbahn_drivers::{LocalDriver, SharedDriver};

use crate::queues::observer;
use crate::random::{Dice, bounded, number};
use crate::receive::{pattern, streams};
use crate::scene;
use crate::sends::drain;
use crate::subject::{Subject, has_queues, poll_next};

/// A socket, and both ends as the test has them.
fn pair() -> (SharedFd, (UnixStream, UnixStream)) {
    let (near, far) = UnixStream::pair().unwrap();
    (SharedFd::from(OwnedFd::from(near.try_clone().unwrap())), (near, far))
}

/// What is at the places from `start` on in a stream of bytes.
fn bytes(start: usize, length: usize) -> &'static [u8] {
    /// After so many it begins again, at which no power of two does.
    const PERIOD: usize = 65_521;
    static BYTES: LazyLock<Vec<u8>> = LazyLock::new(|| {
        let period = pattern(PERIOD);
        period.iter().copied().cycle().take(PERIOD + (1 << 20)).collect()
    });
    &BYTES[start % PERIOD..][..length]
}

/// What a reader has got of a stream of bytes, and keeps some of.
#[derive(Default)]
struct Reader {
    received: usize,
    /// Each with the place where it begins.
    kept: Vec<(usize, ProvidedBuffer)>,
}

impl Reader {
    fn take(&mut self, part: ProvidedBuffer) {
        let start = self.received;
        self.received += part.len();
        assert_eq!(&part[..], bytes(start, part.len()), "not what was sent, or not in its order");
        self.kept.push((start, part));
    }

    /// Lets go of some of the parts, here or on another thread.
    fn let_go(&mut self, dice: &mut Dice) {
        for (start, part) in &self.kept {
            assert_eq!(&part[..], bytes(*start, part.len()), "it was written to");
        }
        let (some, others): (Vec<_>, Vec<_>) = self.kept.drain(..).partition(|_| dice.roll(2) == 0);
        self.kept = others;
        match dice.roll(64) {
            0 => thread::spawn(move || drop(some)).join().unwrap(),
            _ => drop(some),
        }
    }

    /// How many of the buffers that are used up, of `consumed` bytes, have a part that is kept.
    fn buffers_kept(&self, size: usize, consumed: usize) -> u64 {
        let mut buffers: Vec<_> = self.kept.iter().map(|(start, _)| start / size).collect();
        buffers.dedup();
        buffers.into_iter().filter(|buffer| (buffer + 1) * size <= consumed).count() as u64
    }
}

/// What is left to be counted of an operation that was dropped, when the kernel is done with it.
enum Left {
    /// Of a receive, which may have taken something out of `near` that nobody has got.
    Received { near: UnixStream, sent: usize, size: usize, reader: Reader, group: BufferGroup },
    /// Of a send, which may have sent something more of what was pushed.
    Sent { far: UnixStream, received: usize, pushed: usize },
}

/// How many dropped operations are waited for at once.
const LEFT_MAX: usize = 16;

/// What all rounds of a run use.
struct Stage<S> {
    driver: S,
    dice: Dice,
    left: Vec<Left>,
}

impl<S: Subject> Stage<S> {
    fn leave(&mut self, left: Left) {
        self.left.push(left);
        if self.left.len() == LEFT_MAX {
            self.settle();
        }
    }

    /// Waits for what was dropped, and counts.
    fn settle(&mut self) {
        let driver = self.driver.clone();
        driver.until("what was dropped is over", || driver.so_far().in_flight == 0);
        for left in std::mem::take(&mut self.left) {
            match left {
                Left::Received { mut near, sent, size, mut reader, group } => {
                    let rest = drain(&mut near);
                    let consumed = sent - rest.len();
                    assert_eq!(rest, bytes(consumed, rest.len()), "taken out of order");
                    self.count(|| group.returns(), &mut reader, size, consumed);
                }
                Left::Sent { mut far, received, pushed } => {
                    let rest = drain(&mut far);
                    assert!(received + rest.len() <= pushed);
                    assert!(rest == bytes(received, rest.len()), "out of order");
                }
            }
        }
    }

    fn queue(&mut self) -> (BufferQueue, usize) {
        let (count, size) = (self.dice.roll(4) + 1, self.dice.roll(40) + 1);
        (self.driver.queue(count as u16, size as u32), size as usize)
    }

    fn write(&mut self, far: &mut UnixStream, sent: &mut usize) {
        let length = self.dice.roll(60) as usize + 1;
        far.write_all(bytes(*sent, length)).unwrap();
        *sent += length;
    }

    /// Uses a stream for a while, and drops it.
    fn stream<M: MultiEvent>(
        &mut self,
        event: M,
        ends: (UnixStream, UnixStream),
        size: usize,
        take: fn(M::Item, &mut Reader),
    ) {
        let group = observer(&event);
        let (near, mut far) = ends;
        let (mut reader, mut sent) = (Reader::default(), 0);
        let mut stream = self.driver.clone().stream(event);
        for _ in 0..self.dice.roll(8) {
            match self.dice.roll(5) {
                0 | 1 => self.write(&mut far, &mut sent),
                2 => reader.let_go(&mut self.dice),
                _ => {
                    let polled = self.driver.clone().run(async { poll_next(&mut stream) });
                    if let Poll::Ready(Some(item)) = polled {
                        take(item.unwrap(), &mut reader);
                    }
                }
            }
        }
        if self.dice.roll(4) == 0 {
            Pin::new(&mut stream).stop();
            if let Poll::Ready(Some(item)) = self.driver.run(async { poll_next(&mut stream) }) {
                take(item.unwrap(), &mut reader);
            }
        }
        drop(stream);
        self.leave(Left::Received { near, sent, size, reader, group });
    }

    /// Of `consumed` bytes, all buffers that are used up have come back, but for those of which
    /// something is kept.
    fn count(
        &mut self,
        returns: impl Fn() -> u64,
        reader: &mut Reader,
        size: usize,
        consumed: usize,
    ) {
        assert!(reader.received <= consumed);
        let used_up = (consumed / size) as u64;
        let driver = self.driver.clone();
        let have_come_back = |expected| {
            // What a stream has not given out is let go of a little after it has ended.
            driver.until("all that nobody keeps is back", || returns() >= expected);
            assert_eq!(returns(), expected, "a buffer came back too early, or twice");
        };
        have_come_back(used_up - reader.buffers_kept(size, consumed));
        reader.let_go(&mut self.dice);
        have_come_back(used_up - reader.buffers_kept(size, consumed));
        reader.kept.clear();
        have_come_back(used_up);
    }

    fn streams(&mut self) {
        let (near, ends) = pair();
        let (queue, size) = self.queue();
        if self.dice.roll(2) == 0 {
            let event = RecvParts::new(near, queue);
            self.stream(event, ends, size, |part, reader| reader.take(part));
        } else {
            let event = RecvBundles::new(near, queue);
            self.stream(event, ends, size, |bundle, reader| {
                bundle.into_iter().for_each(|part| reader.take(part));
            });
        }
    }

    /// Receives once and again with one queue, some of it cancelled, until one is dropped.
    fn receives(&mut self) {
        let (near, (near_end, mut far)) = pair();
        let (mut queue, size) = self.queue();
        let mut reader = Reader::default();
        let (mut sent, driver) = (0, self.driver.clone());
        for _ in 0..self.dice.roll(6) + 1 {
            let mut receive = driver.clone().submit(RecvBundle::new(near.clone(), queue));
            let polled = driver.run(async { futures::poll!(&mut receive) });
            if self.dice.roll(2) == 0 {
                self.write(&mut far, &mut sent);
            }
            let (result, back) = match polled {
                Poll::Ready(output) => output,
                Poll::Pending if self.dice.roll(3) == 0 => {
                    drop(receive);
                    // Who has a part can count, and nobody else has anything to count.
                    let Some((_, part)) = reader.kept.first() else { return };
                    let (near, group) = (near_end, part.group().clone());
                    return self.leave(Left::Received { near, sent, size, reader, group });
                }
                Poll::Pending => driver.run(receive.cancel()).into_inner(),
            };
            queue = back;
            match result {
                Ok(bundle) => bundle.unwrap().into_iter().for_each(|part| reader.take(part)),
                Err(error) => {
                    let errno = error.raw_os_error();
                    assert!(matches!(errno, Some(libc::ECANCELED | libc::ENOBUFS)), "{error}");
                }
            }
            if self.dice.roll(2) == 0 {
                reader.let_go(&mut self.dice);
            }
        }
        let consumed = reader.received;
        self.count(|| queue.returns(), &mut reader, size, consumed);
        // All of them are there, but for what is used of the first one.
        let room = usize::from(queue.count()) * size - consumed % size;
        let left = sent - consumed;
        far.write_all(bytes(sent, (room + 1).saturating_sub(left))).unwrap();
        let (bundle, _queue) = driver.run(driver.clone().submit(RecvBundle::new(near, queue)));
        let bundle = bundle.unwrap().unwrap();
        assert_eq!(bundle.bytes(), room, "a buffer was lost, or came back twice");
        bundle.into_iter().for_each(|part| reader.take(part));
    }

    /// Sends once and again out of one queue, some of it cancelled, until one is dropped.
    fn sends(&mut self) {
        let (near, mut far) = streams();
        let driver = self.driver.clone();
        let (count, size) = (self.dice.roll(5) + 1, self.dice.roll(40) + 1);
        // At times more than the socket takes.
        let size = if self.dice.roll(16) == 0 { size * 4000 } else { size };
        let mut queue: SendQueue = driver.outgoing(count as u16, size as u32);
        let capacity = (count * size) as usize;
        let (mut pushed, mut received) = (0, 0);
        for _ in 0..self.dice.roll(6) + 1 {
            let piece = bytes(pushed, self.dice.roll(capacity as u64 + 20) as usize);
            let room = queue.room();
            let taken = queue.push(piece);
            assert_eq!(taken, piece.len().min(room));
            pushed += taken;
            let mut send = driver.clone().submit(SendBundle::new(near.clone(), queue));
            let (result, back) = match driver.run(async { futures::poll!(&mut send) }) {
                Poll::Ready(output) => output,
                Poll::Pending if self.dice.roll(4) == 0 => {
                    drop(send);
                    return self.leave(Left::Sent { far, received, pushed });
                }
                Poll::Pending => driver.run(send.cancel()).into_inner(),
            };
            queue = back;
            if let Err(error) = result {
                assert_eq!(error.raw_os_error(), Some(libc::ECANCELED));
            }
            if self.dice.roll(2) == 0 {
                let some = drain(&mut far);
                assert!(some == bytes(received, some.len()), "out of order");
                received += some.len();
                assert_eq!(received + queue.unsent(), pushed, "a byte was lost, or sent twice");
            }
        }
        while queue.unsent() > 0 {
            let some = drain(&mut far);
            assert!(some == bytes(received, some.len()), "out of order");
            received += some.len();
            let mut send = driver.clone().submit(SendBundle::new(near.clone(), queue));
            queue = match driver.run(async { futures::poll!(&mut send) }) {
                Poll::Ready(output) => output.1,
                Poll::Pending => driver.run(send.cancel()).into_inner().1,
            };
        }
        received += drain(&mut far).len();
        assert_eq!((received, queue.room()), (pushed, capacity), "a byte, or a buffer, was lost");
    }
}

fn run<S: Subject>() {
    let rounds = number("RINGBAHN_MULTISHOT_ROUNDS").unwrap_or(10_000);
    let seed = number("RINGBAHN_MULTISHOT_SEED").unwrap_or_else(|| u64::from(std::process::id()));
    println!("RINGBAHN_MULTISHOT_SEED={seed}");
    let driver = S::make(1, 4).unwrap();
    let mut stage = Stage { driver: driver.clone(), dice: Dice(seed.max(1)), left: Vec::new() };
    // Whatever is made at first use is there from now on.
    stage.streams();
    stage.settle();
    let before = scene::descriptors();
    for _ in 0..rounds {
        match stage.dice.roll(4) {
            0 => stage.sends(),
            1 => stage.receives(),
            _ => stage.streams(),
        }
    }
    stage.settle();
    drop(stage);
    // What nobody has a future of is closed a little after it is no longer in flight.
    driver.until("no descriptor has leaked", || scene::descriptors() <= before);
    driver.end();
}

#[test]
fn random_drops_of_what_uses_queues_on_shared_lose_no_buffer_and_no_byte() {
    let test =
        "random_queues::random_drops_of_what_uses_queues_on_shared_lose_no_buffer_and_no_byte";
    if has_queues::<SharedDriver>(test) {
        scene::in_child(test, || bounded(run::<SharedDriver>));
    }
}

#[test]
fn random_drops_of_what_uses_queues_on_local_lose_no_buffer_and_no_byte() {
    let test =
        "random_queues::random_drops_of_what_uses_queues_on_local_lose_no_buffer_and_no_byte";
    if has_queues::<LocalDriver>(test) {
        scene::in_child(test, || bounded(run::<LocalDriver>));
    }
}

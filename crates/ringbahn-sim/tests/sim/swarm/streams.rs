//! [`Streams`]: pipes and connections of which every byte has to arrive once, in its order.

use std::cell::{Cell, RefCell};

use futures::future::join;
use ringbahn_core::event::{Position, Read, Recv, Send, SendZc, Write};
use ringbahn_core::{BufResult, Cancelled, Drive, Event, SharedFd, Submission};
use ringbahn_sim::{Sim, SimDriver};

use super::account::{Account, Buffer, Counted};
use super::tasks::polls;

/// How many streams there are: pipes and connections in turns.
const STREAMS: usize = 4;

/// Streams with numbered bytes.
pub(crate) struct Streams {
    sim: Sim,
    account: Account,
    streams: Vec<Stream>,
}

struct Stream {
    is_pipe: bool,
    reader: SharedFd,
    writer: RefCell<Option<SharedFd>>,
    /// How many bytes have been sent, and received.
    sent: Cell<u64>,
    received: Cell<u64>,
}

impl Streams {
    pub(crate) fn new(sim: &Sim, account: &Account) -> Streams {
        let streams = (0..STREAMS).map(|number| {
            let is_pipe = number % 2 == 0;
            let ends = if is_pipe { sim.pipe() } else { sim.stream_pair() };
            let (reader, writer) = ends.unwrap();
            Stream {
                is_pipe,
                reader: reader.into(),
                writer: RefCell::new(Some(writer.into())),
                sent: Cell::new(0),
                received: Cell::new(0),
            }
        });
        Streams { sim: sim.clone(), account: account.clone(), streams: streams.collect() }
    }

    pub(crate) fn count(&self) -> usize {
        self.streams.len()
    }

    /// Sends the next bytes on a stream, of which nothing gets lost: where the send is cancelled
    /// its outcome is waited for.
    pub(crate) async fn send(&self, number: usize) {
        let stream = &self.streams[number];
        let Some(writer) = stream.writer.borrow().clone() else { return };
        let (first, length) = (stream.sent.get(), 1 + self.sim.random(300));
        let bytes = (first..first + length).map(|number| number as u8).collect();
        let buffer = self.account.buffer(bytes);
        let (result, _) = match (stream.is_pipe, self.sim.random(3)) {
            (true, _) => self.run(Write::new(writer, buffer, Position::Current)).await,
            (false, 0) => self.run(SendZc::new(writer, buffer)).await,
            (false, _) => self.run(Send::new(writer, buffer)).await,
        };
        stream.sent.set(first + result.unwrap_or(0) as u64);
    }

    /// Receives the next bytes on a stream, and looks whether they are. `false` at its end.
    pub(crate) async fn receive(&self, number: usize) -> bool {
        let stream = &self.streams[number];
        let reader = stream.reader.clone();
        let buffer = self.account.buffer(vec![0xee; 1 + self.sim.random(400) as usize]);
        let (result, buffer) = match stream.is_pipe {
            true => self.run(Read::new(reader, buffer, Position::Current)).await,
            false => self.run(Recv::new(reader, buffer)).await,
        };
        let Ok(count) = result else { return true };
        let first = stream.received.get();
        let expected = (first..).map(|number| number as u8);
        let bytes = &buffer.bytes()[..count];
        let wrong =
            bytes.iter().zip(expected).filter(|&(&byte, expected)| byte != expected).count();
        self.account.note_wrong_bytes(wrong as u64);
        stream.received.set(first + count as u64);
        count > 0
    }

    /// Waits for the event, or cancels it and waits for what comes of that.
    async fn run<E>(&self, event: E) -> BufResult<usize, Buffer>
    where
        E: Event<Output = BufResult<usize, Buffer>>,
    {
        let submission: Submission<Counted<E>, SimDriver> =
            self.sim.driver().submit(self.account.count(event));
        // Where the other end is slow nothing would ever come otherwise.
        let mut submission = Box::pin(submission);
        if let Some(output) = polls(submission.as_mut(), 1 + self.sim.random(6)).await {
            return output;
        }
        let cancelled = std::future::poll_fn(|cx| submission.as_mut().poll_cancel(cx)).await;
        match cancelled {
            Cancelled::Cancelled(output) | Cancelled::Completed(output) => output,
        }
    }

    /// Receives all that has been sent, up to the end of each stream.
    pub(crate) async fn finish(self) {
        for number in 0..self.streams.len() {
            let stream = &self.streams[number];
            let last = async {
                self.send(number).await;
                *stream.writer.borrow_mut() = None;
            };
            let all = async { while self.receive(number).await {} };
            join(last, all).await;
            let lost = stream.sent.get().abs_diff(stream.received.get());
            self.account.note_lost_bytes(lost);
        }
    }
}

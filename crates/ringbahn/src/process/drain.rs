//! [`drain`]: reads both pipes of a child to their ends at the same time.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use ringbahn_core::Drive;

use crate::ring::Ring;
use crate::ring::object::Readable;
use crate::ring::transfer::private::Source;

/// How many pieces are read in a row before other tasks have their turn.
const TURN: u32 = 16;

/// Reads both to their ends.
pub(super) async fn drain<A: Readable, B: Readable, D: Drive + Clone + Unpin>(
    one: Option<Ring<A, D>>,
    other: Option<Ring<B, D>>,
) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let (mut one, mut other) = (Drain::new(one), Drain::new(other));
    poll_fn(|cx| {
        let ends = (one.poll(cx)?, other.poll(cx)?);
        if ends == (Poll::Ready(()), Poll::Ready(())) { Poll::Ready(Ok(())) } else { Poll::Pending }
    })
    .await
    .map(|()| (one.bytes, other.bytes))
}

struct Drain<T, D: Drive + Unpin> {
    /// There until its end.
    pipe: Option<Ring<T, D>>,
    bytes: Vec<u8>,
}

impl<T: Readable, D: Drive + Clone + Unpin> Drain<T, D> {
    fn new(pipe: Option<Ring<T, D>>) -> Drain<T, D> {
        Drain { pipe, bytes: Vec::new() }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, io::Error> {
        for _ in 0..TURN {
            let Some(pipe) = &mut self.pipe else { return Ok(Poll::Ready(())) };
            match pipe.poll_bytes(cx)? {
                Poll::Ready(true) => {
                    let bytes = pipe.take_bytes();
                    self.bytes.extend_from_slice(&bytes);
                    pipe.lend(bytes);
                }
                Poll::Ready(false) => self.pipe = None,
                Poll::Pending => return Ok(Poll::Pending),
            }
        }
        cx.waker().wake_by_ref();
        Ok(Poll::Pending)
    }
}

//! [`Receive`]: the future of [`Ring::recv`](crate::Ring::recv).

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ringbahn_core::event::{self, Rescued};
use ringbahn_core::{BufResult, Cancelled, Drive, IoBufMut, SharedFd, Submission};

use super::inbox::{Inbox, Ticket};
use super::reader::Reader;
use super::slot::{lock, poll_settled};

/// The future of [`Ring::recv`](crate::Ring::recv).
///
/// # Cancel safety
///
/// It is cancel safe: where it is dropped, bytes that it has received all the same stay with the
/// handle. Its buffer is dropped; [`cancel`](Receive::cancel) and [`timeout`](Receive::timeout)
/// give it back.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Receive<'a, B: IoBufMut, D: Drive + Unpin> {
    reader: &'a Mutex<Reader<D>>,
    inbox: &'a Arc<Inbox>,
    stage: Stage<B, D>,
}

#[derive(Debug)]
enum Stage<B: IoBufMut, D: Drive> {
    /// What came before has to be asked for first.
    Waiting {
        buffer: B,
        fd: SharedFd,
        driver: D,
    },
    InFlight {
        number: u64,
        submission: Submission<Rescued<event::Recv<B>, Ticket>, D>,
    },
    Done,
}

// The buffer is never pinned here.
impl<B: IoBufMut, D: Drive + Unpin> Unpin for Receive<'_, B, D> {}

impl<'a, B: IoBufMut, D: Drive + Unpin> Receive<'a, B, D> {
    pub(crate) fn new(
        reader: &'a Mutex<Reader<D>>,
        inbox: &'a Arc<Inbox>,
        (fd, driver): (SharedFd, D),
        buffer: B,
    ) -> Receive<'a, B, D> {
        Receive { reader, inbox, stage: Stage::Waiting { buffer, fd, driver } }
    }

    /// Gets everything back: stops receiving, and waits until the kernel is done with the buffer.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as the receive itself is.
    pub async fn cancel(mut self) -> Cancelled<BufResult<usize, B>> {
        poll_fn(|cx| self.poll_cancel(cx)).await
    }

    /// Bounds the time: once `duration` has passed without anything received, the result is
    /// `TimedOut`, and the buffer comes back.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as the receive itself is.
    pub async fn timeout(mut self, duration: Duration) -> BufResult<usize, B>
    where
        D: Clone,
    {
        let driver = match &self.stage {
            Stage::Waiting { driver, .. } => driver.clone(),
            Stage::InFlight { submission, .. } => submission.driver().clone(),
            Stage::Done => return self.await,
        };
        let mut timer = pin!(driver.submit(event::Timeout::new(duration)));
        let mut timer_ended = None;
        poll_fn(|cx| {
            if timer_ended != Some(true) {
                if let Poll::Ready(output) = Pin::new(&mut self).poll(cx) {
                    return Poll::Ready(output);
                }
                // A timer that fails, as when the driver is shut down, is no reason to stop.
                let expired = match timer_ended {
                    None => ready!(timer.as_mut().poll(cx)).is_ok(),
                    Some(expired) => expired,
                };
                timer_ended = Some(expired);
                if !expired {
                    return Poll::Pending;
                }
            }
            self.poll_cancel(cx).map(|cancelled| match cancelled {
                Cancelled::Completed(output) => output,
                Cancelled::Cancelled((_, buffer)) => (Err(timed_out()), buffer),
            })
        })
        .await
    }

    fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Cancelled<BufResult<usize, B>>> {
        if let Stage::InFlight { submission, .. } = &mut self.stage {
            let output = ready!(Pin::new(submission).poll_cancel(cx));
            self.stage = Stage::Done;
            return Poll::Ready(output);
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Waiting { buffer, .. } => {
                let error = io::Error::from_raw_os_error(libc::ECANCELED);
                Poll::Ready(Cancelled::Cancelled((Err(error), buffer)))
            }
            Stage::InFlight { .. } | Stage::Done => panic!("{POLLED_AGAIN}"),
        }
    }

    /// Waits for what came before, and yields what it has brought, if anything.
    fn poll_former(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Vec<u8>>>> {
        ready!(poll_settled(self.reader, cx));
        let kept = ready!(self.inbox.poll_settled(cx));
        let mut reader = lock(self.reader);
        kept.into_iter().for_each(|kept| reader.append(kept));
        if !reader.unread().is_empty() {
            return Poll::Ready(Some(Ok(reader.take_unread())));
        }
        Poll::Ready(reader.take_end().map(|end| end.map(|()| Vec::new())))
    }
}

const POLLED_AGAIN: &str = "a receive was polled after it had yielded its output";

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing was received in the given time")
}

impl<B: IoBufMut, D: Drive + Unpin> Future for Receive<'_, B, D> {
    type Output = BufResult<usize, B>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BufResult<usize, B>> {
        let this = self.get_mut();
        if let Stage::Waiting { buffer, .. } = &this.stage {
            let wants_nothing = buffer.target_len() == 0;
            let former = if wants_nothing { None } else { ready!(this.poll_former(cx)) };
            let Stage::Waiting { mut buffer, fd, driver } =
                std::mem::replace(&mut this.stage, Stage::Done)
            else {
                unreachable!("the stage was looked at a moment ago");
            };
            match former {
                _ if wants_nothing => return Poll::Ready((Ok(0), buffer)),
                Some(Err(error)) => return Poll::Ready((Err(error), buffer)),
                Some(Ok(mut bytes)) => {
                    let count = buffer.fill_from(&bytes);
                    bytes.drain(..count);
                    if !bytes.is_empty() {
                        lock(this.reader).put_back(bytes);
                    }
                    return Poll::Ready((Ok(count), buffer));
                }
                None => {}
            }
            let ticket = this.inbox.ticket();
            let number = ticket.number();
            let event = Rescued::new(event::Recv::new(fd, buffer), ticket);
            this.stage = Stage::InFlight { number, submission: driver.submit(event) };
        }
        let Stage::InFlight { submission, .. } = &mut this.stage else { panic!("{POLLED_AGAIN}") };
        let output = ready!(Pin::new(submission).poll(cx));
        this.stage = Stage::Done;
        Poll::Ready(output)
    }
}

impl<B: IoBufMut, D: Drive + Unpin> Drop for Receive<'_, B, D> {
    fn drop(&mut self) {
        // The submission goes after this, and with it, now or later, the ticket.
        if let Stage::InFlight { number, .. } = &self.stage {
            self.inbox.abandon(*number);
        }
    }
}

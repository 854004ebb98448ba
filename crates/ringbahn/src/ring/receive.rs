//! [`Receive`]: the future of [`Ring::recv`](crate::Ring::recv) and its like.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use ringbahn_core::event::{self, Rescued};
use ringbahn_core::{BufResult, Cancelled, Drive, SharedFd, Submission};

use super::inbox::Ticket;
use super::input::Input;
pub(crate) use super::reception::Reception;

/// The future of [`Ring::recv`](crate::Ring::recv) and its like. `R` says of which: a buffer, or
/// another [`Reception`].
///
/// # Cancel safety
///
/// It is cancel safe: where it is dropped, what it has received all the same stays with the handle.
/// Its buffer is dropped; [`cancel`](Receive::cancel) and [`timeout`](Receive::timeout) give it
/// back.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct Receive<'a, R: Reception, D: Drive + Unpin> {
    input: &'a Input<D>,
    fd: SharedFd,
    room: R::Room,
    stage: Stage<R, D>,
}

enum Stage<R: Reception, D: Drive> {
    /// What came before has to be asked for first.
    Waiting {
        buffers: R::Buffers,
        driver: D,
    },
    InFlight {
        number: u64,
        submission: Submission<Rescued<R::Event, Ticket<R>>, D>,
        /// Whether it is being stopped, since another one has left something.
        recalled: bool,
    },
    Done,
}

impl<R: Reception, D: Drive> fmt::Debug for Stage<R, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Waiting { .. } => "Waiting",
            Stage::InFlight { .. } => "InFlight",
            Stage::Done => "Done",
        })
    }
}

// The buffers are never pinned here.
impl<R: Reception, D: Drive + Unpin> Unpin for Receive<'_, R, D> {}

impl<'a, R: Reception, D: Drive + Clone + Unpin> Receive<'a, R, D> {
    pub(crate) fn new(
        input: &'a Input<D>,
        operands: (SharedFd, D),
        buffers: R::Buffers,
    ) -> Receive<'a, R, D>
    where
        R: Reception<Room = ()>,
    {
        Receive::with_room(input, operands, buffers, ())
    }

    /// A receive with `room` for what comes along with the bytes.
    pub(crate) fn with_room(
        input: &'a Input<D>,
        (fd, driver): (SharedFd, D),
        buffers: R::Buffers,
        room: R::Room,
    ) -> Receive<'a, R, D> {
        Receive { input, fd, room, stage: Stage::Waiting { buffers, driver } }
    }

    /// Gets everything back: stops receiving, and waits until the kernel is done with the buffer.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as the receive itself is.
    pub async fn cancel(mut self) -> Cancelled<BufResult<R::Value, R::Buffers>> {
        poll_fn(|cx| self.poll_cancel(cx)).await
    }

    /// Bounds the time: once `duration` has passed without anything received, the result is
    /// `TimedOut`, and the buffer comes back.
    ///
    /// # Cancel safety
    ///
    /// It is cancel safe, as the receive itself is.
    pub async fn timeout(mut self, duration: Duration) -> BufResult<R::Value, R::Buffers> {
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
                Cancelled::Cancelled((_, buffers)) => (Err(timed_out()), buffers),
            })
        })
        .await
    }

    fn poll_cancel(&mut self, cx: &mut Context<'_>) -> Poll<Cancelled<Output<R>>> {
        if let Stage::InFlight { number, submission, .. } = &mut self.stage {
            let output = ready!(Pin::new(submission).poll_cancel(cx));
            self.input.inbox().leave(*number);
            self.stage = Stage::Done;
            return Poll::Ready(match output {
                Cancelled::Completed(output) => Cancelled::Completed(R::output(output)),
                Cancelled::Cancelled(output) => Cancelled::Cancelled(R::output(output)),
            });
        }
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Waiting { buffers, .. } => {
                let error = io::Error::from_raw_os_error(libc::ECANCELED);
                Poll::Ready(Cancelled::Cancelled((Err(error), buffers)))
            }
            Stage::InFlight { .. } | Stage::Done => panic!("{POLLED_AGAIN}"),
        }
    }

    /// Waits for what came before, and starts to receive where it has brought nothing.
    fn poll_start(&mut self, cx: &mut Context<'_>) -> Poll<Option<Output<R>>> {
        let Stage::Waiting { buffers, .. } = &self.stage else { panic!("{POLLED_AGAIN}") };
        let nothing = R::nothing(buffers);
        let former = match nothing {
            Some(_) => None,
            None if R::DATAGRAM => ready!(self.input.inbox().poll_next(cx)),
            None if R::MESSAGE => ready!(self.input.poll_former_message(cx)),
            None => ready!(self.input.poll_former(cx)),
        };
        let Stage::Waiting { mut buffers, driver } =
            std::mem::replace(&mut self.stage, Stage::Done)
        else {
            unreachable!("the stage was looked at a moment ago");
        };
        if let Some(nothing) = nothing {
            return Poll::Ready(Some((Ok(nothing), buffers)));
        }
        match former {
            Some(Err(error)) => return Poll::Ready(Some((Err(error), buffers))),
            Some(Ok(mut kept)) => {
                let (count, told) = R::fill(&mut buffers, &mut kept);
                if !R::DATAGRAM {
                    kept.bytes.drain(..count);
                    self.input.put_back(kept.bytes);
                }
                return Poll::Ready(Some((told, buffers)));
            }
            None => {}
        }
        let ticket = self.input.inbox().ticket();
        let number = ticket.number();
        let event = Rescued::new(R::event(self.fd.clone(), buffers, self.room), ticket);
        let submission = driver.submit(event);
        self.stage = Stage::InFlight { number, submission, recalled: false };
        Poll::Ready(None)
    }

    /// Waits for the receive in flight. `None` where it was stopped for what another one has
    /// left: then it begins anew.
    fn poll_flight(&mut self, cx: &mut Context<'_>) -> Poll<Option<Output<R>>> {
        let Stage::InFlight { number, submission, recalled } = &mut self.stage else {
            panic!("{POLLED_AGAIN}")
        };
        let inbox = self.input.inbox();
        if !*recalled {
            if let Poll::Ready(output) = Pin::new(&mut *submission).poll(cx) {
                inbox.leave(*number);
                self.stage = Stage::Done;
                return Poll::Ready(Some(R::output(output)));
            }
            if !inbox.wait(*number, cx.waker()) {
                return Poll::Pending;
            }
            *recalled = true;
        }
        let cancelled = ready!(Pin::new(&mut *submission).poll_cancel(cx));
        inbox.leave(*number);
        let driver = submission.driver().clone();
        self.stage = Stage::Done;
        Poll::Ready(match cancelled {
            Cancelled::Completed(output) => Some(R::output(output)),
            Cancelled::Cancelled(output) => {
                let (_, buffers) = R::output(output);
                self.stage = Stage::Waiting { buffers, driver };
                None
            }
        })
    }
}

type Output<R> = BufResult<
    <R as super::reception::private::Reception>::Value,
    <R as super::reception::private::Reception>::Buffers,
>;

const POLLED_AGAIN: &str = "a receive was polled after it had yielded its output";

fn timed_out() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "nothing was received in the given time")
}

impl<R: Reception, D: Drive + Clone + Unpin> Future for Receive<'_, R, D> {
    type Output = BufResult<R::Value, R::Buffers>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<BufResult<R::Value, R::Buffers>> {
        let this = self.get_mut();
        loop {
            let output = match this.stage {
                Stage::Waiting { .. } => ready!(this.poll_start(cx)),
                Stage::InFlight { .. } | Stage::Done => ready!(this.poll_flight(cx)),
            };
            if let Some(output) = output {
                return Poll::Ready(output);
            }
        }
    }
}

impl<R: Reception, D: Drive + Unpin> Drop for Receive<'_, R, D> {
    fn drop(&mut self) {
        // The submission goes after this, and with it, now or later, the ticket.
        if let Stage::InFlight { number, .. } = &self.stage {
            self.input.inbox().abandon(*number);
        }
    }
}

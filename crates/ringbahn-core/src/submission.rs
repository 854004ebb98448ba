//! [`Submission`]: the future that exchanges one event with one driver.

use std::collections::VecDeque;
use std::fmt;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::cancel::{Cancel, Cancelled};
use crate::cqe::Cqe;
use crate::drive::Drive;
use crate::event::Event;
use crate::operation::claim::Claim;
use crate::operation::in_place;
use crate::operation::target::CancelTarget;
use crate::scope::{CancelScope, Within};
use crate::sharing::Sharing;
use crate::timeout::Timeout;
use crate::trace::Trace;

pin_project! {
    /// The future that runs one event on one driver.
    ///
    /// Nothing happens before the first poll. Then the event moves to the heap, the driver finds
    /// room for its entries, and it belongs to the kernel; later polls look whether it has ended.
    /// An operation that ends while it is being submitted is ready at the first poll.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future abandons the operation. That is memory safe at any moment, also by
    /// `mem::forget`, since everything the kernel may touch lives in a record that is not the
    /// future's. The kernel is asked to cancel, and what the operation yields all the same is
    /// disposed of: an accepted socket is closed, a buffer freed. Data that a read had taken from
    /// a stream is lost with it; [`cancel`](Submission::cancel) loses nothing.
    #[must_use = "futures do nothing unless polled"]
    pub struct Submission<E: Event, D: Drive> {
        #[pin]
        driver: D,
        stage: Stage<E, D::Sharing>,
        trace: Trace,
    }

    impl<E: Event, D: Drive> PinnedDrop for Submission<E, D> {
        fn drop(this: Pin<&mut Self>) {
            this.depart(false);
        }
    }
}

/// How far the exchange has come.
enum Stage<E: Event, S: Sharing> {
    /// Not polled yet: the event is still here.
    Idle(E),
    /// The event is on the heap. The claim knows whether a queue has its entries, and whether the
    /// output has been taken; the memory may then serve once more.
    Claimed(Claim<E, S>),
    /// The operation will never be in flight, for this reason.
    Refused(E, io::Error),
    /// Nothing is left, and there was never anything on the heap.
    Done,
}

impl<E: Event, S: Sharing> Stage<E, S> {
    /// The claim of an operation in flight.
    fn in_flight(&self) -> Option<&Claim<E, S>> {
        match self {
            Stage::Claimed(claim) if claim.is_admitted() => Some(claim),
            Stage::Idle(_) | Stage::Claimed(_) | Stage::Refused(..) | Stage::Done => None,
        }
    }

    /// Whether the driver has been told to submit the operation, after which nothing is to be done
    /// for it but to wait.
    #[inline]
    fn is_submitted(&self) -> bool {
        matches!(self, Stage::Claimed(claim) if claim.is_submitted())
    }

    /// Takes the event back from where no queue has seen it.
    fn refuse(&mut self, error: io::Error) {
        *self = match std::mem::replace(self, Stage::Done) {
            Stage::Idle(event) => Stage::Refused(event, error),
            Stage::Claimed(claim) if claim.is_waiting() => {
                Stage::Refused(claim.into_event(), error)
            }
            stage => stage,
        };
    }
}

impl<E: Event, D: Drive> Submission<E, D> {
    /// The future that runs `event` on `driver`.
    pub fn new(event: E, driver: D) -> Submission<E, D> {
        Submission { driver, stage: Stage::Idle(event), trace: Trace::new() }
    }

    /// Sets the operation on its way, and leaves its output for later: is ready as soon as the
    /// driver has the operation, or it turns out that it never will. The submission itself yields
    /// the output, then as ever.
    ///
    /// Several that are started one after the other run at the same time, whichever of them is
    /// awaited first.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # // Not run: this crate brings no driver to run it on.
    /// use std::pin::pin;
    /// use ringbahn_core::event::{Position, Write};
    /// use ringbahn_core::{Drive, SharedFd};
    ///
    /// # async fn example(driver: impl Drive + Clone, file: SharedFd, log: SharedFd) {
    /// let data = Write::new(file, "data", Position::At(0));
    /// let mut written = pin!(driver.clone().submit(data));
    /// written.as_mut().start().await;
    /// // The disk is at it meanwhile.
    /// let (logged, _) = driver.submit(Write::new(log, "entry", Position::Current)).await;
    /// let (count, _) = written.await;
    /// # let _ = (logged, count);
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Giving up loses nothing: the operation is then as it was, started or waiting for room.
    pub async fn start(mut self: Pin<&mut Self>) {
        std::future::poll_fn(|cx| self.as_mut().poll_start(cx)).await;
    }

    /// Polls for the operation being on its way, see [`start`](Submission::start).
    pub fn poll_start(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let starts = match &self.stage {
            Stage::Idle(_) => true,
            Stage::Claimed(claim) => !claim.is_over() && !claim.is_submitted(),
            Stage::Refused(..) | Stage::Done => false,
        };
        if starts { self.poll_in_flight(cx, false) } else { Poll::Ready(()) }
    }

    /// Gets everything back: cancels the operation and waits until the kernel is done with it.
    ///
    /// Yields whether the operation was cancelled before it did anything or has completed all the
    /// same, with the output, and in that the buffer, either way.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # // Not run: this crate brings no driver to run it on.
    /// use ringbahn_core::{Cancelled, Drive, event::Nop};
    ///
    /// # async fn example(driver: impl Drive) {
    /// match driver.submit(Nop).cancel().await {
    ///     Cancelled::Completed(result) => println!("it was faster: {result:?}"),
    ///     Cancelled::Cancelled(_) => println!("nothing has happened"),
    /// }
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the operation abandoned, and cancelled already.
    pub fn cancel(self) -> Cancel<E, D> {
        Cancel::new(self)
    }

    /// Bounds the operation's time. Once `duration` has passed it is cancelled, and the future is
    /// ready when the kernel is done with it.
    ///
    /// An operation that has not done anything by then fails with `TimedOut`, its buffer given
    /// back as in any failure. One that has completed all the same yields what it completed with.
    ///
    /// # Cancel safety
    ///
    /// That of the operation: dropping the future abandons it, and the timer with it.
    pub fn timeout(self, duration: Duration) -> Timeout<E, D>
    where
        D: Clone,
    {
        Timeout::new(self, duration)
    }

    /// Binds the operation to `scope`: it is told to stop together with all others in it.
    ///
    /// Told before it has started, it never does. It yields its output, with its buffer, in each
    /// case, the error `ECANCELED` where it has not done anything.
    ///
    /// # Cancel safety
    ///
    /// That of the operation: dropping the future abandons it.
    pub fn within(self, scope: &CancelScope<D>) -> Within<E, D> {
        Within::new(self, scope)
    }

    /// Runs `event` next, on the same driver, and spares the allocation: once its output has been
    /// taken, an operation's memory serves for the next one of the same type.
    ///
    /// An operation whose output has not been taken is abandoned, as by a drop.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # // Not run: this crate brings no driver to run it on.
    /// use std::pin::pin;
    /// use ringbahn_core::{Drive, event::Nop};
    ///
    /// # async fn example(driver: impl Drive) -> std::io::Result<()> {
    /// let mut nop = pin!(driver.submit(Nop));
    /// nop.as_mut().await?;
    /// for _ in 0..100 {
    ///     nop.as_mut().restart(Nop);
    ///     nop.as_mut().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn restart(mut self: Pin<&mut Self>, event: E) {
        let renewed = match self.as_mut().project().stage {
            Stage::Claimed(claim) => claim.renew(event),
            _ => Err(event),
        };
        if let Err(event) = renewed {
            self.as_mut().depart(false);
            *self.project().stage = Stage::Idle(event);
        }
    }

    /// Lets the operation run to its end with nobody waiting, and disposes of its output.
    ///
    /// An operation that is not in flight yet, not having been polled or still waiting for room
    /// in the driver's queue, never starts; [`is_in_flight`](Submission::is_in_flight) tells.
    pub fn detach(self: Pin<&mut Self>) {
        self.depart(true);
    }

    /// The operation as a target for a cancel by others; `None` before it is in flight.
    pub fn cancel_target(&self) -> Option<CancelTarget<D::Sharing>> {
        self.stage.in_flight().map(Claim::target)
    }

    /// Whether the driver has accepted the operation and its output has not been taken.
    pub fn is_in_flight(&self) -> bool {
        self.stage.in_flight().is_some()
    }

    /// How many bytes of an event that goes on by itself, such as
    /// [`SendAll`](crate::event::SendAll), are done while the rest waits for room in the driver's
    /// queue: what the driver has [served at once](Drive::attempt). 0 in any other case.
    pub fn done_before_admission(&self) -> u64 {
        match &self.stage {
            Stage::Claimed(claim) if claim.is_waiting() => claim.served(),
            _ => 0,
        }
    }

    /// The driver that the event runs on.
    pub fn driver(&self) -> &D {
        &self.driver
    }

    /// Asks the kernel, once, to cancel the operation. One that no queue has yet never starts.
    pub fn poll_cancel(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Cancelled<E::Output>> {
        self.as_mut().request_cancel();
        let cancelled = || io::Error::from_raw_os_error(libc::ECANCELED);
        let (output, has_not_run) = ready!(self.poll_output(cx, Some(&cancelled)));
        Poll::Ready(match has_not_run {
            true => Cancelled::Cancelled(output),
            false => Cancelled::Completed(output),
        })
    }

    /// The CQE that arrived as number `index`, as soon as it has; `None` when the operation has
    /// ended with fewer. The output is still to be had by polling the submission itself.
    ///
    /// A zero-copy send tells with its first CQE how much it has sent, and with its last one that
    /// the buffer is free again. An operation that is submitted once more begins to count anew.
    pub fn poll_cqe(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        index: usize,
    ) -> Poll<Option<Cqe>> {
        ready!(self.as_mut().poll_in_flight(cx, false));
        match self.project().stage.in_flight() {
            Some(claim) => claim.poll_cqe(cx, index),
            None => Poll::Ready(None),
        }
    }

    /// Takes the first of the CQEs so far, as soon as there is one or the operation has ended, and
    /// moves those behind it to `unread`.
    ///
    /// What they bring is owned by whoever has them, and not by the event any more.
    #[inline]
    pub(crate) fn poll_unread(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        unread: &mut VecDeque<Cqe>,
    ) -> Poll<Option<Cqe>> {
        if !self.stage.is_submitted() {
            ready!(self.as_mut().poll_in_flight(cx, false));
        }
        match self.project().stage.in_flight() {
            Some(claim) => claim.poll_unread(cx, unread),
            None => Poll::Ready(None),
        }
    }

    pub(crate) fn request_cancel(self: Pin<&mut Self>) {
        let this = self.project();
        if let Some(claim) = this.stage.in_flight() {
            let target = claim.target();
            if target.mark() {
                this.driver.cancel(target);
            }
        }
    }

    /// Polls for the output, and whether it is that of an operation that has not run. `stopped`
    /// makes the error for one that is to be, or was, cancelled before it did anything.
    pub(crate) fn poll_output(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        stopped: Option<&dyn Fn() -> io::Error>,
    ) -> Poll<(E::Output, bool)> {
        if let Some(stopped) = stopped {
            self.as_mut().project().stage.refuse(stopped());
        }
        if !self.stage.is_submitted() {
            let asked = matches!(&self.stage, Stage::Idle(event) if event.is_often_served());
            if asked && let Some(output) = self.as_mut().serve_in_place() {
                return Poll::Ready((output, false));
            }
            ready!(self.as_mut().poll_in_flight(cx, asked));
        }
        let this = self.project();
        if let Stage::Claimed(claim) = this.stage {
            let output = ready!(claim.poll_complete(cx, stopped));
            this.trace.end("completed");
            return Poll::Ready(output);
        }
        match std::mem::replace(this.stage, Stage::Done) {
            Stage::Refused(event, error) => {
                this.trace.end("refused");
                Poll::Ready((event.complete(crate::Outcome::refused(error)), true))
            }
            _ => panic!("a submission was polled after its output"),
        }
    }

    /// Has the driver serve an event that has not moved to the heap yet, and yields its output.
    #[inline]
    fn serve_in_place(self: Pin<&mut Self>) -> Option<E::Output> {
        let this = self.project();
        let Stage::Idle(event) = this.stage else { return None };
        this.trace.begin::<E>();
        let cqe = in_place::serve(event, this.driver)?;
        let Stage::Idle(event) = std::mem::replace(this.stage, Stage::Done) else { return None };
        let output = in_place::complete(event, &cqe);
        this.trace.end("completed");
        Some(output)
    }

    /// Brings the operation in flight, or finds out that it never will be. `asked` says whether the
    /// driver has just been asked to serve it at once.
    #[inline(never)]
    fn poll_in_flight(mut self: Pin<&mut Self>, cx: &mut Context<'_>, asked: bool) -> Poll<()> {
        let mut this = self.as_mut().project();
        this.trace.begin::<E>();
        if let Stage::Idle(_) = this.stage
            && let Stage::Idle(event) = std::mem::replace(this.stage, Stage::Done)
        {
            *this.stage = Stage::Claimed(Claim::new(event, asked));
        }
        if let Stage::Claimed(claim) = this.stage {
            match ready!(claim.poll_admit(this.driver.as_mut(), cx)) {
                Ok(()) => claim.poll_submit(this.driver.as_mut(), cx),
                Err(error) => this.stage.refuse(error),
            }
        }
        Poll::Ready(())
    }

    fn depart(self: Pin<&mut Self>, detach: bool) {
        let this = self.project();
        if let Stage::Claimed(claim) = this.stage
            && claim.is_over()
        {
            return;
        }
        this.trace.end(if detach { "detached" } else { "dropped" });
        let stage = std::mem::replace(this.stage, Stage::Done);
        if let Stage::Claimed(claim) = stage
            && let Some(target) = claim.depart(detach)
        {
            this.driver.cancel(target);
        }
    }
}

impl<E: Event, D: Drive> Future for Submission<E, D> {
    type Output = E::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<E::Output> {
        self.poll_output(cx, None).map(|(output, _)| output)
    }
}

impl<E: Event, D: Drive> fmt::Debug for Submission<E, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Idle(_) => "idle",
            Stage::Claimed(claim) if claim.is_admitted() => "in flight",
            Stage::Claimed(claim) if claim.is_over() => "done",
            Stage::Claimed(_) => "waiting for room",
            Stage::Refused(..) => "refused",
            Stage::Done => "done",
        };
        f.debug_struct("Submission").field("stage", &stage).finish_non_exhaustive()
    }
}

//! [`Multishot`]: the stream of what one operation yields with many CQEs.
//!
//! An operation that posts many CQEs is submitted as any other: it has a record, and the kernel
//! owns its event until the last of them. One such submission is a *shot*. The CQEs of a shot wait
//! in its record until the stream reads them; all of those there are move over at once.
//!
//! | the shot ends | the stream |
//! |---|---|
//! | with an item, since the completion queue was full, or the kernel saw fit | goes on with another shot |
//! | cancelled, though nobody asked; or since the consumer lagged | goes on with another shot |
//! | since its group was out of buffers | waits until one has come back, then goes on |
//! | with an error, or at the end of the file | yields it, and goes on or ends as the event says |
//!
//! Another shot begins only when everything of the last one has been read, and somebody polls for
//! more. So a stream that nobody reads asks the kernel for nothing.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::stream::{FusedStream, Stream};
use pin_project_lite::pin_project;

pub(crate) mod event;
mod shot;

use event::MultiEvent;
use shot::{Shot, Unread};

use crate::cqe::Cqe;
use crate::drive::Drive;
use crate::provided::BufferGroup;
use crate::provided::line::Turn;
use crate::submission::Submission;

pin_project! {
    /// The stream of what one operation yields, with one entry and many CQEs.
    ///
    /// Made by [`Drive::stream`]. Nothing happens before the first poll.
    ///
    /// The kernel may end such an operation at any time, without an error: the stream submits it
    /// once more, and its reader does not notice. Where the reader lags, and so many CQEs wait as
    /// [`MultiEvent::unread_max`] says, the operation is stopped until they have been read; what
    /// comes meanwhile stays where it was, in the socket or the backlog.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # // Not run: this crate brings no driver to run it on.
    /// use std::net::TcpListener;
    /// use std::os::fd::OwnedFd;
    /// use futures::StreamExt;
    /// use ringbahn_core::{Drive, event::AcceptMulti};
    ///
    /// # async fn example(driver: impl Drive + Unpin) -> std::io::Result<()> {
    /// let listener = OwnedFd::from(TcpListener::bind("127.0.0.1:0")?);
    /// let mut incoming = driver.stream(AcceptMulti::new(listener));
    /// while let Some(connection) = incoming.next().await {
    ///     let _connection: OwnedFd = connection?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Cancel safety
    ///
    /// Polling for an item and giving up loses nothing: the item is yielded to the next poll.
    /// Dropping the stream stops the operation and disposes of what it has brought and nobody has
    /// read: connections are closed, buffers go back to their group. [`stop`](Multishot::stop)
    /// loses nothing.
    #[must_use = "streams do nothing unless polled"]
    pub struct Multishot<M: MultiEvent, D: Drive> {
        // What is read comes from here; so it is dropped first.
        unread: Unread<M>,
        #[pin]
        shot: Submission<Shot<M>, D>,
        stage: Stage<M>,
        // How many buffers had come back to the group when the shot began.
        returns: u64,
        stopping: bool,
    }
}

/// How far a stream has come.
enum Stage<M> {
    /// A shot is under way, or about to be.
    Shooting,
    /// The last CQE of the shot has been read.
    Ended(Then),
    /// Everything has been read, and there is nothing to submit it for at the moment.
    Resting(M, Turn),
    /// There will be nothing more.
    Over,
}

/// What comes after a shot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    /// Another one.
    Again,
    /// Another one, when a buffer has come back since this one began.
    Starved,
    /// Nothing.
    End,
}

impl<M: MultiEvent, D: Drive> Multishot<M, D> {
    /// The stream of what `event` yields on `driver`.
    pub fn new(event: M, driver: D) -> Multishot<M, D> {
        let unread = Unread::new(event.decoder());
        let returns = M::group(unread.decoder()).map_or(0, BufferGroup::returns);
        Multishot {
            unread,
            shot: Submission::new(Shot { event }, driver),
            stage: Stage::Shooting,
            returns,
            stopping: false,
        }
    }

    /// Stops the operation. What it has brought is yielded, and then the stream ends.
    ///
    /// # Cancel safety
    ///
    /// Nothing is lost by it; the stream is to be polled to its end.
    pub fn stop(self: Pin<&mut Self>) {
        let this = self.project();
        *this.stopping = true;
        this.shot.request_cancel();
    }

    /// The driver that the operation runs on.
    pub fn driver(&self) -> &D {
        self.shot.driver()
    }

    /// Whether the kernel has the operation, as far as the stream knows.
    pub fn is_in_flight(&self) -> bool {
        self.shot.is_in_flight()
    }

    /// Takes the event back from a shot that has ended. Yields the reason of one that was refused.
    fn poll_spent(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        then: Then,
    ) -> Poll<Option<io::Error>> {
        let this = self.as_mut().project();
        let spent = ready!(this.shot.poll_output(cx, None)).0;
        let group = M::group(this.unread.decoder());
        let turn = match (then, group) {
            _ if *this.stopping || spent.refused.is_some() => None,
            (Then::End, _) => None,
            (Then::Starved, Some(group)) => Some(Turn::after(group, *this.returns)),
            (Then::Again, Some(group)) => Some(Turn::behind_others(group)),
            (_, None) => Some(Turn::come()),
        };
        *this.stage = turn.map_or(Stage::Over, |turn| Stage::Resting(spent.event, turn));
        Poll::Ready(spent.refused.filter(|_| !*this.stopping))
    }

    /// Begins the next shot when it is its turn.
    fn poll_turn(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if *this.stopping {
            *this.stage = Stage::Over;
            return Poll::Ready(());
        }
        if let Stage::Resting(_, turn) = this.stage {
            ready!(turn.poll(cx.waker()));
        }
        if let Stage::Resting(event, _) = std::mem::replace(this.stage, Stage::Shooting) {
            // Counted before the kernel can see the shot, which so finds all that are counted.
            *this.returns = M::group(this.unread.decoder()).map_or(0, BufferGroup::returns);
            this.shot.as_mut().restart(Shot { event });
        }
        Poll::Ready(())
    }

    /// What is to happen after the CQE that ended a shot, and the item that it has brought.
    fn after(cqe: &Cqe, item: Option<&io::Result<M::Item>>, has_group: bool) -> Then {
        if cqe.has_not_run() {
            return Then::Again;
        }
        if has_group && cqe.failed_with(libc::ENOBUFS) {
            return Then::Starved;
        }
        match item {
            Some(Ok(_)) => Then::Again,
            Some(Err(error)) if M::goes_on_after(error) => Then::Again,
            Some(Err(_)) | None => Then::End,
        }
    }

    /// Notes what a CQE says, and yields the item that it has brought for the reader.
    #[inline]
    fn take(
        self: Pin<&mut Self>,
        (cqe, item): (Cqe, Option<io::Result<M::Item>>),
    ) -> Option<io::Result<M::Item>> {
        if cqe.has_more() && matches!(item, Some(Ok(_))) {
            return item;
        }
        self.take_last(&cqe, item)
    }

    /// The same for a CQE that ends the shot, or brings no item.
    #[inline(never)]
    fn take_last(
        self: Pin<&mut Self>,
        cqe: &Cqe,
        item: Option<io::Result<M::Item>>,
    ) -> Option<io::Result<M::Item>> {
        let this = self.project();
        if !cqe.has_more() {
            let has_group = M::group(this.unread.decoder()).is_some();
            *this.stage = Stage::Ended(Self::after(cqe, item.as_ref(), has_group));
        }
        item.filter(|_| !Self::is_silent(cqe, this.unread.decoder()))
    }

    /// Whether a CQE says only that the shot is over, which is no affair of the reader's.
    fn is_silent(cqe: &Cqe, decoder: &M::Decoder) -> bool {
        let starved = M::group(decoder).is_some() && cqe.failed_with(libc::ENOBUFS);
        cqe.has_not_run() || starved
    }
}

impl<M: MultiEvent, D: Drive> Stream for Multishot<M, D> {
    type Item = io::Result<M::Item>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if !self.unread.is_empty() {
                let next = self.as_mut().project().unread.next();
                match next.and_then(|next| self.as_mut().take(next)) {
                    Some(item) => return Poll::Ready(Some(item)),
                    None => continue,
                }
            }
            match self.stage {
                Stage::Over => return Poll::Ready(None),
                Stage::Resting(..) => ready!(self.as_mut().poll_turn(cx)),
                Stage::Ended(then) => {
                    if let Some(refusal) = ready!(self.as_mut().poll_spent(cx, then)) {
                        return Poll::Ready(Some(Err(refusal)));
                    }
                }
                Stage::Shooting if self.stopping && !self.shot.is_in_flight() => {
                    *self.as_mut().project().stage = Stage::Over;
                }
                Stage::Shooting => {
                    let this = self.as_mut().project();
                    match ready!(this.unread.poll_next(this.shot, cx)) {
                        Some(next) => {
                            if let Some(item) = self.as_mut().take(next) {
                                return Poll::Ready(Some(item));
                            }
                        }
                        // It was refused.
                        None => *this.stage = Stage::Ended(Then::End),
                    }
                }
            }
        }
    }
}

impl<M: MultiEvent, D: Drive> FusedStream for Multishot<M, D> {
    fn is_terminated(&self) -> bool {
        matches!(self.stage, Stage::Over) && self.unread.is_empty()
    }
}

impl<M: MultiEvent, D: Drive> fmt::Debug for Multishot<M, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match &self.stage {
            Stage::Shooting if self.shot.is_in_flight() => "in flight",
            Stage::Shooting => "idle",
            Stage::Ended(_) => "ended",
            Stage::Resting(..) => "waiting for a buffer",
            Stage::Over => "over",
        };
        f.debug_struct("Multishot").field("stage", &stage).finish_non_exhaustive()
    }
}

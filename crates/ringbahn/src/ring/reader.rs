//! [`Reader`]: the read that a handle keeps in flight, and the bytes that have arrived.

use std::collections::VecDeque;
use std::future::Future;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ringbahn_core::event::{Interest, Position};
use ringbahn_core::{BufResult, BufferReturn, Drive, Event, IoBuf, Slice, event};

use super::buffering::{Buffer, Memory, Pool};
use super::inbox::Kept;
use super::object::{Object, Readable};
use super::seldom::Seldom;
use super::share::Handle;
use super::slot::{Side, Slot};
use straight::{Straight, Wait};

mod straight;

/// The most bytes that one read or write of the poll functions moves, and so the most that a
/// handle buffers for one direction.
///
/// Beyond 128 KiB the copy between the handle's buffer and the caller's takes so much longer than
/// an operation takes to submit that larger ones gain nothing, while they cost memory for each
/// handle. The methods on owned buffers copy nothing and have no such bound.
pub(crate) const TRANSFER_MAX: usize = 128 * 1024;

/// The largest buffer that an idle handle keeps, in bytes.
pub(crate) const KEPT_MAX: usize = 16 * 1024;

/// How many bytes are read ahead where the caller does not say how many it wants.
pub(crate) const READ_AHEAD: usize = 8 * 1024;

type FileRead = event::WhenReady<event::Read<Slice<Memory>>>;
type SocketRead = event::Recv<Slice<Memory>>;

/// A read into a buffer of its own.
pub(crate) type OwnReading = event::Either<FileRead, SocketRead>;

/// A read into a buffer that the kernel chooses when there is data.
pub(crate) type ChosenReading =
    event::Either<event::WhenReady<event::ReadProvided>, event::RecvProvided>;

/// An event whose output is how much was read, and the buffer that it is in.
type Yielding<E> = event::Mapped<E, fn(<E as Event>::Output) -> BufResult<usize, Buffer>>;

/// What brings bytes in a buffer of the handle's, or tells that there are some to be received.
type OwnWaiting = event::Either<Yielding<OwnReading>, Yielding<event::PollAdd>>;

/// A read in flight.
type Reading = event::Either<OwnWaiting, Yielding<ChosenReading>>;

/// The read that a handle keeps in flight, and the bytes that have arrived and nobody has taken.
///
/// Both belong to the handle and not to the future that asked for them, so a future that is
/// dropped loses nothing: the next one finds the read where it is, or the bytes.
#[derive(Debug)]
pub(crate) struct Reader<D: Drive> {
    slot: Slot<Reading, D>,
    /// What has arrived; the first `consumed` bytes have been taken.
    buffer: Buffer,
    consumed: usize,
    /// Where the next buffer comes from.
    pool: Pool,
    /// What few handles need, and those not often.
    seldom: Seldom<Aside>,
    /// Whether the read that has ended last found the end of the stream, and nobody knows yet.
    ended: bool,
    /// How many buffers had come back to the group, if the read in flight chooses from one.
    returns: Option<u64>,
    /// Whether the read that has ended last has done nothing, and is to be repeated.
    again: bool,
    /// How many bytes the read in flight has room for; `None` where it only tells of some.
    room: Option<u32>,
    straight: Straight,
}

/// What few readers need, and those not often.
#[derive(Debug, Default)]
struct Aside {
    /// What comes after the bytes in the buffer: the ends of reads that others have waited for.
    errors: VecDeque<io::Error>,
    /// Where the read in flight began, if the object has a position.
    began: Option<u64>,
    /// Where the position has to be moved to, after a read that has ended.
    landed: Option<u64>,
    /// What the next read that chooses from a group waits for: a buffer, or others.
    turn: Option<BufferReturn>,
}

impl<D: Drive + Unpin> Reader<D> {
    pub(crate) fn new(shared: bool) -> Reader<D> {
        Reader {
            slot: Slot::new(shared),
            buffer: Buffer::default(),
            consumed: 0,
            pool: Pool::default(),
            seldom: Seldom::new(),
            ended: false,
            returns: None,
            again: false,
            room: None,
            straight: Straight::default(),
        }
    }

    /// From now on buffers come from `pool`.
    pub(crate) fn take_from(&mut self, pool: Pool) {
        if self.unread().is_empty() {
            self.consumed = 0;
            self.buffer = pool.kept(std::mem::take(&mut self.buffer));
        }
        if let Some(seldom) = self.seldom.get_mut() {
            seldom.turn = None;
        }
        self.pool = pool;
    }

    /// The bytes that have arrived and nobody has taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer.bytes()[self.consumed..]
    }

    /// Whether no read is in flight and nothing has arrived.
    pub(crate) fn is_idle(&self) -> bool {
        let has_errors = self.seldom.get().is_some_and(|seldom| !seldom.errors.is_empty());
        self.slot.is_empty() && self.unread().is_empty() && !has_errors && !self.ended
    }

    /// Takes `count` of the unread bytes as read.
    pub(crate) fn consume(&mut self, count: usize) {
        let length = self.buffer.bytes().len();
        self.consumed = length.min(self.consumed.saturating_add(count));
        if self.consumed == length {
            self.consumed = 0;
            self.buffer = self.pool.kept(std::mem::take(&mut self.buffer));
            if self.buffer.capacity() > KEPT_MAX {
                self.buffer = Buffer::default();
            }
        }
    }

    /// Takes all unread bytes.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        let mut bytes = std::mem::take(&mut self.buffer).into_vec();
        bytes.drain(..std::mem::take(&mut self.consumed));
        bytes
    }

    /// Gives a buffer for the next read, where there is none.
    pub(crate) fn lend(&mut self, buffer: Vec<u8>) {
        if self.slot.is_empty() && self.buffer.capacity() == 0 {
            self.consumed = 0;
            self.buffer = self.pool.kept(buffer.into());
        }
    }

    /// Puts bytes in front of the unread ones.
    pub(crate) fn put_back(&mut self, mut bytes: Vec<u8>) {
        bytes.extend_from_slice(self.unread());
        self.buffer = bytes.into();
        self.consumed = 0;
    }

    /// Puts what another read has yielded behind all else.
    pub(crate) fn append(&mut self, result: io::Result<Kept>) {
        match result {
            Ok(kept) => self.buffer.extend(&kept.bytes),
            Err(error) => self.seldom.need().errors.push_back(error),
        }
    }

    /// What the next reader is to be told before anything is read: an error, or the end.
    pub(crate) fn take_end(&mut self) -> Option<io::Result<()>> {
        if let Some(error) = self.seldom.get_mut().and_then(|seldom| seldom.errors.pop_front()) {
            return Some(Err(error));
        }
        std::mem::take(&mut self.ended).then_some(Ok(()))
    }

    /// Receives into `buf` what there is, or waits for it: straight from the socket, or what has
    /// come into the handle's own buffer. Zero at the end.
    pub(crate) fn poll_receive<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        buf: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        D: Clone,
    {
        let straight = ready!(self.poll_fill(handle, buf.len(), Some(buf), cx))?;
        if straight > 0 {
            return Poll::Ready(Ok(straight));
        }
        let unread = self.unread();
        let count = unread.len().min(buf.len());
        buf[..count].copy_from_slice(&unread[..count]);
        self.consume(count);
        let rest = &mut buf[count..];
        if count == 0 || rest.is_empty() || !self.is_idle() {
            return Poll::Ready(Ok(count));
        }
        // A receive had less room than there was to receive.
        let more = match self.receive_straight(handle, rest, count) {
            Some(Ok(more)) => more,
            Some(Err(error)) => {
                self.seldom.need().errors.push_back(error);
                0
            }
            None => 0,
        };
        Poll::Ready(Ok(count + more))
    }

    /// Receives straight into `buf`, behind the `before` bytes that are there, if that is possible
    /// and seems to be worth it. Nothing is in flight, and nothing has arrived.
    fn receive_straight<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        buf: &mut [u8],
        before: usize,
    ) -> Option<io::Result<usize>>
    where
        D: Clone,
    {
        if !T::STRAIGHT || !self.straight.is_worth_it() {
            return None;
        }
        let room = buf.len();
        match handle.receive_straight(buf) {
            Some(Ok(count)) => {
                self.straight.received(count, room, before);
                Some(Ok(count))
            }
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                self.straight.missed();
                None
            }
            Some(Err(error)) => Some(Err(error)),
            None => {
                self.straight.declined();
                None
            }
        }
    }

    /// Waits until there are unread bytes, or the end. Where nothing is in flight a read of at most
    /// `wanted` bytes is started.
    ///
    /// With `into` somebody has room for so many. Yields how many bytes have come straight into it;
    /// if any have none are unread.
    pub(crate) fn poll_fill<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        wanted: usize,
        mut into: Option<&mut [u8]>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        D: Clone,
    {
        loop {
            if self.is_idle() {
                if let Some(into) = into.as_deref_mut()
                    && let Some(received) = self.receive_straight(handle, into, 0)
                {
                    return Poll::Ready(received);
                }
                ready!(self.poll_start(handle, wanted, into.is_some(), cx))?;
            }
            if !self.unread().is_empty() {
                return Poll::Ready(Ok(0));
            }
            if let Some(output) = ready!(self.slot.poll(cx)) {
                self.settle(output);
                self.land(handle.object())?;
            }
            if !std::mem::take(&mut self.again) {
                break;
            }
        }
        if self.unread().is_empty() {
            return Poll::Ready(self.take_end().unwrap_or(Ok(())).map(|()| 0));
        }
        Poll::Ready(Ok(0))
    }

    /// Starts a read of at most `wanted` bytes, as soon as it has its turn where the kernel is to
    /// choose a buffer. Nothing is in flight, and nothing has arrived.
    ///
    /// Where that may be received `straight` it may only wait for the first of them, or for there
    /// to be some.
    fn poll_start<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        wanted: usize,
        straight: bool,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        D: Clone,
    {
        // At an offset, and not at the file's own position: the kernel forgets to move that on
        // where a read has completed later, or was cut short.
        let mut position = Position::Current;
        if handle.has_position() {
            let began = handle.object().seek_to(SeekFrom::Current(0))?;
            self.seldom.need().began = Some(began);
            position = Position::At(began);
        } else if let Some(group) = self.pool.group() {
            let waiting = self.seldom.get_mut().and_then(|seldom| seldom.turn.take());
            let mut turn = waiting.unwrap_or_else(|| group.turn());
            if Pin::new(&mut turn).poll(cx).is_pending() {
                self.seldom.need().turn = Some(turn);
                return Poll::Pending;
            }
            drop(turn);
            // Counted before the kernel can see the read, which so finds all that are counted.
            self.returns = Some(group.returns());
            let reading = T::reading_chosen(handle.fd(), group);
            let reading = Yielding::new(reading, Buffer::chosen as fn(_) -> _);
            self.room = Some(group.size());
            self.slot.start(Reading::second(reading), handle.driver());
            return Poll::Ready(Ok(()));
        }
        let mut wanted = wanted.min(TRANSFER_MAX);
        self.consumed = 0;
        if T::STRAIGHT && straight {
            match self.straight.wait(wanted) {
                Wait::Bytes(count) => wanted = count,
                Wait::Readable => {
                    self.buffer = Buffer::default();
                    self.room = None;
                    let poll = event::PollAdd::new(handle.fd(), Interest::READABLE);
                    let poll = Yielding::new(poll, Buffer::none as fn(_) -> _);
                    let waiting = Reading::first(OwnWaiting::second(poll));
                    self.slot.start(waiting, handle.driver());
                    return Poll::Ready(Ok(()));
                }
            }
        }
        let buffer = self.pool.buffer(std::mem::take(&mut self.buffer), wanted);
        let slice = buffer.into_memory().slice(..wanted);
        let reading = T::reading(handle.fd(), slice, position);
        let reading = Yielding::new(reading, Buffer::read as fn(_) -> _);
        self.room = Some(wanted as u32);
        self.slot.start(Reading::first(OwnWaiting::first(reading)), handle.driver());
        Poll::Ready(Ok(()))
    }

    /// Whether a read with this error, for which the kernel was to choose a buffer, has found none
    /// and is to wait for one, or has done nothing for another reason.
    fn is_to_go_on(&mut self, error: &io::Error, returns: u64) -> bool {
        if error.raw_os_error() == Some(libc::ENOBUFS) {
            let turn = self.pool.group().map(|group| group.returned_after(returns));
            self.seldom.need().turn = turn;
            return true;
        }
        error.kind() == io::ErrorKind::Interrupted
    }

    /// What only tells of something to receive has ended. If somebody has stopped it, that is told
    /// as of a receive; where it cannot be had at all a receive waits from now on.
    fn settle_poll(&mut self, result: io::Result<()>) {
        self.straight.polled(result.is_ok());
        match result {
            Err(error) if error.raw_os_error() == Some(libc::ECANCELED) => {
                self.again = false;
                self.seldom.need().errors.push_back(error);
            }
            _ => self.again = true,
        }
    }

    /// Stops the read in flight, and waits until the kernel is done with it. What it has brought
    /// all the same is among the unread bytes.
    pub(crate) fn poll_stop(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(output) = ready!(self.slot.poll_cancel(cx)) {
            self.settle(output);
        }
        Poll::Ready(())
    }

    /// Moves the position behind what the last read has brought.
    pub(crate) fn land(&mut self, object: &impl Object) -> io::Result<()> {
        match self.seldom.get_mut().and_then(|seldom| seldom.landed.take()) {
            Some(position) => object.seek_to(SeekFrom::Start(position)).map(drop),
            None => Ok(()),
        }
    }

    /// Moves the position back to where the reader is, and forgets what was read ahead.
    pub(crate) fn rewind(&mut self, object: &impl Object) -> io::Result<()> {
        self.land(object)?;
        let ahead = self.unread().len();
        if ahead > 0 {
            // What was read is less than the buffer that it was read into.
            object.seek_to(SeekFrom::Current(-(ahead as i64)))?;
        }
        self.forget();
        Ok(())
    }

    /// Takes it that the position has changed: what was found at the former one is forgotten.
    fn forget(&mut self) {
        self.consume(usize::MAX);
        if let Some(seldom) = self.seldom.get_mut() {
            seldom.errors.clear();
        }
        self.ended = false;
    }
}

impl<D: Drive + Unpin> Side for Reader<D> {
    type Event = Reading;
    type Driver = D;

    fn slot(&mut self) -> &mut Slot<Reading, D> {
        &mut self.slot
    }

    fn settle(&mut self, (result, buffer): BufResult<usize, Buffer>) {
        let began = self.seldom.get_mut().and_then(|seldom| seldom.began.take());
        let returns = self.returns.take();
        let Some(room) = self.room else {
            return self.settle_poll(result.map(drop));
        };
        self.again = false;
        match result {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.straight.waited(count, room as usize);
                if let Some(began) = began {
                    self.seldom.need().landed = Some(began + count as u64);
                }
                if self.unread().is_empty() {
                    self.buffer = buffer;
                    self.consumed = 0;
                } else {
                    self.buffer.extend(buffer.bytes());
                }
            }
            Err(error) => {
                self.again = returns.is_some_and(|returns| self.is_to_go_on(&error, returns));
                if !self.again {
                    self.seldom.need().errors.push_back(error);
                }
            }
        }
    }
}

//! [`Reader`]: the read that a handle keeps in flight, and the bytes that have arrived.

use std::collections::VecDeque;
use std::io::{self, SeekFrom};
use std::task::{Context, Poll, ready};

use ringbahn_core::event::Position;
use ringbahn_core::{BufResult, Drive, IoBuf, Slice, event};

use super::buffering::{Buffer, Memory, Pool};
use super::inbox::Kept;
use super::object::{Object, Readable};
use super::share::Handle;
use super::slot::{Side, Slot};

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

/// A read in flight.
pub(crate) type Reading = event::Either<FileRead, SocketRead>;

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
    /// What comes after the bytes in the buffer: the ends of reads that others have waited for.
    errors: VecDeque<io::Error>,
    /// Whether the read that has ended last found the end of the stream, and nobody knows yet.
    ended: bool,
    /// Where the read in flight began, if the object has a position.
    began: Option<u64>,
    /// Where the position has to be moved to, after a read that has ended.
    landed: Option<u64>,
}

impl<D: Drive + Unpin> Reader<D> {
    pub(crate) fn new(shared: bool) -> Reader<D> {
        Reader {
            slot: Slot::new(shared),
            buffer: Buffer::default(),
            consumed: 0,
            pool: Pool::default(),
            errors: VecDeque::new(),
            ended: false,
            began: None,
            landed: None,
        }
    }

    /// From now on buffers come from `pool`.
    pub(crate) fn take_from(&mut self, pool: Pool) {
        self.pool = pool;
    }

    /// The bytes that have arrived and nobody has taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.buffer.bytes()[self.consumed..]
    }

    /// Whether no read is in flight and nothing has arrived.
    pub(crate) fn is_idle(&self) -> bool {
        self.slot.is_empty() && self.unread().is_empty() && self.errors.is_empty() && !self.ended
    }

    /// Takes `count` of the unread bytes as read.
    pub(crate) fn consume(&mut self, count: usize) {
        let length = self.buffer.bytes().len();
        self.consumed = length.min(self.consumed.saturating_add(count));
        if self.consumed == length {
            self.consumed = 0;
            self.buffer = std::mem::take(&mut self.buffer).spare();
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
            self.consumed = buffer.len();
            self.buffer = buffer.into();
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
            Err(error) => self.errors.push_back(error),
        }
    }

    /// What the next reader is to be told before anything is read: an error, or the end.
    pub(crate) fn take_end(&mut self) -> Option<io::Result<()>> {
        if let Some(error) = self.errors.pop_front() {
            return Some(Err(error));
        }
        std::mem::take(&mut self.ended).then_some(Ok(()))
    }

    /// Waits until there are unread bytes, or the end, and yields them. Where nothing is in
    /// flight a read of at most `wanted` bytes is started.
    pub(crate) fn poll_fill<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        D: Clone,
    {
        if self.slot.is_empty() && self.unread().is_empty() && self.errors.is_empty() && !self.ended
        {
            let wanted = wanted.min(TRANSFER_MAX);
            // At an offset, and not at the file's own position: the kernel forgets to move that
            // on where a read has completed later, or was cut short.
            let position = if handle.has_position() {
                let began = handle.object().seek_to(SeekFrom::Current(0))?;
                self.began = Some(began);
                Position::At(began)
            } else {
                Position::Current
            };
            self.consumed = 0;
            let buffer = self.pool.buffer(std::mem::take(&mut self.buffer), wanted);
            let slice = buffer.into_memory().slice(..wanted);
            self.slot.start(T::reading(handle.fd(), slice, position), handle.driver());
        }
        if self.unread().is_empty() {
            if let Some(output) = ready!(self.slot.poll(cx)) {
                self.settle(output);
                self.land(handle.object())?;
            }
            if self.unread().is_empty() {
                return Poll::Ready(self.take_end().unwrap_or(Ok(())));
            }
        }
        Poll::Ready(Ok(()))
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
        match self.landed.take() {
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
        self.errors.clear();
        self.ended = false;
    }
}

impl<D: Drive + Unpin> Side for Reader<D> {
    type Event = Reading;
    type Driver = D;

    fn slot(&mut self) -> &mut Slot<Reading, D> {
        &mut self.slot
    }

    fn settle(&mut self, (result, buffer): BufResult<usize, Slice<Memory>>) {
        // It holds what was read.
        let buffer = Buffer::from(buffer.into_inner());
        let began = self.began.take();
        match result {
            Ok(0) => self.ended = true,
            Ok(count) => {
                self.landed = began.map(|began| began + count as u64);
                if self.unread().is_empty() {
                    self.buffer = buffer;
                    self.consumed = 0;
                } else {
                    self.buffer.extend(buffer.bytes());
                }
            }
            Err(error) => self.errors.push_back(error),
        }
    }
}

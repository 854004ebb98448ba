//! [`Writer`]: the write that a handle keeps in flight behind its caller.

use std::io::{self, SeekFrom};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use ringbahn_core::event::Position;
use ringbahn_core::{BufResult, Drive, Submission, event};

use super::buffering::{Buffer, Memory, Pool};
use super::object::{Nature, Object, Writable};
use super::reader::KEPT_MAX;
use super::seldom::Seldom;
use super::share::Handle;
use super::slot::{Side, Slot};

type FileWrite = event::WhenReady<event::WriteAll<Memory>>;
type SocketWrite = event::SendAll<Memory>;

/// A write in flight.
pub(crate) type Writing = event::Either<FileWrite, SocketWrite>;

/// The write that a handle keeps in flight behind its caller.
///
/// A write is accepted when its bytes have been sent straight, or have been copied and the
/// operation has been started, and is never taken back after that: neither by a future that is
/// dropped, nor by the next write, which waits for it, nor by the end of the handle, which lets it
/// run.
#[derive(Debug)]
pub(crate) struct Writer<D: Drive + Unpin> {
    slot: Slot<Writing, D>,
    /// The buffer of the last write, for the next one.
    spare: Buffer,
    /// Where the next buffer comes from, where that one will not do.
    pool: Pool,
    /// What a write has failed with, until somebody is told.
    error: Option<io::Error>,
    /// Of few handles: what becomes of the position.
    moves: Seldom<Moves>,
    /// Whether the socket had no room for all that was sent last, so that the next write waits.
    full: bool,
    /// The end of the stream, while it is on its way to the other side; of few handles, so it is
    /// apart.
    ending: Option<Box<Submission<event::Shutdown, D>>>,
}

/// What becomes of a position.
#[derive(Debug, Default)]
struct Moves {
    /// Where it has to be moved to if the write in flight fails, and if it does not.
    began: Option<SeekFrom>,
    landing: Option<SeekFrom>,
    /// Where it has to be moved to, after a write that has ended.
    landed: Option<SeekFrom>,
}

impl<D: Drive + Unpin> Writer<D> {
    pub(crate) fn new(shared: bool) -> Writer<D> {
        Writer {
            slot: Slot::new(shared),
            spare: Buffer::default(),
            pool: Pool::default(),
            error: None,
            moves: Seldom::new(),
            full: false,
            ending: None,
        }
    }

    /// From now on buffers come from `pool`.
    pub(crate) fn take_from(&mut self, pool: Pool) {
        self.spare = pool.kept(std::mem::take(&mut self.spare));
        self.pool = pool;
    }

    /// Whether nothing is in flight, and nothing is left to do after it.
    pub(crate) fn is_idle(&self) -> bool {
        self.slot.is_empty() && self.moves.get().is_none_or(|moves| moves.landed.is_none())
    }

    /// Waits until nothing is in flight. An error stays where it is.
    pub(crate) fn poll_idle<T: Object>(
        &mut self,
        handle: &Handle<T, D>,
        cx: &mut Context<'_>,
    ) -> Poll<()> {
        if let Some(output) = ready!(self.slot.poll(cx)) {
            self.settle(output);
        }
        self.land(handle.object());
        Poll::Ready(())
    }

    fn land(&mut self, object: &impl Object) {
        if let Some(position) = self.moves.get_mut().and_then(|moves| moves.landed.take()) {
            // The file has been sought in before, so this cannot fail; if it does, nothing is lost
            // that the next seek would not report.
            let _ = object.seek_to(position);
        }
    }

    /// Where a write of so many bytes goes.
    ///
    /// In a file with a position that is an offset: of the file's own position the kernel loses
    /// sight where a write completes later, or is cut short. The position moves on before the
    /// write, so it is right also if nobody sees its end.
    fn begin<T: Object>(&mut self, handle: &Handle<T, D>, count: usize) -> io::Result<Position> {
        match handle.nature() {
            Nature::Stream => Ok(Position::Current),
            Nature::Appending => {
                self.moves.need().landing = Some(SeekFrom::End(0));
                Ok(Position::Current)
            }
            Nature::Positioned => {
                let end = handle.object().seek_to(SeekFrom::Current(count as i64))?;
                let began = end - count as u64;
                self.moves.need().began = Some(SeekFrom::Start(began));
                Ok(Position::At(began))
            }
        }
    }

    /// Whether a write has failed since this was asked last.
    pub(crate) fn take_error(&mut self) -> io::Result<()> {
        self.error.take().map_or(Ok(()), Err)
    }

    /// Accepts as many bytes of `parts` as the socket takes at once, and as it copies of the rest.
    pub(crate) fn poll_write<T: Writable>(
        &mut self,
        handle: &Handle<T, D>,
        parts: &[io::IoSlice<'_>],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        D: Clone,
    {
        ready!(self.poll_idle(handle, cx));
        self.take_error()?;
        let sent = self.write_straight(handle, parts).unwrap_or(Ok(0))?;
        if parts.iter().all(|part| part.len() <= sent) {
            // Of several parts none is sent straight, so there is no second one behind this.
            return Poll::Ready(Ok(sent));
        }
        let mut bytes = self.pool.buffer(std::mem::take(&mut self.spare), 0);
        let most = bytes.most();
        let mut skipped = sent;
        for part in parts {
            let (sent, rest) = part.split_at(skipped.min(part.len()));
            skipped -= sent.len();
            let room = most - bytes.bytes().len();
            bytes.extend(&rest[..rest.len().min(room)]);
        }
        let count = bytes.bytes().len();
        match self.start(handle, bytes, cx) {
            Ok(None) => Poll::Ready(Ok(sent + count)),
            Ok(Some(bytes)) => {
                let accepted = sent + count - bytes.bytes().len();
                self.spare = self.pool.kept(bytes);
                // The driver may have served a part of it before it had no room for the rest.
                if accepted > 0 { Poll::Ready(Ok(accepted)) } else { Poll::Pending }
            }
            Err(error) if sent > 0 => {
                // What was sent has been accepted, so this one comes later.
                self.error = Some(error);
                Poll::Ready(Ok(sent))
            }
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Sends straight from the caller's memory what there is room for, if that is possible. Nothing
    /// is in flight.
    ///
    /// Several parts are copied together: they had best be one packet.
    fn write_straight<T: Writable>(
        &mut self,
        handle: &Handle<T, D>,
        parts: &[io::IoSlice<'_>],
    ) -> Option<io::Result<usize>>
    where
        D: Clone,
    {
        // After one that has found too little room the ring is told to wait for it.
        if !T::STRAIGHT || std::mem::take(&mut self.full) {
            return None;
        }
        let mut parts = parts.iter().filter(|part| !part.is_empty());
        let (Some(part), None) = (parts.next(), parts.next()) else { return None };
        let sent = handle.send_straight(part)?;
        if let Err(error) = &sent
            && error.kind() == io::ErrorKind::WouldBlock
        {
            return None;
        }
        self.full = sent.as_ref().is_ok_and(|count| *count < part.len());
        Some(sent)
    }

    /// The buffer of the last write, emptied.
    pub(crate) fn take_spare(&mut self) -> Vec<u8> {
        self.pool.kept(std::mem::take(&mut self.spare)).into_vec()
    }

    /// Starts to write `bytes`, of which there are some, while nothing is in flight.
    ///
    /// Gives back those that the driver has no room for: they have not been accepted, and the task
    /// will be woken when it is worth another try. Those before them have been written.
    pub(crate) fn start<T: Writable>(
        &mut self,
        handle: &Handle<T, D>,
        bytes: Buffer,
        cx: &mut Context<'_>,
    ) -> io::Result<Option<Buffer>>
    where
        D: Clone,
    {
        let position = self.begin(handle, bytes.bytes().len())?;
        let writing = T::writing(handle.writing_fd(), bytes.into_memory(), position);
        self.slot.start(writing, handle.driver());
        let output = match self.slot.launch(cx) {
            Ok(output) => output,
            Err(((_, bytes), done)) => {
                let mut bytes = Buffer::from(bytes);
                bytes.cut(done);
                if let Some(moves) = self.moves.get_mut() {
                    let (began, landing) = (moves.began.take(), moves.landing.take());
                    moves.landed = match began {
                        Some(SeekFrom::Start(began)) => Some(SeekFrom::Start(began + done as u64)),
                        _ => landing.filter(|_| done > 0),
                    };
                }
                self.land(handle.object());
                return Ok(Some(bytes));
            }
        };
        if let Some(output) = output {
            self.settle(output);
            self.land(handle.object());
            // It has failed already, so it need not be accepted first.
            self.take_error()?;
        }
        Ok(None)
    }

    /// Waits until nothing is in flight, and tells whether a write has failed.
    pub(crate) fn poll_flush<T: Object>(
        &mut self,
        handle: &Handle<T, D>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        ready!(self.poll_idle(handle, cx));
        if self.spare.capacity() > KEPT_MAX {
            self.spare = Buffer::default();
        }
        Poll::Ready(self.take_error())
    }

    /// Tells the other side, if there is one, that nothing more will be written. A future that is
    /// dropped meanwhile leaves the operation, if it takes one, to the next.
    pub(crate) fn poll_end<T: Writable>(
        &mut self,
        handle: &Handle<T, D>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        D: Clone,
    {
        if !T::ENDS_BY_OPERATION {
            return Poll::Ready(handle.object().end_writing());
        }
        let end = || handle.submit(event::Shutdown::new(handle.fd(), Shutdown::Write));
        let ending = self.ending.get_or_insert_with(|| Box::new(end()));
        let ended = ready!(Pin::new(&mut **ending).poll(cx));
        self.ending = None;
        Poll::Ready(told(ended))
    }

    /// Stops telling the other side. It will learn of the end all the same, when the file is
    /// closed.
    pub(crate) fn stop_ending(&mut self) {
        self.ending = None;
    }
}

/// The result of telling the other side. One that has reset the connection need not be told.
pub(crate) fn told(ended: io::Result<()>) -> io::Result<()> {
    match ended {
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
        ended => ended,
    }
}

impl<D: Drive + Unpin> Side for Writer<D> {
    type Event = Writing;
    type Driver = D;

    fn slot(&mut self) -> &mut Slot<Writing, D> {
        &mut self.slot
    }

    fn settle(&mut self, (result, buffer): BufResult<(), Memory>) {
        self.spare = self.pool.kept(buffer.into());
        if let Some(moves) = self.moves.get_mut() {
            let (began, landing) = (moves.began.take(), moves.landing.take());
            moves.landed = if result.is_ok() { landing } else { began };
        }
        self.error = result.err();
    }
}

impl<D: Drive + Unpin> Drop for Writer<D> {
    fn drop(&mut self) {
        self.slot.detach();
    }
}

//! [`FileBody`]: the bytes of a file, read as they are sent.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use ringbahn::{Drive, Ring, Submission, event};

use super::Tally;

/// How much is read at once, in bytes.
const PIECE: usize = 64 << 10;

/// The body of an answer.
pub(super) enum AnswerBody<D: Drive + Clone + Unpin> {
    /// A few words.
    Text(Bytes),
    File(Box<FileBody<D>>),
}

/// The bytes of a file, read as they are sent.
///
/// There is one piece of it in memory. Where the file becomes shorter meanwhile, the body fails and
/// with it the connection: so the client sees that something is missing.
pub(super) struct FileBody<D: Drive + Clone + Unpin> {
    file: Ring<File, D>,
    /// What is still to be read.
    rest: Range<u64>,
    reading: Option<Submission<event::Read<Vec<u8>>, D>>,
    tally: Rc<Tally>,
}

impl<D: Drive + Clone + Unpin> FileBody<D> {
    pub(super) fn new(file: Ring<File, D>, part: Range<u64>, tally: Rc<Tally>) -> FileBody<D> {
        FileBody { file, rest: part, reading: None, tally }
    }

    fn left(&self) -> u64 {
        self.rest.end - self.rest.start
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Bytes>>> {
        if self.rest.is_empty() {
            return Poll::Ready(None);
        }
        let reading = match &mut self.reading {
            Some(reading) => reading,
            idle => {
                let left = self.rest.end - self.rest.start;
                let room = left.min(PIECE as u64) as usize;
                idle.insert(self.file.read_at(Vec::with_capacity(room), self.rest.start))
            }
        };
        let (result, mut piece) = ready!(Pin::new(reading).poll(cx));
        self.reading = None;
        let count = match result {
            Ok(0) => {
                let reason = "the file has become shorter while it was sent";
                Err(io::Error::new(io::ErrorKind::UnexpectedEof, reason))
            }
            result => result,
        };
        Poll::Ready(Some(count.map(|count| {
            // A vector may have more room than was asked for.
            let count = (count as u64).min(self.left());
            piece.truncate(count as usize);
            self.rest.start += count;
            self.tally.bytes.set(self.tally.bytes.get() + count);
            Bytes::from(piece)
        })))
    }
}

impl<D: Drive + Clone + Unpin> Body for AnswerBody<D> {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let piece = match self.get_mut() {
            AnswerBody::Text(text) if text.is_empty() => None,
            AnswerBody::Text(text) => Some(Ok(std::mem::take(text))),
            AnswerBody::File(file) => ready!(file.poll_piece(cx)),
        };
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.size_hint().exact() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(match self {
            AnswerBody::Text(text) => text.len() as u64,
            AnswerBody::File(file) => file.left(),
        })
    }
}

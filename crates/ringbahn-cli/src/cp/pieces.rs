//! The way of the ring: pieces of a file, several of which are in flight at the same time.

use std::cell::{Cell, RefCell};
use std::io;
use std::ops::Range;

use futures::future::join_all;
use ringbahn::IoBuf;

use super::data::{Data, Trouble};
use super::segments::Segments;

/// How long a piece is, in bytes.
const PIECE: u64 = 256 << 10;
/// How many pieces of a file are in flight at the same time.
const DEPTH: u64 = 8;

/// What is left to copy of one file, shared by those that copy it.
struct Pieces {
    segments: RefCell<Segments>,
    /// What is left of a segment.
    rest: Cell<(u64, u64)>,
    /// Where the file ends, as far as that is known.
    end: Cell<u64>,
    /// Whether one of them has failed, so that the others need not go on.
    has_failed: Cell<bool>,
}

/// Copies the segments, and yields where the file ended: at `length`, or before where it was found
/// to be shorter.
pub(crate) async fn copy(data: &Data<'_>, segments: Segments, length: u64) -> Result<u64, Trouble> {
    let pieces = Pieces {
        segments: RefCell::new(segments),
        rest: Cell::new((0, 0)),
        end: Cell::new(length),
        has_failed: Cell::new(false),
    };
    let depth = pieces.segments.borrow().left().div_ceil(PIECE).min(DEPTH);
    // All of them come to their end, also after an error: a write that is dropped may happen
    // later, when the file is no longer what it was.
    let results = join_all((0..depth).map(|_| copy_pieces(data, &pieces))).await;
    results.into_iter().collect::<Result<(), _>>()?;
    Ok(pieces.end.get())
}

/// Copies pieces until there is none left.
async fn copy_pieces(data: &Data<'_>, pieces: &Pieces) -> Result<(), Trouble> {
    let result = async {
        let mut buffer = Vec::new();
        while let Some(piece) = pieces.next(data).map_err(Trouble::Reading)? {
            buffer = copy_piece(data, pieces, piece, buffer).await?;
        }
        Ok(())
    };
    let result = result.await;
    if result.is_err() {
        pieces.has_failed.set(true);
    }
    result
}

/// Copies a piece, by way of a buffer that is given back.
async fn copy_piece(
    data: &Data<'_>,
    pieces: &Pieces,
    piece: Range<u64>,
    mut buffer: Vec<u8>,
) -> Result<Vec<u8>, Trouble> {
    let mut at = piece.start;
    while at < piece.end {
        let room = (piece.end - at) as usize;
        buffer.clear();
        buffer.reserve_exact(room);
        let (result, slice) = data.source.read_at(buffer.slice(..room), at).await;
        let count = result.map_err(Trouble::Reading)?;
        buffer = slice.into_inner();
        if count == 0 {
            pieces.end.set(pieces.end.get().min(at));
            break;
        }
        buffer = data.write(buffer, at).await?;
        at += count as u64;
    }
    Ok(buffer)
}

impl Pieces {
    /// The next piece, or `None` where nothing is left or one of them has failed.
    fn next(&self, data: &Data<'_>) -> io::Result<Option<Range<u64>>> {
        if self.has_failed.get() {
            return Ok(None);
        }
        let (mut start, mut end) = self.rest.get();
        if start == end {
            match self.segments.borrow_mut().next(data.source.get_ref())? {
                Some(segment) => (start, end) = (segment.start, segment.end),
                None => return Ok(None),
            }
        }
        if start >= self.end.get() {
            return Ok(None);
        }
        let stop = end.min(start + PIECE);
        self.rest.set((stop, end));
        Ok(Some(start..stop))
    }
}

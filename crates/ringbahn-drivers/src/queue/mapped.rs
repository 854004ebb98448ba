//! [`map`]: where in memory a ring of the kernel has what.
//!
//! # Safety
//!
//! MP1. The array of indices has as many elements as the queue has places, within a mapping that
//!      outlives the function which fills it.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::BorrowedFd;

use ringbahn_core::{Cqe, Sqe};

use super::index::Index;
use super::place::{Place, Size, Word};
use super::rings::{CompletionMemory, SubmissionMemory};
use super::width::CompletionWidth;
use crate::setup::memory::RingMemory;
use crate::sync::{AtomicU32, Ordering};
use crate::sys::fork::ForkGuard;
use crate::sys::mmap::Mapping;
use crate::sys::uapi::{OFFSET_ENTRIES, OFFSET_RINGS, Params, SETUP_NO_SQARRAY};

/// A ring's memory, as this process has it.
#[derive(Debug)]
pub(crate) struct Mappings {
    pub(super) rings: Mapping,
    /// Where it is not a part of the other.
    entries: Option<Mapping>,
    /// Of which kind it is, where it is the program's own.
    pub(super) own: Option<RingMemory>,
}

/// Memory of the program's own for a ring: its queues, and behind them the entries.
#[derive(Debug)]
pub(crate) struct OwnMemory {
    mapping: Mapping,
    entries_at: u32,
    kind: RingMemory,
}

/// More than the words of both queues take up.
const WORDS: usize = 4096;

impl OwnMemory {
    /// For a ring of these sizes.
    ///
    /// # Errors
    ///
    /// Those of `mmap(2)`: `OutOfMemory` where there are no huge pages, if they are to be such.
    pub(crate) fn new(
        kind: RingMemory,
        (entries, completion_entries): (u32, u32),
        width: CompletionWidth,
        guard: ForkGuard,
    ) -> io::Result<OwnMemory> {
        let page = rustix::param::page_size();
        let queues = WORDS + bytes::<u32>(entries) + cqes(completion_entries, width);
        let entries_at = queues.next_multiple_of(page);
        let length = (entries_at + bytes::<Sqe>(entries)).next_multiple_of(page);
        let mapping = Mapping::anonymous(length, kind.huge_page()?, guard)?;
        Ok(OwnMemory { mapping, entries_at: entries_at as u32, kind })
    }

    /// Tells the kernel where it is.
    pub(crate) fn name_in(&self, params: &mut Params) {
        params.completion.user_address = self.mapping.address_number(0);
        params.submission.user_address = self.mapping.address_number(self.entries_at);
    }
}

/// Finds everything in the ring `fd`, of which the kernel has said `params`, and maps it unless it
/// lies in memory of the program's own.
///
/// # Errors
///
/// Those of `mmap(2)`; `InvalidData` where the kernel's description of the ring cannot be.
pub(super) fn map(
    fd: BorrowedFd<'_>,
    params: &Params,
    guard: ForkGuard,
    own: Option<OwnMemory>,
) -> io::Result<(SubmissionMemory, CompletionMemory, Mappings)> {
    let (sq, cq) = (&params.submission, &params.completion);
    let size = |entries| {
        Index::new(entries)
            .map(Size::new)
            .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))
    };
    let (sq_size, cq_size) = (size(params.sq_entries)?, size(params.cq_entries)?);
    let width = CompletionWidth::of_flags(params.flags);
    let has_array = params.flags & SETUP_NO_SQARRAY == 0;
    let array_end = if has_array { sq.array as usize + bytes::<u32>(params.sq_entries) } else { 0 };
    let cqes_end = cq.cqes as usize + cqes(params.cq_entries, width);

    let (mappings, entries_at) = match own {
        Some(own) => {
            let kind = Some(own.kind);
            (Mappings { rings: own.mapping, entries: None, own: kind }, own.entries_at)
        }
        None => {
            let rings = Mapping::new(fd, OFFSET_RINGS, array_end.max(cqes_end), guard)?;
            let length = bytes::<Sqe>(params.sq_entries);
            let entries = Some(Mapping::new(fd, OFFSET_ENTRIES, length, guard)?);
            (Mappings { rings, entries, own: None }, 0)
        }
    };
    let rings = &mappings.rings;
    let entries = mappings.entries.as_ref().unwrap_or(rings);
    let word = |offset| rings.array(offset, 1).map(Word::new);
    if has_array {
        fill_with_identity(rings, sq.array, params.sq_entries)?;
    }
    // There are as many CQEs as places, of the size of one or two.
    rings.array::<Cqe>(cq.cqes, params.cq_entries << width.shift())?;
    let submission = SubmissionMemory {
        size: sq_size,
        head: word(sq.head)?,
        tail: word(sq.tail)?,
        flags: word(sq.flags)?,
        dropped: word(sq.dropped)?,
        entries: Place::new(entries.array(entries_at, params.sq_entries)?),
    };
    let completion = CompletionMemory {
        size: cq_size,
        head: word(cq.head)?,
        tail: word(cq.tail)?,
        overflow: word(cq.overflow)?,
        entries: Place::new(rings.array(cq.cqes, params.cq_entries << width.shift())?),
        width,
    };
    Ok((submission, completion, mappings))
}

fn bytes<T>(count: u32) -> usize {
    count as usize * size_of::<T>()
}

fn cqes(count: u32, width: CompletionWidth) -> usize {
    bytes::<Cqe>(count) << width.shift()
}

/// Makes the array of indices say that the places are taken in order, as a ring without one does.
fn fill_with_identity(rings: &Mapping, offset: u32, entries: u32) -> io::Result<()> {
    let array = rings.array::<AtomicU32>(offset, entries)?;
    for place in 0..entries {
        // SAFETY: MP1, M4; `array` has `entries` elements in the mapping, of which this is one.
        let element = unsafe { array.add(place as usize) };
        // SAFETY: MP1, M1, M3; the mapping outlives this function, and any bytes are an atomic.
        let element = unsafe { element.as_ref() };
        // Relaxed: the Release store of the tail publishes it, before anything is submitted.
        element.store(place, Ordering::Relaxed);
    }
    Ok(())
}

//! [`Pieces`]: files and memory, registered with a ring, and the entries that move pieces between
//! them.
//!
//! # Safety
//!
//! RP1. The memory is never freed, each piece is used by one operation at a time, and nobody reads
//!      it; files that are registered are kept open by the ring.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;

use io_uring::{cqueue, opcode, squeue, types};

use super::ring::Ring;
use crate::laboratory::contenders::memory;

/// Files and memory, registered with a ring.
pub(super) struct Pieces {
    ring: Ring,
    length: u32,
    starts: Vec<*mut u8>,
}

impl Pieces {
    /// So many pieces, each of `length` bytes.
    ///
    /// # Errors
    ///
    /// Those of setting up a ring.
    pub(super) fn new(files: &[&File], number: u32, length: u64) -> io::Result<Pieces> {
        let ring = Ring::new(256, 512)?;
        ring.register_files(files)?;
        let memory = memory::pages(number as usize * length as usize);
        let starts = ring.register_buffers(memory, length as usize)?;
        Ok(Pieces { ring, length: length as u32, starts })
    }

    /// Has a place among the registered files stand for another one.
    ///
    /// # Errors
    ///
    /// Those of registering.
    pub(super) fn replace(&self, place: u32, file: &File) -> io::Result<()> {
        self.ring.replace_file(place, file)
    }

    /// An entry that reads the first `length` bytes of a piece from a place of a file.
    ///
    /// # Panics
    ///
    /// The piece is shorter.
    pub(super) fn read(&self, file: u32, piece: usize, length: u32, place: u64) -> squeue::Entry {
        assert!(length <= self.length);
        let file = types::Fixed(file);
        let read = opcode::ReadFixed::new(file, self.starts[piece], length, piece as u16);
        read.offset(place).build().user_data(piece as u64)
    }

    /// An entry that writes the first `length` bytes of a piece to a place of a file.
    ///
    /// # Panics
    ///
    /// The piece is shorter.
    pub(super) fn write(&self, file: u32, piece: usize, length: u32, place: u64) -> squeue::Entry {
        assert!(length <= self.length);
        let file = types::Fixed(file);
        let write = opcode::WriteFixed::new(file, self.starts[piece], length, piece as u16);
        write.offset(place).build().user_data(piece as u64)
    }

    /// Puts entries into the queue, all of them at once.
    ///
    /// # Safety
    ///
    /// They are those of [`read`](Pieces::read) and [`write`](Pieces::write), upon pieces that no
    /// other operation uses, or name no memory.
    ///
    /// # Errors
    ///
    /// Those of entering the ring.
    pub(super) unsafe fn push(&mut self, entries: &[squeue::Entry]) -> io::Result<()> {
        // SAFETY: RP1: the caller has promised the rest.
        unsafe { self.ring.push(entries) }
    }

    /// Submits, waits for a completion, and takes all there are.
    ///
    /// # Errors
    ///
    /// Those of entering the ring.
    pub(super) fn wait(&mut self, completions: &mut Vec<cqueue::Entry>) -> io::Result<()> {
        self.ring.submit_and_wait(1)?;
        self.ring.take(completions);
        Ok(())
    }
}

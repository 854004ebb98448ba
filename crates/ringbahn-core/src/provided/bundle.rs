//! [`Bundle`]: what one completion has brought in several buffers.
#![allow(unsafe_code)]

use std::fmt;
use std::ops::{Deref, DerefMut};

use smallvec::SmallVec;

use super::ProvidedBuffer;
use crate::buf::IoBufs;

/// What one completion has brought: parts of the buffers of a [`BufferQueue`](super::BufferQueue),
/// in the order of their data, at least one, and none of them empty.
///
/// Reads as a slice of [`ProvidedBuffer`]s, and gives them out one by one as an iterator. Each part
/// goes back by itself, when it is dropped, on any thread. A bundle may be sent or written as it
/// is, by events that take several buffers ([`IoBufs`]).
pub struct Bundle {
    parts: SmallVec<[ProvidedBuffer; 2]>,
}

impl Bundle {
    pub(super) fn new(parts: SmallVec<[ProvidedBuffer; 2]>) -> Bundle {
        Bundle { parts }
    }

    /// How many bytes all parts have together.
    pub fn bytes(&self) -> usize {
        self.parts.iter().map(|part| part.len()).sum()
    }

    /// The bytes of all parts, copied.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.parts.iter().flat_map(|part| part.iter().copied()).collect()
    }
}

impl Deref for Bundle {
    type Target = [ProvidedBuffer];

    fn deref(&self) -> &[ProvidedBuffer] {
        &self.parts
    }
}

impl DerefMut for Bundle {
    fn deref_mut(&mut self) -> &mut [ProvidedBuffer] {
        &mut self.parts
    }
}

impl IntoIterator for Bundle {
    type Item = ProvidedBuffer;
    type IntoIter = BundleParts;

    fn into_iter(self) -> BundleParts {
        BundleParts { parts: self.parts.into_iter() }
    }
}

// SAFETY: B5: the parts are the bundle's own, and only its owner takes some out.
unsafe impl IoBufs for Bundle {
    type Buffer = ProvidedBuffer;

    fn buffers(&self) -> &[ProvidedBuffer] {
        &self.parts
    }

    fn buffers_mut(&mut self) -> &mut [ProvidedBuffer] {
        &mut self.parts
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.parts.iter()).finish()
    }
}

/// The parts of a [`Bundle`], one by one.
#[derive(Debug)]
pub struct BundleParts {
    parts: smallvec::IntoIter<[ProvidedBuffer; 2]>,
}

impl Iterator for BundleParts {
    type Item = ProvidedBuffer;

    fn next(&mut self) -> Option<ProvidedBuffer> {
        self.parts.next()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.parts.size_hint()
    }
}

impl ExactSizeIterator for BundleParts {}

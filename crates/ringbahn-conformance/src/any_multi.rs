//! [`AnyMulti`]: an event of a stream with its type forgotten, as [`AnyEvent`] is of an operation.
//!
//! What an error means for the stream is asked of the type and not of a value. So it is asked as an
//! item is made, and an error with which the stream goes on comes as an item of its own.
//!
//! # Safety
//!
//! M1. The entry of an [`AnyMulti`] is that of the event within, which lies in a box: it stays
//!     where it is and is touched by nobody as long as that is asked of the one around it. Its
//!     decoder is that event's, so what the kernel says of the one is said of the other.
//!
//! [`AnyEvent`]: crate::any_event::AnyEvent
#![allow(unsafe_code)]

use std::fmt;
use std::io;

use ringbahn_core::{BufferGroup, MultiEvent, Outcome, Sqes};

use crate::any_event::AnyOutput;
use crate::ledger::Entry;

/// An event of a stream with its type forgotten, and its entry in a ledger.
pub(crate) struct AnyMulti {
    event: Box<dyn Erased>,
    _entry: Entry,
}

/// What turns CQEs into items, with its type forgotten.
pub(crate) struct AnyDecoder {
    decoder: Box<dyn Decodes>,
}

impl AnyMulti {
    /// `event` with its type forgotten, whose end `entry` is told of.
    pub(crate) fn new<M: MultiEvent>(event: M, entry: Entry) -> AnyMulti {
        AnyMulti { event: Box::new(event), _entry: entry }
    }
}

/// [`MultiEvent`] without associated types.
trait Erased: Send {
    fn decoder(&self) -> AnyDecoder;

    /// # Safety
    ///
    /// That of [`MultiEvent::prepare`].
    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>);

    fn unread_max(&self) -> u32;
}

/// What a decoder of forgotten type is asked for.
trait Decodes: Send {
    fn decode(&self, outcome: Outcome<'_, AnyMulti>) -> Option<io::Result<io::Result<AnyOutput>>>;

    fn group(&self) -> Option<&BufferGroup>;
}

impl<M: MultiEvent> Erased for M {
    fn decoder(&self) -> AnyDecoder {
        AnyDecoder { decoder: Box::new(DecoderOf::<M>(MultiEvent::decoder(self))) }
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: M1; our caller has promised what this event asks of its own.
        unsafe { MultiEvent::prepare(self, sqes) };
    }

    fn unread_max(&self) -> u32 {
        MultiEvent::unread_max(self)
    }
}

struct DecoderOf<M: MultiEvent>(M::Decoder);

impl<M: MultiEvent> Decodes for DecoderOf<M> {
    fn decode(&self, outcome: Outcome<'_, AnyMulti>) -> Option<io::Result<io::Result<AnyOutput>>> {
        // SAFETY: M1: the entry is that event's.
        let outcome = unsafe { outcome.of_inner() };
        Some(match M::decode(&self.0, outcome)? {
            Ok(item) => Ok(Ok(Box::new(item))),
            Err(error) if M::goes_on_after(&error) => Ok(Err(error)),
            Err(error) => Err(error),
        })
    }

    fn group(&self) -> Option<&BufferGroup> {
        M::group(&self.0)
    }
}

impl MultiEvent for AnyMulti {
    type Item = io::Result<AnyOutput>;
    type Decoder = AnyDecoder;

    fn decoder(&self) -> AnyDecoder {
        self.event.decoder()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        // SAFETY: M1; our caller has promised what the event within asks of its own.
        unsafe { self.event.prepare(sqes) };
    }

    fn decode(
        decoder: &AnyDecoder,
        outcome: Outcome<'_, Self>,
    ) -> Option<io::Result<io::Result<AnyOutput>>> {
        decoder.decoder.decode(outcome)
    }

    fn group(decoder: &AnyDecoder) -> Option<&BufferGroup> {
        decoder.decoder.group()
    }

    fn unread_max(&self) -> u32 {
        self.event.unread_max()
    }
}

impl fmt::Debug for AnyMulti {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyMulti").finish_non_exhaustive()
    }
}

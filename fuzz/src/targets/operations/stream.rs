//! [`Stream`]: a pipe of which every byte has to arrive once, in its order, and [`Region`], a part
//! of a file that is to hold what was last written to it.
//!
//! At most one operation at a time sends, one receives, and one is at work on the file; so it is
//! known what each has to find.

use std::cell::{Cell, RefCell};

use ringbahn_core::event::{Position, Read, ReadExact, Write, WriteAll};
use ringbahn_core::{BufResult, Event, SharedFd};

use super::account::{Account, Buffer};

/// A pipe with numbered bytes.
pub(super) struct Stream {
    pub(super) reader: SharedFd,
    writer: RefCell<Option<SharedFd>>,
    account: Account,
    sent: Cell<u64>,
    received: Cell<u64>,
    is_sending: Cell<bool>,
    is_receiving: Cell<bool>,
}

impl Stream {
    pub(super) fn new(ends: (SharedFd, SharedFd), account: &Account) -> Stream {
        Stream {
            reader: ends.0,
            writer: RefCell::new(Some(ends.1)),
            account: account.clone(),
            sent: Cell::new(0),
            received: Cell::new(0),
            is_sending: Cell::new(false),
            is_receiving: Cell::new(false),
        }
    }

    /// What sends the next `length` bytes, unless something does.
    pub(super) fn send(
        &self,
        length: usize,
    ) -> Option<impl Event<Output = BufResult<usize, Buffer>> + use<>> {
        let writer = self.writer.borrow().clone()?;
        if self.is_sending.replace(true) {
            return None;
        }
        let bytes = (self.sent.get()..).map(|number| number as u8).take(length).collect();
        Some(Write::new(writer, self.account.buffer(bytes), Position::Current))
    }

    /// Takes note of what has come of sending.
    pub(super) fn has_sent(&self, (result, _): BufResult<usize, Buffer>) {
        self.sent.set(self.sent.get() + result.unwrap_or(0) as u64);
        self.is_sending.set(false);
    }

    /// What receives up to `length` bytes, unless something does.
    pub(super) fn receive(
        &self,
        length: usize,
    ) -> Option<impl Event<Output = BufResult<usize, Buffer>> + use<>> {
        if self.is_receiving.replace(true) {
            return None;
        }
        let buffer = self.account.buffer(vec![0xee; length]);
        Some(Read::new(self.reader.clone(), buffer, Position::Current))
    }

    /// Takes note of what has come of receiving, and looks whether it is what was sent. `false` at
    /// the end of the stream.
    pub(super) fn has_received(&self, (result, buffer): BufResult<usize, Buffer>) -> bool {
        self.is_receiving.set(false);
        let Ok(count) = result else { return true };
        let first = self.received.get();
        let expected = (first..).map(|number| number as u8);
        let bytes = &buffer.bytes()[..count];
        let wrong = bytes.iter().zip(expected).filter(|&(&byte, right)| byte != right).count();
        self.account.note_wrong_bytes(wrong as u64);
        self.received.set(first + count as u64);
        count > 0
    }

    /// Closes the writing end.
    pub(super) fn close(&self) {
        *self.writer.borrow_mut() = None;
    }

    /// Compares what was sent with what has arrived, at the end.
    pub(super) fn settle(&self) {
        self.account.note_lost_bytes(self.sent.get().abs_diff(self.received.get()));
    }
}

/// A part of a file.
pub(super) struct Region {
    file: SharedFd,
    account: Account,
    /// The first byte of what is in it, where that is known.
    known: Cell<Option<u8>>,
    is_busy: Cell<bool>,
}

/// How long the part is, and where it begins.
const LENGTH: usize = 100;
const PLACE: Position = Position::At(1000);

impl Region {
    pub(super) fn new(file: SharedFd, account: &Account) -> Region {
        let account = account.clone();
        Region { file, account, known: Cell::new(None), is_busy: Cell::new(false) }
    }

    /// What writes all of it, from the byte `first` on, unless something is at work on it.
    pub(super) fn write(
        &self,
        first: u8,
    ) -> Option<impl Event<Output = BufResult<(), Buffer>> + use<>> {
        if self.is_busy.replace(true) {
            return None;
        }
        self.known.set(None);
        let buffer = self.account.buffer(content(first).collect());
        Some(WriteAll::new(self.file.clone(), buffer, PLACE))
    }

    /// Takes note of what has come of writing it from `first` on.
    pub(super) fn has_written(&self, first: u8, (result, _): BufResult<(), Buffer>) {
        self.is_busy.set(false);
        self.known.set(result.ok().map(|()| first));
    }

    /// What reads all of it, unless something is at work on it.
    pub(super) fn read(&self) -> Option<impl Event<Output = BufResult<(), Buffer>> + use<>> {
        if self.is_busy.replace(true) {
            return None;
        }
        let buffer = self.account.buffer(vec![0xaa; LENGTH]);
        Some(ReadExact::new(self.file.clone(), buffer, PLACE))
    }

    /// Takes note of what has come of reading.
    pub(super) fn has_read(&self, (result, buffer): BufResult<(), Buffer>) {
        self.is_busy.set(false);
        if let (Ok(()), Some(known)) = (result, self.known.get()) {
            let expected = content(known);
            let wrong = buffer.bytes().iter().zip(expected).filter(|&(&byte, right)| byte != right);
            let wrong = wrong.count();
            self.account.note_wrong_bytes(wrong as u64);
        }
    }
}

/// What is written from the byte `first` on: no two bytes next to each other are the same.
fn content(first: u8) -> impl Iterator<Item = u8> {
    (0..LENGTH).map(move |number| first.wrapping_add(number as u8))
}

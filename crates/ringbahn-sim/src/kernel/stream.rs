//! [`Stream`]: bytes on their way through a pipe or a connection, and what is passed along.

use std::collections::VecDeque;

use crate::kernel::control::Control;

/// Bytes on their way, and the control messages that travel beside them.
#[derive(Debug)]
pub(crate) struct Stream {
    bytes: VecDeque<u8>,
    capacity: usize,
    /// What was passed along with the byte of this number, counted from the first one ever.
    passed: VecDeque<(u64, Control)>,
    /// How many bytes have been taken out.
    taken: u64,
    /// Whether nothing will come any more.
    pub(crate) ended: bool,
}

impl Stream {
    pub(crate) fn new(capacity: usize) -> Stream {
        Stream { bytes: VecDeque::new(), capacity, passed: VecDeque::new(), taken: 0, ended: false }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn room(&self) -> usize {
        self.capacity.saturating_sub(self.bytes.len())
    }

    pub(crate) fn capacity(&self) -> usize {
        self.capacity
    }

    /// Adds bytes, for which there is room, and what is passed along with the first of them.
    pub(crate) fn push(&mut self, bytes: &[u8], control: Control) {
        if !control.is_empty() {
            let position = self.taken + self.bytes.len() as u64;
            self.passed.push_back((position, control));
        }
        self.bytes.extend(bytes);
    }

    /// How many bytes one receive may take of `limit`: none of those behind the next message.
    pub(crate) fn available(&self, limit: usize) -> usize {
        let next = self.passed.iter().map(|&(position, _)| position - self.taken);
        let border = next.into_iter().find(|&distance| distance > 0);
        let border = border.map_or(usize::MAX, |distance| distance as usize);
        limit.min(self.bytes.len()).min(border)
    }

    /// Copies `count` bytes to `to`.
    pub(crate) fn peek(&self, count: usize, to: &mut Vec<u8>) {
        let (first, second) = self.bytes.as_slices();
        let count_first = count.min(first.len());
        to.extend_from_slice(&first[..count_first]);
        to.extend_from_slice(&second[..count - count_first]);
    }

    /// Takes `count` bytes out, and what was passed along with them.
    pub(crate) fn consume(&mut self, count: usize) -> Control {
        self.bytes.drain(..count);
        self.taken += count as u64;
        match self.passed.front() {
            Some(&(position, _)) if position < self.taken => {
                self.passed.pop_front().map(|(_, control)| control).unwrap_or_default()
            }
            _ => Control::default(),
        }
    }

    /// What is passed along with the next byte.
    pub(crate) fn control(&self) -> Option<&Control> {
        let (position, control) = self.passed.front()?;
        (*position == self.taken).then_some(control)
    }
}

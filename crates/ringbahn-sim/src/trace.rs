//! [`Trace`]: what has happened in a simulation, to be compared and to be read.

use std::collections::VecDeque;
use std::fmt;

use ringbahn_core::opcode;

use crate::faults::Fault;

/// How many notes are kept where nobody says otherwise.
pub(crate) const LENGTH_DEFAULT: usize = 64;

/// Something that has happened.
///
/// Nothing in it differs from run to run: neither numbers of descriptors nor addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Note {
    /// The kernel has taken an entry.
    Taken { number: u64, opcode: u8 },
    /// An entry waits.
    Waits { number: u64 },
    /// An entry has ended.
    Ended { number: u64, result: i32 },
    /// A fault was injected.
    Fault(Fault),
    /// A file has been closed: its last descriptor is gone.
    Closed { file: u64 },
    /// The power has gone.
    Crash,
}

/// What has happened: all of it as a fingerprint, the last part as notes.
#[derive(Debug)]
pub(crate) struct Trace {
    notes: VecDeque<(u64, Note)>,
    length: usize,
    fingerprint: u64,
}

impl Trace {
    pub(crate) fn new(length: usize) -> Trace {
        Trace { notes: VecDeque::new(), length, fingerprint: 0 }
    }

    #[inline]
    pub(crate) fn note(&mut self, now: u64, note: Note) {
        let [first, second] = note.words();
        self.mix(now);
        self.mix(first);
        self.mix(second);
        if self.length > 0 {
            if self.notes.len() == self.length {
                self.notes.pop_front();
            }
            self.notes.push_back((now, note));
        }
    }

    #[inline]
    fn mix(&mut self, word: u64) {
        self.fingerprint =
            (self.fingerprint.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }

    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |&(now, note): &(u64, Note)| {
            format!("{:>6}.{:06} ms  {note}", now / 1_000_000, now % 1_000_000)
        };
        self.notes.iter().map(line).collect()
    }
}

impl Note {
    fn words(self) -> [u64; 2] {
        match self {
            Note::Taken { number, opcode } => [1 << 8 | u64::from(opcode), number],
            Note::Waits { number } => [2 << 8, number],
            Note::Ended { number, result } => {
                [(3 << 32) + u64::from(result.cast_unsigned()), number]
            }
            Note::Fault(fault) => [4 << 8, fault as u64],
            Note::Closed { file } => [5 << 8, file],
            Note::Crash => [6 << 8, 0],
        }
    }
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::Taken { number, opcode } => write!(f, "#{number} {} is taken", name(*opcode)),
            Note::Waits { number } => write!(f, "#{number} waits"),
            Note::Ended { number, result } => write!(f, "#{number} ends with {result}"),
            Note::Fault(fault) => write!(f, "fault: {fault:?}"),
            Note::Closed { file } => write!(f, "file {file} is closed"),
            Note::Crash => write!(f, "the machine crashes"),
        }
    }
}

fn name(opcode: u8) -> &'static str {
    opcode::name(opcode).unwrap_or("an unknown opcode")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_notes_are_kept_and_all_of_them_are_in_the_fingerprint() {
        let (mut short, mut long) = (Trace::new(2), Trace::new(100));
        for number in 0..10 {
            short.note(number, Note::Waits { number });
            long.note(number, Note::Waits { number });
        }
        assert_eq!((short.lines().len(), long.lines().len()), (2, 10));
        assert_eq!(short.lines()[..], long.lines()[8..]);
        assert_eq!(short.fingerprint(), long.fingerprint());
        short.note(10, Note::Crash);
        assert_ne!(short.fingerprint(), long.fingerprint());
    }

    #[test]
    fn every_event_has_a_name_in_the_trace() {
        for event in ringbahn_core::event::EVENTS {
            if let Some(opcode) = event.opcode {
                assert_ne!(name(opcode), "an unknown opcode", "{}", event.name);
            }
        }
    }
}

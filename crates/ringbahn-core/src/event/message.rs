//! What `SendMsg` and `RecvMsg` share: the message header, and [`ControlMessage`]s, which travel
//! beside the data.
//!
//! Control messages are laid out and taken apart as bytes, without a pointer to a header in the
//! middle of them: native `usize` length, `i32` level, `i32` kind, the data, and zeroes up to the
//! next multiple of eight.
//!
//! # Safety
//!
//! M1. The descriptors in control messages that the kernel has written belong to the receiver,
//!     who takes them apart once.
//!
//! M2. A `msghdr` is made of integers and raw pointers only, for which zero is a value.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// The length of a control message's header, in bytes.
const HEADER: usize = 16;

/// `SCM_PIDFD`: brings a descriptor of the sending process.
const SCM_PIDFD: i32 = 4;

/// A control message: what travels beside the data of a message.
///
/// Descriptors in it are owned: those received are closed with it unless somebody takes them.
///
/// # Examples
///
/// ```
/// use std::fs::File;
/// use ringbahn_core::event::ControlMessage;
///
/// let null = File::open("/dev/null")?;
/// let passed = ControlMessage::descriptors(vec![null.into()]);
/// assert_eq!(passed.into_descriptors().len(), 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct ControlMessage {
    level: i32,
    kind: i32,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Data(Vec<u8>),
    Descriptors(Vec<OwnedFd>),
}

impl ControlMessage {
    /// Passes descriptors to the peer of a Unix socket (`SCM_RIGHTS`). The peer gets its own;
    /// these are closed when the operation has ended.
    pub fn descriptors(descriptors: Vec<OwnedFd>) -> ControlMessage {
        ControlMessage {
            level: libc::SOL_SOCKET,
            kind: libc::SCM_RIGHTS,
            content: Content::Descriptors(descriptors),
        }
    }

    /// A control message of `level` and `kind`, libc's `SOL_*` and `SCM_*`, with its `data`.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a message that passes descriptors: they are more than numbers, so
    /// [`descriptors`](ControlMessage::descriptors) makes it.
    pub fn new(level: i32, kind: i32, data: impl Into<Vec<u8>>) -> io::Result<ControlMessage> {
        if brings_descriptors(level, kind) {
            let message = "descriptors are passed by ControlMessage::descriptors";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(ControlMessage { level, kind, content: Content::Data(data.into()) })
    }

    /// How many bytes a control message takes in a buffer for them, with `length` bytes of data.
    pub const fn space(length: usize) -> usize {
        HEADER + length.next_multiple_of(8)
    }

    /// Whose message it is, one of libc's `SOL_*`.
    pub fn level(&self) -> i32 {
        self.level
    }

    /// What it means, one of libc's `SCM_*` and others.
    pub fn kind(&self) -> i32 {
        self.kind
    }

    /// Its data; empty where it passes descriptors.
    pub fn data(&self) -> &[u8] {
        match &self.content {
            Content::Data(data) => data,
            Content::Descriptors(_) => &[],
        }
    }

    /// The descriptors it passes, if it does.
    pub fn into_descriptors(self) -> Vec<OwnedFd> {
        match self.content {
            Content::Data(_) => Vec::new(),
            Content::Descriptors(descriptors) => descriptors,
        }
    }
}

fn brings_descriptors(level: i32, kind: i32) -> bool {
    level == libc::SOL_SOCKET && matches!(kind, libc::SCM_RIGHTS | SCM_PIDFD)
}

/// Lays out `messages` one after the other.
pub(super) fn encode(messages: &[ControlMessage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for message in messages {
        let begin = bytes.len();
        bytes.extend_from_slice(&[0; size_of::<usize>()]);
        bytes.extend_from_slice(&message.level.to_ne_bytes());
        bytes.extend_from_slice(&message.kind.to_ne_bytes());
        match &message.content {
            Content::Data(data) => bytes.extend_from_slice(data),
            Content::Descriptors(descriptors) => {
                for descriptor in descriptors {
                    bytes.extend_from_slice(&descriptor.as_raw_fd().to_ne_bytes());
                }
            }
        }
        let length = bytes.len() - begin;
        bytes[begin..begin + size_of::<usize>()].copy_from_slice(&length.to_ne_bytes());
        bytes.resize(bytes.len().next_multiple_of(8), 0);
    }
    bytes
}

/// Takes apart what the kernel has written.
///
/// # Safety
///
/// The descriptors in `bytes` are the caller's alone, to be taken once.
pub(crate) unsafe fn decode(mut bytes: &[u8]) -> Vec<ControlMessage> {
    let mut messages = Vec::new();
    while let Some((length, level, kind)) = header(bytes) {
        let end = length.min(bytes.len());
        let data = &bytes[HEADER..end];
        let content = if brings_descriptors(level, kind) {
            let numbers = data.chunks_exact(4).filter_map(|number| number.try_into().ok());
            let numbers = numbers.map(i32::from_ne_bytes).filter(|&number| number >= 0);
            Content::Descriptors(
                // SAFETY: M1, by the contract of this function.
                numbers.map(|number| unsafe { OwnedFd::from_raw_fd(number) }).collect(),
            )
        } else {
            Content::Data(data.to_vec())
        };
        messages.push(ControlMessage { level, kind, content });
        bytes = &bytes[end.next_multiple_of(8).min(bytes.len())..];
    }
    messages
}

/// Length, level and kind of the control message with which `bytes` begin.
fn header(bytes: &[u8]) -> Option<(usize, i32, i32)> {
    let (length, rest) = bytes.split_first_chunk()?;
    let (level, rest) = rest.split_first_chunk()?;
    let (kind, _) = rest.split_first_chunk()?;
    let length = usize::from_ne_bytes(*length);
    let header = (length, i32::from_ne_bytes(*level), i32::from_ne_bytes(*kind));
    (length >= HEADER).then_some(header)
}

/// The `msghdr` of an event, which owns everything it points to.
#[derive(Debug)]
pub(super) struct Header(pub(super) libc::msghdr);

// SAFETY: E1: the header is numbers and addresses that this type never follows; the event around it
// owns the memory behind them, and is `Send` itself.
unsafe impl Send for Header {}

impl Header {
    pub(super) fn new() -> Header {
        // SAFETY: M2; all of it is zero.
        Header(unsafe { std::mem::MaybeUninit::zeroed().assume_init() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::testing::{is_open, owned_stray, stray_fd};

    #[test]
    fn control_messages_survive_the_way_through_a_buffer() {
        let messages = [
            ControlMessage::new(libc::IPPROTO_IP, libc::IP_TTL, 64_i32.to_ne_bytes()).unwrap(),
            ControlMessage::new(libc::SOL_SOCKET, 99, *b"odd").unwrap(),
        ];
        let bytes = encode(&messages);
        assert_eq!(bytes.len(), ControlMessage::space(4) + ControlMessage::space(3));
        // SAFETY: there are no descriptors in it.
        let decoded = unsafe { decode(&bytes) };
        assert_eq!(decoded.len(), 2);
        for (one, other) in messages.iter().zip(&decoded) {
            assert_eq!((one.level, one.kind), (other.level(), other.kind()));
            assert_eq!(one.data(), other.data());
        }
    }

    #[test]
    fn descriptors_received_are_owned() {
        let (sent, _) = owned_stray();
        let mut bytes = encode(&[ControlMessage::descriptors(vec![sent])]);
        let received = [stray_fd(), stray_fd()];
        // The kernel writes the numbers of the receiver, here two of them.
        bytes.truncate(HEADER);
        bytes[..8].copy_from_slice(&24_usize.to_ne_bytes());
        bytes.extend(received.iter().flat_map(|number| number.to_ne_bytes()));
        // SAFETY: nobody else owns them.
        let messages = unsafe { decode(&bytes) };
        assert!(received.iter().all(|&number| is_open(number)));
        drop(messages);
        assert!(!received.iter().any(|&number| is_open(number)));
    }

    #[test]
    fn raw_numbers_cannot_pose_as_descriptors() {
        for kind in [libc::SCM_RIGHTS, SCM_PIDFD] {
            let error = ControlMessage::new(libc::SOL_SOCKET, kind, vec![0; 4]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_run_for_ever() {
        for length in [0, 1, 15, 16, 17, 24, usize::MAX] {
            for total in 0..40 {
                let mut bytes = vec![0; total.max(8)];
                bytes[..8].copy_from_slice(&length.to_ne_bytes());
                // SAFETY: level and kind are zero, so there are no descriptors in it.
                let _ = unsafe { decode(&bytes) };
            }
        }
    }
}

//! What the fuzz targets of the workspace reach of the decoders, which are private: whatever bytes
//! they are given, they answer. No part of the interface; it may change at any time.
//!
//! # Safety
//!
//! FZ1. Decoders of addresses and control messages are given any bytes, though the kernel writes
//!      only some: what they rely on for memory is the length alone, and that is right.
//!
//! FZ2. The descriptors in such bytes are nobody's. So none is kept as one: each becomes a number
//!      again before anything can be done with it, its closing included.
#![allow(unsafe_code)]

use std::os::fd::IntoRawFd;

use crate::address::SocketAddress;
use crate::event::message::{ControlMessage, decode};
use crate::event::recv_msg_multi::{RecvMsgMulti, beside};
use crate::event::statx::Metadata;

/// A control message whose descriptors are numbers.
#[derive(Debug, PartialEq, Eq)]
pub struct Control {
    /// As [`ControlMessage::level`].
    pub level: i32,
    /// As [`ControlMessage::kind`].
    pub kind: i32,
    /// As [`ControlMessage::data`].
    pub data: Vec<u8>,
    /// The numbers of the descriptors that it would pass.
    pub descriptors: Vec<i32>,
}

/// What lies before the data of a message in a buffer of a group.
#[derive(Debug)]
pub struct Head {
    /// Who has sent it.
    pub address: Option<SocketAddress>,
    /// The control messages.
    pub control: Vec<Control>,
    /// What the kernel says of it.
    pub flags: i32,
}

/// The length of what [`metadata`] takes apart, in bytes.
pub const METADATA: usize = size_of::<libc::statx>();

/// What a file system has answered with these bytes.
pub fn metadata(bytes: &[u8; METADATA]) -> Metadata {
    let place: *const libc::statx = bytes.as_ptr().cast();
    // SAFETY: X1: any bytes are a `statx`, and there are as many; they need not be aligned.
    let statx = unsafe { place.read_unaligned() };
    Metadata { statx }
}

/// The address that these bytes are, of which no more than 128 are looked at.
pub fn address(bytes: &[u8]) -> SocketAddress {
    // SAFETY: FZ1.
    unsafe { SocketAddress::from_bytes(bytes) }
}

/// The control messages that these bytes are.
pub fn control_messages(bytes: &[u8]) -> Vec<Control> {
    // SAFETY: FZ1 and FZ2.
    numbers(unsafe { decode(bytes) })
}

/// What lies before the data of the message in `bytes`, with that much room for control messages.
/// `None` where they are too few.
pub fn head(bytes: &[u8], control_space: usize) -> Option<Head> {
    if bytes.len() < RecvMsgMulti::overhead(control_space) {
        return None;
    }
    // SAFETY: FZ1 and FZ2.
    let head = unsafe { beside(bytes, control_space) };
    Some(Head { address: head.address, control: numbers(head.control), flags: head.flags })
}

/// The same messages, without the descriptors, of which none is closed (FZ2).
fn numbers(messages: Vec<ControlMessage>) -> Vec<Control> {
    let control = messages.into_iter().map(|message| Control {
        level: message.level(),
        kind: message.kind(),
        data: message.data().to_vec(),
        descriptors: message.into_descriptors().into_iter().map(IntoRawFd::into_raw_fd).collect(),
    });
    control.collect()
}

//! `decoders`: what a kernel might have written, taken apart.
//!
//! The first byte says which decoder the others are for. All of them answer whatever the bytes are,
//! and what they say is held against a second look at the same bytes where that is simple.

use ringbahn_core::SocketAddress;
use ringbahn_core::event::RecvMsgMulti;
use ringbahn_core::fuzzing::{Control, METADATA, address, control_messages, head, metadata};

use crate::input::Input;

/// How many bytes a decoder gets at most.
const LENGTH_MAX: usize = 1024;

/// The length of the header of a control message.
const HEADER: usize = 16;

/// Takes the bytes apart.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    match input.below(4) {
        0 => look_at_metadata(input.take(METADATA)),
        1 => look_at_address(&address(input.take(LENGTH_MAX))),
        2 => {
            let bytes = input.take(LENGTH_MAX);
            look_at_control(&control_messages(bytes), bytes);
        }
        _ => {
            let space = usize::from(input.u16()) % LENGTH_MAX;
            look_at_message(input.take(LENGTH_MAX), space);
        }
    }
}

fn look_at_metadata(bytes: &[u8]) {
    let mut whole = [0; METADATA];
    whole[..bytes.len()].copy_from_slice(bytes);
    let metadata = metadata(&whole);
    let raw = *metadata.as_raw();
    assert_eq!((metadata.len(), metadata.ino()), (raw.stx_size, raw.stx_ino));
    assert_eq!((metadata.uid(), metadata.gid()), (raw.stx_uid, raw.stx_gid));
    assert_eq!(metadata.mode(), u32::from(raw.stx_mode));
    let kinds = [metadata.is_file(), metadata.is_dir(), metadata.is_symlink()];
    assert!(kinds.iter().filter(|is_so| **is_so).count() <= 1, "{kinds:?}");
    let times = [metadata.accessed(), metadata.modified(), metadata.created()];
    if raw.stx_mask & libc::STATX_BTIME == 0 {
        assert_eq!(times[2], None);
    }
    // It makes sense of a boundary only where there is one.
    if let Some(direct) = metadata.direct_io() {
        assert!(raw.stx_mask & libc::STATX_DIOALIGN != 0, "{direct:?}");
    }
    assert!(!format!("{metadata:?}, {:?}", metadata.file_type()).is_empty());
    assert!(!format!("{:?}, {:?}", metadata.permissions(), metadata.device()).is_empty());
    assert_eq!(metadata.nlink(), u64::from(raw.stx_nlink));
}

fn look_at_address(address: &SocketAddress) {
    assert!(!format!("{address:?}").is_empty());
    if let Some(inet) = address.as_inet() {
        assert!(!address.is_unix());
        assert_eq!(SocketAddress::from(inet).as_inet(), Some(inet));
    }
    let (path, name) = (address.as_pathname(), address.as_abstract_name());
    assert!(path.is_none() || name.is_none(), "both {path:?} and {name:?}");
    assert!((path.is_none() && name.is_none()) || address.is_unix());
    assert_eq!(address.is_unix(), address.family() == libc::AF_UNIX);
    if let Some(standard) = address.as_unix() {
        let back = SocketAddress::try_from(&standard).expect("std knows no longer ones");
        assert_eq!(back.as_abstract_name(), name);
        assert_eq!(back.as_pathname(), standard.as_pathname());
    }
}

/// Holds the control messages of `bytes` against a walk over them.
fn look_at_control(messages: &[Control], mut bytes: &[u8]) {
    for message in messages {
        let (level, kind) = (word(bytes, 2).cast_signed(), word(bytes, 3).cast_signed());
        assert_eq!((level, kind), (message.level, message.kind));
        let length = length(bytes).expect("a message has a length");
        let content = &bytes[HEADER..length.min(bytes.len())];
        if message.descriptors.is_empty() {
            assert!(message.data.is_empty() || message.data == content);
        } else {
            assert!(message.data.is_empty());
            assert!(message.descriptors.len() <= content.len() / 4);
            assert!(message.descriptors.iter().all(|&number| number >= 0));
        }
        let end = length.min(bytes.len()).next_multiple_of(8).min(bytes.len());
        bytes = &bytes[end..];
    }
    // What is left is no message.
    assert!(bytes.len() < HEADER || length(bytes) < Some(HEADER), "{bytes:?}");
}

/// The length that a control message says it has.
fn length(bytes: &[u8]) -> Option<usize> {
    bytes.first_chunk().copied().map(usize::from_ne_bytes)
}

/// The word of 32 bits with this number.
fn word(bytes: &[u8], number: usize) -> u32 {
    bytes[4 * number..].first_chunk().copied().map_or(0, u32::from_ne_bytes)
}

fn look_at_message(bytes: &[u8], space: usize) {
    let overhead = RecvMsgMulti::overhead(space);
    let Some(head) = head(bytes, space) else {
        assert!(bytes.len() < overhead);
        return;
    };
    assert_eq!(word(bytes, 3), head.flags.cast_unsigned());
    assert_eq!(word(bytes, 0) == 0, head.address.is_none());
    if let Some(address) = &head.address {
        look_at_address(address);
    }
    let length = (word(bytes, 1) as usize).min(space);
    look_at_control(&head.control, &bytes[overhead - space..][..length]);
}

//! [`EVENTS`]: the one list of the events that ringbahn brings.
//!
//! Tests, the guide's table and the probe of the kernel are made from it.

use crate::opcode;

/// What is to be known of an event without making one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventInfo {
    /// The name of the type in [`event`](crate::event).
    pub name: &'static str,
    /// The opcode of its entries.
    pub opcode: u8,
    /// The Linux version that brought it: major and minor.
    pub since: (u8, u8),
    /// The section and page of the manual that describe what it does, such as `2/read.2`.
    page: &'static str,
}

impl EventInfo {
    const fn new(name: &'static str, opcode: u8, since: (u8, u8), page: &'static str) -> EventInfo {
        EventInfo { name, opcode, since, page }
    }

    /// The address of the page of the manual that describes what it does.
    pub fn manual(&self) -> String {
        format!("https://man7.org/linux/man-pages/man{}.html", self.page)
    }
}

/// The events that ringbahn brings, by name. [`Link`](crate::event::Link) is not among them: it
/// asks for nothing itself.
///
/// ```
/// use ringbahn_core::event::EVENTS;
///
/// // What a kernel 5.10 does not have:
/// let missing = EVENTS.iter().filter(|event| event.since > (5, 10));
/// assert!(missing.map(|event| event.name).any(|name| name == "SendZc"));
/// ```
pub const EVENTS: &[EventInfo] = &[
    EventInfo::new("Accept", opcode::ACCEPT, (5, 5), "2/accept.2"),
    EventInfo::new("Close", opcode::CLOSE, (5, 6), "2/close.2"),
    EventInfo::new("Connect", opcode::CONNECT, (5, 5), "2/connect.2"),
    EventInfo::new("Fsync", opcode::FSYNC, (5, 1), "2/fsync.2"),
    EventInfo::new("Nop", opcode::NOP, (5, 1), "2/io_uring_enter.2"),
    EventInfo::new("OpenAt", opcode::OPENAT, (5, 6), "2/open.2"),
    EventInfo::new("PollAdd", opcode::POLL_ADD, (5, 1), "2/poll.2"),
    EventInfo::new("Read", opcode::READ, (5, 6), "2/read.2"),
    EventInfo::new("ReadExact", opcode::READ, (5, 6), "2/read.2"),
    EventInfo::new("ReadVectored", opcode::READV, (5, 1), "2/preadv.2"),
    EventInfo::new("Recv", opcode::RECV, (5, 6), "2/recv.2"),
    EventInfo::new("RecvMsg", opcode::RECVMSG, (5, 3), "2/recvmsg.2"),
    EventInfo::new("Send", opcode::SEND, (5, 6), "2/send.2"),
    EventInfo::new("SendAll", opcode::SEND, (5, 6), "2/send.2"),
    EventInfo::new("SendMsg", opcode::SENDMSG, (5, 3), "2/sendmsg.2"),
    EventInfo::new("SendZc", opcode::SEND_ZC, (6, 0), "2/send.2"),
    EventInfo::new("Shutdown", opcode::SHUTDOWN, (5, 11), "2/shutdown.2"),
    EventInfo::new("Socket", opcode::SOCKET, (5, 19), "2/socket.2"),
    EventInfo::new("Statx", opcode::STATX, (5, 6), "2/statx.2"),
    EventInfo::new("Timeout", opcode::TIMEOUT, (5, 4), "2/io_uring_enter.2"),
    EventInfo::new("Truncate", opcode::FTRUNCATE, (6, 9), "2/ftruncate.2"),
    EventInfo::new("Write", opcode::WRITE, (5, 6), "2/write.2"),
    EventInfo::new("WriteAll", opcode::WRITE, (5, 6), "2/write.2"),
    EventInfo::new("WriteVectored", opcode::WRITEV, (5, 1), "2/pwritev.2"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Files of `src/event` that are no events.
    const OTHERS: [&str; 5] = ["link", "message", "registry", "testing", "transfer"];

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/event")
    }

    /// `ReadExact` lives in `read_exact`.
    fn file_of(name: &str) -> String {
        let mut file = String::new();
        for letter in name.chars() {
            if letter.is_uppercase() && !file.is_empty() {
                file.push('_');
            }
            file.extend(letter.to_lowercase());
        }
        file
    }

    #[test]
    fn every_file_is_an_event_in_the_list_and_every_event_has_a_file() {
        let listed: BTreeSet<String> = EVENTS.iter().map(|event| file_of(event.name)).collect();
        assert_eq!(listed.len(), EVENTS.len(), "an event is listed twice");
        let mut files = BTreeSet::new();
        for entry in fs::read_dir(folder()).unwrap() {
            let path = entry.unwrap().path();
            files.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
        }
        for other in OTHERS {
            assert!(files.remove(other), "{other} is gone");
        }
        assert_eq!(listed, files);
    }

    #[test]
    fn what_the_list_says_is_what_the_documentation_says() {
        for event in EVENTS {
            let path = folder().join(file_of(event.name)).with_extension("rs");
            let text = fs::read_to_string(&path).unwrap();
            let (major, minor) = event.since;
            for part in [
                format!("pub struct {}", event.name),
                format!("/// Linux {major}.{minor}."),
                event.manual(),
                "/// # Errors".into(),
                "/// # Cancellation".into(),
                "#[doc(alias = \"IORING_OP_".into(),
            ] {
                assert!(text.contains(&part), "{}: {part:?} is missing", path.display());
            }
        }
    }

    #[test]
    fn the_list_is_in_order() {
        assert!(EVENTS.is_sorted_by_key(|event| event.name));
    }
}

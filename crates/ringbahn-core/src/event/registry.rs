//! [`EVENTS`]: the one list of the events that ringbahn brings.
//!
//! Tests, the guide's table and the probe of the kernel are made from it.

use crate::opcode;

/// What is to be known of an event without making one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventInfo {
    /// The name of the type in [`event`](crate::event).
    pub name: &'static str,
    /// The name of the file it lives in.
    file: &'static str,
    /// The opcode of its entries; `None` where they are those of the events it is made of.
    pub opcode: Option<u8>,
    /// The Linux version that brought it: major and minor.
    pub since: (u8, u8),
    /// The section and page of the manual that describe what it does, such as `2/read.2`.
    page: &'static str,
}

impl EventInfo {
    /// The address of the page of the manual that describes what it does.
    pub fn manual(&self) -> String {
        format!("https://man7.org/linux/man-pages/man{}.html", self.page)
    }
}

/// Makes the list of rows such as `read::Read: Some(opcode::READ), (5, 6), "2/read.2";`.
macro_rules! events {
    ($($file:ident::$name:ident: $opcode:expr, $since:expr, $page:literal;)*) => {
        &[$(EventInfo {
            name: stringify!($name),
            file: stringify!($file),
            opcode: $opcode,
            since: $since,
            page: $page,
        },)*]
    };
}

/// The events that ringbahn brings, by name.
///
/// ```
/// use ringbahn_core::event::EVENTS;
///
/// // What a kernel 5.10 does not have:
/// let missing = EVENTS.iter().filter(|event| event.since > (5, 10));
/// assert!(missing.map(|event| event.name).any(|name| name == "SendZc"));
/// ```
pub const EVENTS: &[EventInfo] = events! {
    accept::Accept: Some(opcode::ACCEPT), (5, 5), "2/accept.2";
    accept_multi::AcceptMulti: Some(opcode::ACCEPT), (5, 19), "2/accept.2";
    as_personality::AsPersonality: None, (5, 6), "2/io_uring_register.2";
    async_cancel::AsyncCancel: Some(opcode::ASYNC_CANCEL), (5, 5), "3/io_uring_prep_cancel.3";
    close::Close: Some(opcode::CLOSE), (5, 6), "2/close.2";
    connect::Connect: Some(opcode::CONNECT), (5, 5), "2/connect.2";
    drained::Drained: None, (5, 2), "2/io_uring_enter.2";
    either::Either: None, (5, 1), "2/io_uring_enter.2";
    fsync::Fsync: Some(opcode::FSYNC), (5, 1), "2/fsync.2";
    install_fd::InstallFd: Some(opcode::FIXED_FD_INSTALL), (6, 8),
        "3/io_uring_prep_fixed_fd_install.3";
    into_slot::IntoSlot: None, (5, 19), "3/io_uring_prep_open.3";
    link::Link: None, (5, 3), "2/io_uring_enter.2";
    mapped::Mapped: None, (5, 1), "2/io_uring_enter.2";
    nop::Nop: Some(opcode::NOP), (5, 1), "2/io_uring_enter.2";
    open_at::OpenAt: Some(opcode::OPENAT), (5, 6), "2/open.2";
    pipe::Pipe: Some(opcode::PIPE), (6, 16), "2/pipe.2";
    poll_add::PollAdd: Some(opcode::POLL_ADD), (5, 1), "2/poll.2";
    poll_multi::PollMulti: Some(opcode::POLL_ADD), (5, 13), "2/poll.2";
    read::Read: Some(opcode::READ), (5, 6), "2/read.2";
    read_exact::ReadExact: Some(opcode::READ), (5, 6), "2/read.2";
    read_multi::ReadMulti: Some(opcode::READ_MULTISHOT), (6, 7), "2/read.2";
    read_provided::ReadProvided: Some(opcode::READ), (5, 19), "2/read.2";
    read_vectored::ReadVectored: Some(opcode::READV), (5, 1), "2/preadv.2";
    recv::Recv: Some(opcode::RECV), (5, 6), "2/recv.2";
    recv_msg::RecvMsg: Some(opcode::RECVMSG), (5, 3), "2/recvmsg.2";
    recv_msg_multi::RecvMsgMulti: Some(opcode::RECVMSG), (6, 0), "2/recvmsg.2";
    recv_multi::RecvMulti: Some(opcode::RECV), (6, 0), "2/recv.2";
    recv_provided::RecvProvided: Some(opcode::RECV), (5, 19), "2/recv.2";
    reporting::Reporting: None, (6, 2), "2/io_uring_enter.2";
    rescued::Rescued: None, (5, 5), "2/io_uring_enter.2";
    send::Send: Some(opcode::SEND), (5, 6), "2/send.2";
    send_all::SendAll: Some(opcode::SEND), (5, 6), "2/send.2";
    send_msg::SendMsg: Some(opcode::SENDMSG), (5, 3), "2/sendmsg.2";
    send_msg_zc::SendMsgZc: Some(opcode::SENDMSG_ZC), (6, 1), "2/sendmsg.2";
    send_to::SendTo: Some(opcode::SENDMSG), (5, 3), "2/send.2";
    send_to_ring::SendToRing: Some(opcode::MSG_RING), (6, 0), "3/io_uring_prep_msg_ring_fd.3";
    send_zc::SendZc: Some(opcode::SEND_ZC), (6, 0), "2/send.2";
    shutdown::Shutdown: Some(opcode::SHUTDOWN), (5, 11), "2/shutdown.2";
    socket::Socket: Some(opcode::SOCKET), (5, 19), "2/socket.2";
    splice::Splice: Some(opcode::SPLICE), (5, 7), "2/splice.2";
    statx::Statx: Some(opcode::STATX), (5, 6), "2/statx.2";
    stepped::Stepped: None, (5, 1), "2/io_uring_enter.2";
    tee::Tee: Some(opcode::TEE), (5, 8), "2/tee.2";
    then::Then: None, (5, 5), "2/io_uring_enter.2";
    timeout::Timeout: Some(opcode::TIMEOUT), (5, 4), "2/io_uring_enter.2";
    timeout_multi::TimeoutMulti: Some(opcode::TIMEOUT), (6, 4), "2/io_uring_enter.2";
    truncate::Truncate: Some(opcode::FTRUNCATE), (6, 9), "2/ftruncate.2";
    when_ready::WhenReady: None, (5, 1), "2/poll.2";
    write::Write: Some(opcode::WRITE), (5, 6), "2/write.2";
    write_all::WriteAll: Some(opcode::WRITE), (5, 6), "2/write.2";
    write_vectored::WriteVectored: Some(opcode::WRITEV), (5, 1), "2/pwritev.2";
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Files of `src/event` that are no events.
    const OTHERS: [&str; 5] = ["message", "pair", "registry", "testing", "transfer"];

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/event")
    }

    #[test]
    fn every_file_is_an_event_in_the_list_and_every_event_has_a_file() {
        let listed: BTreeSet<String> = EVENTS.iter().map(|event| event.file.to_owned()).collect();
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
            let path = folder().join(event.file).with_extension("rs");
            let text = fs::read_to_string(&path).unwrap();
            let (major, minor) = event.since;
            for part in [
                format!("pub struct {}", event.name),
                format!("/// Linux {major}.{minor}."),
                event.manual(),
                "/// # Errors".into(),
                "/// # Cancellation".into(),
                "#[doc(alias = \"IO".into(),
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

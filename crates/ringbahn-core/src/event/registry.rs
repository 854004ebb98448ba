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
    accept_into_slots::AcceptIntoSlots: Some(opcode::ACCEPT), (5, 19),
        "3/io_uring_prep_multishot_accept_direct.3";
    accept_multi::AcceptMulti: Some(opcode::ACCEPT), (5, 19), "2/accept.2";
    answered_nop::AnsweredNop: Some(opcode::NOP), (6, 10), "2/io_uring_enter.2";
    as_personality::AsPersonality: None, (5, 6), "2/io_uring_register.2";
    async_cancel::AsyncCancel: Some(opcode::ASYNC_CANCEL), (5, 5), "3/io_uring_prep_cancel.3";
    bind::Bind: Some(opcode::BIND), (6, 11), "2/bind.2";
    close::Close: Some(opcode::CLOSE), (5, 6), "2/close.2";
    connect::Connect: Some(opcode::CONNECT), (5, 5), "2/connect.2";
    drained::Drained: None, (5, 2), "2/io_uring_enter.2";
    either::Either: None, (5, 1), "2/io_uring_enter.2";
    epoll_ctl::EpollCtl: Some(opcode::EPOLL_CTL), (5, 6), "2/epoll_ctl.2";
    epoll_wait::EpollWait: Some(opcode::EPOLL_WAIT), (6, 15), "2/epoll_wait.2";
    fadvise::Fadvise: Some(opcode::FADVISE), (5, 6), "2/posix_fadvise.2";
    fallocate::Fallocate: Some(opcode::FALLOCATE), (5, 6), "2/fallocate.2";
    fget_xattr::FgetXattr: Some(opcode::FGETXATTR), (5, 19), "2/getxattr.2";
    files_update::FilesUpdate: Some(opcode::FILES_UPDATE), (5, 19),
        "3/io_uring_prep_files_update.3";
    fset_xattr::FsetXattr: Some(opcode::FSETXATTR), (5, 19), "2/setxattr.2";
    fsync::Fsync: Some(opcode::FSYNC), (5, 1), "2/fsync.2";
    futex_wait::FutexWait: Some(opcode::FUTEX_WAIT), (6, 7), "3/io_uring_prep_futex_wait.3";
    futex_waitv::FutexWaitv: Some(opcode::FUTEX_WAITV), (6, 7), "3/io_uring_prep_futex_waitv.3";
    futex_wake::FutexWake: Some(opcode::FUTEX_WAKE), (6, 7), "3/io_uring_prep_futex_wake.3";
    get_socket_option::GetSocketOption: Some(opcode::URING_CMD), (6, 7), "2/getsockopt.2";
    get_xattr::GetXattr: Some(opcode::GETXATTR), (5, 19), "2/getxattr.2";
    install_fd::InstallFd: Some(opcode::FIXED_FD_INSTALL), (6, 8),
        "3/io_uring_prep_fixed_fd_install.3";
    into_slot::IntoSlot: None, (5, 19), "3/io_uring_prep_open.3";
    link::Link: None, (5, 3), "2/io_uring_enter.2";
    link_at::LinkAt: Some(opcode::LINKAT), (5, 15), "2/link.2";
    link_timeout::LinkTimeout: Some(opcode::LINK_TIMEOUT), (5, 5), "3/io_uring_prep_link_timeout.3";
    listen::Listen: Some(opcode::LISTEN), (6, 11), "2/listen.2";
    madvise::Madvise: Some(opcode::MADVISE), (5, 6), "2/madvise.2";
    mapped::Mapped: None, (5, 1), "2/io_uring_enter.2";
    mkdir_at::MkdirAt: Some(opcode::MKDIRAT), (5, 15), "2/mkdir.2";
    nop::Nop: Some(opcode::NOP), (5, 1), "2/io_uring_enter.2";
    nop128::Nop128: Some(opcode::NOP128), (6, 19), "2/io_uring_enter.2";
    nvme_command::NvmeCommand: Some(opcode::URING_CMD), (5, 19), "2/io_uring_enter.2";
    open_at::OpenAt: Some(opcode::OPENAT), (5, 6), "2/open.2";
    open_at2::OpenAt2: Some(opcode::OPENAT2), (5, 6), "2/openat2.2";
    pipe::Pipe: Some(opcode::PIPE), (6, 16), "2/pipe.2";
    poll_add::PollAdd: Some(opcode::POLL_ADD), (5, 1), "2/poll.2";
    poll_multi::PollMulti: Some(opcode::POLL_ADD), (5, 13), "2/poll.2";
    poll_remove::PollRemove: Some(opcode::POLL_REMOVE), (5, 1), "3/io_uring_prep_poll_remove.3";
    poll_update::PollUpdate: Some(opcode::POLL_REMOVE), (5, 13), "3/io_uring_prep_poll_update.3";
    provide_buffers::ProvideBuffers: Some(opcode::PROVIDE_BUFFERS), (5, 7),
        "3/io_uring_prep_provide_buffers.3";
    read::Read: Some(opcode::READ), (5, 6), "2/read.2";
    read_exact::ReadExact: Some(opcode::READ), (5, 6), "2/read.2";
    read_multi::ReadMulti: Some(opcode::READ_MULTISHOT), (6, 7), "2/read.2";
    read_provided::ReadProvided: Some(opcode::READ), (5, 19), "2/read.2";
    read_ranges::ReadRanges: Some(opcode::READV), (5, 1), "2/preadv.2";
    read_vectored::ReadVectored: Some(opcode::READV), (5, 1), "2/preadv.2";
    recv::Recv: Some(opcode::RECV), (5, 6), "2/recv.2";
    recv_bundle::RecvBundle: Some(opcode::RECV), (6, 12), "2/recv.2";
    recv_bundles::RecvBundles: Some(opcode::RECV), (6, 12), "2/recv.2";
    recv_lent::RecvLent: Some(opcode::RECV), (5, 7), "2/recv.2";
    recv_msg::RecvMsg: Some(opcode::RECVMSG), (5, 3), "2/recvmsg.2";
    recv_msg_multi::RecvMsgMulti: Some(opcode::RECVMSG), (6, 0), "2/recvmsg.2";
    recv_multi::RecvMulti: Some(opcode::RECV), (6, 0), "2/recv.2";
    recv_parts::RecvParts: Some(opcode::RECV), (6, 12), "2/recv.2";
    recv_provided::RecvProvided: Some(opcode::RECV), (5, 19), "2/recv.2";
    recv_zc::RecvZc: Some(opcode::RECV_ZC), (6, 15), "3/io_uring_prep_recv.3";
    register_fd::RegisterFd: Some(opcode::FILES_UPDATE), (6, 0),
        "3/io_uring_prep_files_update.3";
    remove_buffers::RemoveBuffers: Some(opcode::REMOVE_BUFFERS), (5, 7),
        "3/io_uring_prep_remove_buffers.3";
    rename_at::RenameAt: Some(opcode::RENAMEAT), (5, 11), "2/rename.2";
    reporting::Reporting: None, (6, 2), "2/io_uring_enter.2";
    rescued::Rescued: None, (5, 5), "2/io_uring_enter.2";
    reuse_address::ReuseAddress: Some(opcode::URING_CMD), (6, 7), "7/socket.7";
    send::Send: Some(opcode::SEND), (5, 6), "2/send.2";
    send_all::SendAll: Some(opcode::SEND), (5, 6), "2/send.2";
    send_bundle::SendBundle: Some(opcode::SEND), (6, 10), "2/send.2";
    send_msg::SendMsg: Some(opcode::SENDMSG), (5, 3), "2/sendmsg.2";
    send_msg_zc::SendMsgZc: Some(opcode::SENDMSG_ZC), (6, 1), "2/sendmsg.2";
    send_number::SendNumber: Some(opcode::MSG_RING), (5, 18), "3/io_uring_prep_msg_ring.3";
    send_to::SendTo: Some(opcode::SENDMSG), (5, 3), "2/send.2";
    send_to_ring::SendToRing: Some(opcode::MSG_RING), (6, 0), "3/io_uring_prep_msg_ring_fd.3";
    send_zc::SendZc: Some(opcode::SEND_ZC), (6, 0), "2/send.2";
    set_socket_option::SetSocketOption: Some(opcode::URING_CMD), (6, 7), "2/setsockopt.2";
    set_xattr::SetXattr: Some(opcode::SETXATTR), (5, 19), "2/setxattr.2";
    shutdown::Shutdown: Some(opcode::SHUTDOWN), (5, 11), "2/shutdown.2";
    socket::Socket: Some(opcode::SOCKET), (5, 19), "2/socket.2";
    socket_queue::SocketQueue: Some(opcode::URING_CMD), (6, 5), "7/tcp.7";
    splice::Splice: Some(opcode::SPLICE), (5, 7), "2/splice.2";
    statx::Statx: Some(opcode::STATX), (5, 6), "2/statx.2";
    stepped::Stepped: None, (5, 1), "2/io_uring_enter.2";
    symlink_at::SymlinkAt: Some(opcode::SYMLINKAT), (5, 15), "2/symlink.2";
    sync_file_range::SyncFileRange: Some(opcode::SYNC_FILE_RANGE), (5, 2), "2/sync_file_range.2";
    tee::Tee: Some(opcode::TEE), (5, 8), "2/tee.2";
    then::Then: None, (5, 5), "2/io_uring_enter.2";
    timeout::Timeout: Some(opcode::TIMEOUT), (5, 4), "2/io_uring_enter.2";
    timeout_multi::TimeoutMulti: Some(opcode::TIMEOUT), (6, 4), "2/io_uring_enter.2";
    timeout_remove::TimeoutRemove: Some(opcode::TIMEOUT_REMOVE), (5, 5),
        "3/io_uring_prep_timeout_remove.3";
    timeout_update::TimeoutUpdate: Some(opcode::TIMEOUT_REMOVE), (5, 11),
        "3/io_uring_prep_timeout_update.3";
    truncate::Truncate: Some(opcode::FTRUNCATE), (6, 9), "2/ftruncate.2";
    unlink_at::UnlinkAt: Some(opcode::UNLINKAT), (5, 11), "2/unlink.2";
    uring_command::UringCommand: Some(opcode::URING_CMD), (5, 19), "2/io_uring_enter.2";
    uring_command128::UringCommand128: Some(opcode::URING_CMD128), (6, 19), "2/io_uring_enter.2";
    wait_id::WaitId: Some(opcode::WAITID), (6, 7), "2/waitid.2";
    when_ready::WhenReady: None, (5, 1), "2/poll.2";
    write::Write: Some(opcode::WRITE), (5, 6), "2/write.2";
    write_all::WriteAll: Some(opcode::WRITE), (5, 6), "2/write.2";
    write_ranges::WriteRanges: Some(opcode::WRITEV), (5, 1), "2/pwritev.2";
    write_vectored::WriteVectored: Some(opcode::WRITEV), (5, 1), "2/pwritev.2";
};

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::{Path, PathBuf};

    /// Files of `src/event` that are no events.
    const OTHERS: [&str; 12] = [
        "attribute",
        "file_type",
        "futex_word",
        "lent_buffers",
        "message",
        "pair",
        "registry",
        "socket_option",
        "start",
        "target_state",
        "testing",
        "transfer",
    ];

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

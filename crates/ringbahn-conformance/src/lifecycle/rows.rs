//! The rows of the matrix: one for each event of the registry.
//!
//! An event that has no row, and a row that has no event, do not compile. What needs more than a
//! driver, such as slots or buffers that are registered with a ring, stands apart, and its row says
//! where it is tried.

mod composed;
mod files;
mod names;
mod others;
mod pipes;
mod receives;
mod sends;
mod sockets;
mod waits;

use ringbahn_core::event::EVENTS;

use super::scene::{AnyScene, Manner};
use crate::ledger::Ledger;
use crate::verdict::Stop;

/// What sets the scene for an operation, and enters its event in the ledger.
type Stage = fn(Manner, &Ledger) -> Result<AnyScene, Stop>;

/// One event of the registry.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// `None` of what stands apart.
    stage: Option<Stage>,
}

impl Row {
    /// Whether it is tried elsewhere.
    pub(crate) fn stands_apart(&self) -> bool {
        self.stage.is_none()
    }

    /// Sets the scene for an operation, and enters its event in the ledger.
    ///
    /// # Panics
    ///
    /// Panics where the event stands apart.
    pub(crate) fn scene(&self, manner: Manner, ledger: &Ledger) -> Result<AnyScene, Stop> {
        let stage = self.stage.expect("what stands apart has no cells");
        stage(manner, ledger)
    }
}

/// Makes the rows from lines such as `Accept: sockets::accept;`: the name in the registry, and the
/// function that sets the scene, or the test program that tries what stands apart.
macro_rules! rows {
    ($($name:ident: $($file:ident::$scene:ident)? $($apart:literal)?;)*) => {
        /// One row for each event of the registry.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            stage: rows!(@stage $($file::$scene)? $($apart)?),
        },)*];
    };
    (@stage $file:ident::$scene:ident) => {
        Some(|manner, ledger| Ok($file::$scene(manner)?.forget(ledger)))
    };
    (@stage $apart:literal) => {
        None
    };
}

rows! {
    Accept: sockets::accept;
    AcceptIntoSlots: "direct of ringbahn-drivers";
    AcceptMulti: "multishot of ringbahn-drivers";
    AnsweredNop: others::answered_nop;
    AsPersonality: "tuning of ringbahn-drivers";
    AsyncCancel: others::async_cancel;
    Bind: sockets::bind;
    Close: files::close;
    Connect: sockets::connect;
    Drained: "chains of ringbahn-drivers";
    Either: composed::either;
    Fadvise: files::fadvise;
    Fallocate: files::fallocate;
    FgetXattr: names::fget_xattr;
    FsetXattr: names::fset_xattr;
    EpollCtl: waits::epoll_ctl;
    EpollWait: waits::epoll_wait;
    FilesUpdate: "other_operations of ringbahn-drivers";
    Fsync: files::fsync;
    GetXattr: names::get_xattr;
    FutexWait: waits::futex_wait;
    FutexWaitv: waits::futex_waitv;
    FutexWake: waits::futex_wake;
    GetSocketOption: sockets::get_socket_option;
    InstallFd: "direct of ringbahn-drivers";
    IntoSlot: "direct of ringbahn-drivers";
    Link: composed::link;
    Listen: sockets::listen;
    LinkAt: names::link_at;
    Madvise: files::madvise;
    LinkTimeout: composed::link_timeout;
    Mapped: composed::mapped;
    MkdirAt: names::mkdir_at;
    Nop: others::nop;
    Nop128: "other_operations of ringbahn-drivers";
    NvmeCommand: "other_operations of ringbahn-drivers";
    OpenAt: files::open_at;
    OpenAt2: names::open_at2;
    Pipe: files::pipe;
    PollAdd: others::poll_add;
    PollMulti: "multishot of ringbahn-drivers";
    PollRemove: others::poll_remove;
    PollUpdate: others::poll_update;
    ProvideBuffers: "other_operations of ringbahn-drivers";
    Read: receives::read;
    ReadExact: receives::read_exact;
    ReadMulti: "multishot of ringbahn-drivers";
    ReadProvided: "multishot of ringbahn-drivers";
    ReadRanges: receives::read_ranges;
    ReadVectored: receives::read_vectored;
    Recv: receives::recv;
    RecvBundle: "multishot of ringbahn-drivers";
    RecvBundles: "multishot of ringbahn-drivers";
    RecvLent: "other_operations of ringbahn-drivers";
    RecvMsg: receives::recv_msg;
    RecvMsgMulti: "multishot of ringbahn-drivers";
    RecvMulti: "multishot of ringbahn-drivers";
    RecvParts: "multishot of ringbahn-drivers";
    RecvProvided: "multishot of ringbahn-drivers";
    RecvZc: "zero_copy_receive of ringbahn-drivers";
    RegisterFd: "direct of ringbahn-drivers";
    RenameAt: names::rename_at;
    RemoveBuffers: "other_operations of ringbahn-drivers";
    Reporting: sends::reporting;
    Rescued: composed::rescued;
    ReuseAddress: "direct of ringbahn-drivers";
    Send: sends::send;
    SendAll: sends::send_all;
    SendBundle: "multishot of ringbahn-drivers";
    SendMsg: sends::send_msg;
    SendMsgZc: sends::send_msg_zc;
    SendNumber: "other_operations of ringbahn-drivers";
    SendTo: sends::send_to;
    SendToRing: "direct of ringbahn-drivers";
    SendZc: sends::send_zc;
    SetXattr: names::set_xattr;
    SetSocketOption: sockets::set_socket_option;
    Shutdown: sockets::shutdown;
    Socket: sockets::socket;
    SocketQueue: sockets::socket_queue;
    Splice: pipes::splice;
    Statx: files::statx;
    Stepped: composed::stepped;
    SymlinkAt: names::symlink_at;
    SyncFileRange: files::sync_file_range;
    Tee: pipes::tee;
    Then: composed::then;
    Timeout: others::timeout;
    TimeoutMulti: "multishot of ringbahn-drivers";
    TimeoutRemove: others::timeout_remove;
    TimeoutUpdate: others::timeout_update;
    Truncate: files::truncate;
    UnlinkAt: names::unlink_at;
    UringCommand: "other_operations of ringbahn-drivers";
    UringCommand128: "other_operations of ringbahn-drivers";
    WaitId: waits::wait_id;
    WhenReady: composed::when_ready;
    Write: sends::write;
    WriteAll: sends::write_all;
    WriteRanges: sends::write_ranges;
    WriteVectored: sends::write_vectored;
}

/// Whether two names are the same, for constants.
const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

const _: () = {
    let mut index = 0;
    while index < ROWS.len() && index < EVENTS.len() {
        assert!(
            is_same(ROWS[index].name, EVENTS[index].name),
            "the rows of the lifecycle matrix are not the events of the registry, in its order"
        );
        index += 1;
    }
    assert!(
        ROWS.len() == EVENTS.len(),
        "an event of the registry has no row in the lifecycle matrix, or a row has no event"
    );
};

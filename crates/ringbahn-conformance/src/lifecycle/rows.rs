//! The rows of the matrix: one for each event of the registry.
//!
//! An event that has no row, and a row that has no event, do not compile. A row says what its event
//! needs besides a driver, such as slots or a group of buffers. A driver that has no such thing
//! says so, and its cells are refused. What needs something that no driver of the suite has, such
//! as a network card or a device that takes commands, stands apart, and its row says where it is
//! tried.

mod composed;
mod files;
mod names;
mod others;
mod pipes;
mod provided;
mod receives;
mod sends;
mod slots;
mod sockets;
mod streams;
mod waits;

use ringbahn_core::event::EVENTS;

use super::resources::{Need, Resources};
use super::scene::{AnyScene, Manner};
use crate::ledger::Ledger;
use crate::verdict::Stop;

/// What sets the scene for an operation, and enters its event in the ledger.
type Stage = fn(Manner, &Ledger, &Resources) -> Result<AnyScene, Stop>;

/// One event of the registry.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) need: Need,
    /// Whether its event yields one item after the other.
    pub(crate) is_stream: bool,
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
    pub(crate) fn scene(
        &self,
        manner: Manner,
        ledger: &Ledger,
        resources: &Resources,
    ) -> Result<AnyScene, Stop> {
        let stage = self.stage.expect("what stands apart has no cells");
        stage(manner, ledger, resources)
    }
}

/// Makes the rows from lines such as `Accept: sockets::accept;`: the name in the registry, and the
/// function that sets the scene, `with Group` and the like where it needs more than a driver; or
/// the test program that tries what stands apart.
macro_rules! rows {
    ($($name:ident: $($apart:literal)? $($file:ident::$scene:ident $(with $need:ident)?)?;)*) => {
        /// One row for each event of the registry.
        pub(crate) const ROWS: &[Row] =
            &[$(rows!(@row $name $(, $apart)? $(, $file::$scene $(, $need)?)?),)*];
    };
    (@row $name:ident, $apart:literal) => {
        Row { name: stringify!($name), need: Need::Nothing, is_stream: false, stage: None }
    };
    (@row $name:ident, $file:ident::$scene:ident) => {
        Row {
            name: stringify!($name),
            need: Need::Nothing,
            is_stream: is_same(stringify!($file), "streams"),
            stage: Some(|manner, ledger, _| Ok($file::$scene(manner)?.forget(ledger))),
        }
    };
    (@row $name:ident, $file:ident::$scene:ident, $need:ident) => {
        Row {
            name: stringify!($name),
            need: Need::$need,
            is_stream: is_same(stringify!($file), "streams"),
            stage: Some(|manner, ledger, resources| {
                Ok($file::$scene(manner, resources)?.forget(ledger))
            }),
        }
    };
}

rows! {
    Accept: sockets::accept;
    AcceptIntoSlots: "direct of ringbahn-drivers";
    AcceptMulti: streams::accept;
    AnsweredNop: others::answered_nop;
    AsPersonality: "tuning of ringbahn-drivers";
    AsyncCancel: others::async_cancel;
    Bind: sockets::bind;
    Close: files::close;
    Connect: sockets::connect;
    Drained: composed::drained;
    Either: composed::either;
    EpollCtl: waits::epoll_ctl;
    EpollWait: waits::epoll_wait;
    Fadvise: files::fadvise;
    Fallocate: files::fallocate;
    FgetXattr: names::fget_xattr;
    FilesUpdate: "other_operations of ringbahn-drivers";
    FsetXattr: names::fset_xattr;
    Fsync: files::fsync;
    FutexWait: waits::futex_wait;
    FutexWaitv: waits::futex_waitv;
    FutexWake: waits::futex_wake;
    GetSocketOption: sockets::get_socket_option;
    GetXattr: names::get_xattr;
    InstallFd: slots::install_fd with Slots;
    IntoSlot: slots::into_slot with Slots;
    Link: composed::link;
    LinkAt: names::link_at;
    LinkTimeout: composed::link_timeout;
    Listen: sockets::listen;
    Madvise: files::madvise;
    Mapped: composed::mapped;
    MkdirAt: names::mkdir_at;
    Nop: others::nop;
    Nop128: "other_operations of ringbahn-drivers";
    NvmeCommand: "other_operations of ringbahn-drivers";
    OpenAt: files::open_at;
    OpenAt2: names::open_at2;
    Pipe: files::pipe;
    PollAdd: others::poll_add;
    PollMulti: streams::poll;
    PollRemove: others::poll_remove;
    PollUpdate: others::poll_update;
    ProvideBuffers: "other_operations of ringbahn-drivers";
    Read: receives::read;
    ReadExact: receives::read_exact;
    ReadMulti: streams::read with Group;
    ReadProvided: provided::read with Group;
    ReadRanges: receives::read_ranges;
    ReadVectored: receives::read_vectored;
    Recv: receives::recv;
    RecvBundle: "multishot of ringbahn-drivers";
    RecvBundles: "multishot of ringbahn-drivers";
    RecvLent: "other_operations of ringbahn-drivers";
    RecvMsg: receives::recv_msg;
    RecvMsgMulti: streams::recv_msg with Group;
    RecvMulti: streams::recv with Group;
    RecvParts: "multishot of ringbahn-drivers";
    RecvProvided: provided::recv with Group;
    RecvZc: "zero_copy_receive of ringbahn-drivers";
    RegisterFd: "direct of ringbahn-drivers";
    RemoveBuffers: "other_operations of ringbahn-drivers";
    RenameAt: names::rename_at;
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
    SendToRing: slots::send_to_ring with TwoRings;
    SendZc: sends::send_zc;
    SetSocketOption: sockets::set_socket_option;
    SetXattr: names::set_xattr;
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
    TimeoutMulti: streams::timeout;
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

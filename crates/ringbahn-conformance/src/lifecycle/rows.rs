//! The rows of the matrix: one for each event of the registry.
//!
//! An event that has no row, and a row that has no event, do not compile. A row says what its event
//! needs besides a driver, such as slots or a group of buffers. A driver that has no such thing
//! says so, and its cells are refused.

mod composed;
mod files;
mod others;
mod pipes;
mod provided;
mod receives;
mod sends;
mod slots;
mod sockets;
mod streams;

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
    stage: Stage,
}

impl Row {
    /// Sets the scene for an operation, and enters its event in the ledger.
    pub(crate) fn scene(
        &self,
        manner: Manner,
        ledger: &Ledger,
        resources: &Resources,
    ) -> Result<AnyScene, Stop> {
        (self.stage)(manner, ledger, resources)
    }
}

/// Makes the rows from lines such as `Accept: sockets::accept;`: the name in the registry, and the
/// function that sets the scene; `with Group` and the like where it needs more than a driver.
macro_rules! rows {
    ($($name:ident: $file:ident::$scene:ident $(with $need:ident)?;)*) => {
        /// One row for each event of the registry.
        pub(crate) const ROWS: &[Row] = &[$(rows!(@row $name, $file::$scene $(, $need)?),)*];
    };
    (@row $name:ident, $file:ident::$scene:ident) => {
        Row {
            name: stringify!($name),
            need: Need::Nothing,
            is_stream: is_same(stringify!($file), "streams"),
            stage: |manner, ledger, _| Ok($file::$scene(manner)?.forget(ledger)),
        }
    };
    (@row $name:ident, $file:ident::$scene:ident, $need:ident) => {
        Row {
            name: stringify!($name),
            need: Need::$need,
            is_stream: is_same(stringify!($file), "streams"),
            stage: |manner, ledger, resources| Ok($file::$scene(manner, resources)?.forget(ledger)),
        }
    };
}

rows! {
    Accept: sockets::accept;
    AcceptMulti: streams::accept;
    AsyncCancel: others::async_cancel;
    Close: files::close;
    Connect: sockets::connect;
    Drained: composed::drained;
    Either: composed::either;
    Fsync: files::fsync;
    InstallFd: slots::install_fd with Slots;
    IntoSlot: slots::into_slot with Slots;
    Link: composed::link;
    Mapped: composed::mapped;
    Nop: others::nop;
    OpenAt: files::open_at;
    Pipe: files::pipe;
    PollAdd: others::poll_add;
    PollMulti: streams::poll;
    Read: receives::read;
    ReadExact: receives::read_exact;
    ReadMulti: streams::read with Group;
    ReadProvided: provided::read with Group;
    ReadVectored: receives::read_vectored;
    Recv: receives::recv;
    RecvMsg: receives::recv_msg;
    RecvMsgMulti: streams::recv_msg with Group;
    RecvMulti: streams::recv with Group;
    RecvProvided: provided::recv with Group;
    Reporting: sends::reporting;
    Rescued: composed::rescued;
    Send: sends::send;
    SendAll: sends::send_all;
    SendMsg: sends::send_msg;
    SendMsgZc: sends::send_msg_zc;
    SendTo: sends::send_to;
    SendToRing: slots::send_to_ring with TwoRings;
    SendZc: sends::send_zc;
    Shutdown: sockets::shutdown;
    Socket: sockets::socket;
    Splice: pipes::splice;
    Statx: files::statx;
    Stepped: composed::stepped;
    Tee: pipes::tee;
    Then: composed::then;
    Timeout: others::timeout;
    TimeoutMulti: streams::timeout;
    Truncate: files::truncate;
    WhenReady: composed::when_ready;
    Write: sends::write;
    WriteAll: sends::write_all;
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

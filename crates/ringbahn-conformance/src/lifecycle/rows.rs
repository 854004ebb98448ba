//! The rows of the matrix: one for each event of the registry.
//!
//! An event that has no row, and a row that has no event, do not compile.

mod composed;
mod files;
mod others;
mod receives;
mod sends;
mod sockets;

use ringbahn_core::event::EVENTS;

use super::scene::{AnyScene, Manner};
use crate::ledger::Ledger;
use crate::verdict::Stop;

/// One event of the registry.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    /// Sets the scene for an operation, and enters its event in the ledger.
    pub(crate) stage: fn(Manner, &Ledger) -> Result<AnyScene, Stop>,
}

/// Makes the rows from lines such as `Accept: sockets::accept;`: the name in the registry, and the
/// function that sets the scene.
macro_rules! rows {
    ($($name:ident: $file:ident::$scene:ident;)*) => {
        /// One row for each event of the registry.
        pub(crate) const ROWS: &[Row] = &[$(Row {
            name: stringify!($name),
            stage: |manner, ledger| Ok($file::$scene(manner)?.forget(ledger)),
        },)*];
    };
}

rows! {
    Accept: sockets::accept;
    AsyncCancel: others::async_cancel;
    Close: files::close;
    Connect: sockets::connect;
    Either: composed::either;
    Fsync: files::fsync;
    Link: composed::link;
    Nop: others::nop;
    OpenAt: files::open_at;
    PollAdd: others::poll_add;
    Read: receives::read;
    ReadExact: receives::read_exact;
    ReadVectored: receives::read_vectored;
    Recv: receives::recv;
    RecvMsg: receives::recv_msg;
    Rescued: composed::rescued;
    Send: sends::send;
    SendAll: sends::send_all;
    SendMsg: sends::send_msg;
    SendTo: sends::send_to;
    SendZc: sends::send_zc;
    Shutdown: sockets::shutdown;
    Socket: sockets::socket;
    Statx: files::statx;
    Timeout: others::timeout;
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

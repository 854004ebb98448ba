//! An operation on a ring that no kernel knows: a target for cancels that must not hit anything.

use std::io;
use std::pin::Pin;
use std::sync::{LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use ringbahn_core::event::Nop;
use ringbahn_core::{
    CancelTarget, Completion, Drive, OperationTable, Reservation, Shared, Sqe, Submission,
};

/// A driver that accepts one operation and never runs it.
#[derive(Clone, Copy)]
struct Elsewhere;

/// Its ring, which lasts as long as the process: with an operation in flight it must.
static TABLE: LazyLock<OperationTable> = LazyLock::new(OperationTable::new);

static OPERATION: Mutex<Option<Submission<Nop, Elsewhere>>> = Mutex::new(None);

impl Drive for Elsewhere {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        _count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let (mut places, mut taken) = ([Sqe::nop()], 0);
        let places = (&mut places[..], &mut [][..]);
        Poll::Ready(Ok(prepare(Reservation::new(&TABLE, places, &mut taken), cx)))
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(Ok(0))
    }

    fn cancel(self: Pin<&mut Self>, _target: CancelTarget) {}
}

/// The operation, as somebody sees it who would cancel it.
pub(crate) fn target() -> io::Result<CancelTarget> {
    let mut operation = OPERATION.lock().unwrap_or_else(PoisonError::into_inner);
    let submission = operation.get_or_insert_with(|| Elsewhere.submit(Nop));
    if !submission.is_in_flight() {
        let _ = Pin::new(&mut *submission).poll(&mut Context::from_waker(Waker::noop()));
    }
    submission.cancel_target().ok_or_else(|| io::Error::other("an operation that never ends has"))
}

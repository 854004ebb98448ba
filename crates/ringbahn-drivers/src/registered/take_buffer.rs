//! [`TakeBuffer`]: waits for a registered buffer.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::{RegisteredBuffer, RegisteredBuffers};

/// The future of [`RegisteredBuffers::take_or_wait`].
///
/// It keeps the table, and may be moved to another task or thread while it waits.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub struct TakeBuffer {
    buffers: RegisteredBuffers,
    /// Its number among those who wait, from its first poll in vain until it has a buffer.
    ticket: Option<u64>,
}

impl TakeBuffer {
    pub(super) fn new(buffers: RegisteredBuffers) -> TakeBuffer {
        TakeBuffer { buffers, ticket: None }
    }
}

impl Future for TakeBuffer {
    type Output = RegisteredBuffer;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<RegisteredBuffer> {
        let TakeBuffer { buffers, ticket } = self.get_mut();
        let table = &buffers.table;
        table.pool.free.poll_take(ticket, cx).map(|place| RegisteredBuffer::at(table, place))
    }
}

impl Drop for TakeBuffer {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.buffers.table.pool.free.leave(ticket);
        }
    }
}

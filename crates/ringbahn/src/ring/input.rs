//! [`Input`]: the reading side of a handle.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, ready};

use ringbahn_core::{BufResult, Drive, IoBufMut, event};

use super::inbox::{Inbox, Kept};
use super::object::{Object, Readable};
use super::reader::Reader;
use super::reception::Told;
use super::share::Handle;
use super::slot::{get_mut, lock, poll_settled};

/// The reading side of a handle: the reader, and what abandoned receives have brought.
///
/// What a read gets is in this order: what the reader has, what the abandoned receives have
/// brought, and what the kernel has.
#[derive(Debug)]
pub(crate) struct Input<D: Drive + Unpin> {
    reader: Mutex<Reader<D>>,
    /// Made by the first receive into a buffer of the caller.
    inbox: OnceLock<Arc<Inbox>>,
}

impl<D: Drive + Unpin> Input<D> {
    /// An input with nothing in it. `shared` says whether several tasks may wait for its reads.
    pub(crate) fn new(shared: bool) -> Input<D> {
        Input { reader: Mutex::new(Reader::new(shared)), inbox: OnceLock::new() }
    }

    pub(crate) fn reader(&mut self) -> &mut Reader<D> {
        get_mut(&mut self.reader)
    }

    pub(crate) fn inbox(&self) -> &Arc<Inbox> {
        self.inbox.get_or_init(Default::default)
    }

    /// Waits until no receive into a buffer of a caller is under way that was abandoned. What
    /// they have brought is among the unread bytes then.
    pub(crate) fn poll_collect(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(inbox) = self.inbox.get() {
            let reader = get_mut(&mut self.reader);
            ready!(inbox.poll_settled(cx)).into_iter().for_each(|kept| reader.append(kept));
        }
        Poll::Ready(())
    }

    /// Receives into `buf`, or waits for something to receive. Zero at the end.
    pub(crate) fn poll_receive<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        buf: &mut [u8],
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<usize>>
    where
        D: Clone,
    {
        if self.reader().is_idle() {
            ready!(self.poll_collect(cx));
        }
        self.reader().poll_receive(handle, buf, cx)
    }

    /// Waits until there are unread bytes, or the end.
    pub(crate) fn poll_fill<T: Readable>(
        &mut self,
        handle: &Handle<T, D>,
        wanted: usize,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>>
    where
        D: Clone,
    {
        if self.reader().is_idle() {
            ready!(self.poll_collect(cx));
        }
        self.reader().poll_fill(handle, wanted, None, cx).map_ok(drop)
    }

    /// Waits for what came before, for one of several who hold `&self`, and yields what it has
    /// brought: bytes, an end without bytes, or an error; `None` where there is nothing.
    pub(crate) fn poll_former(&self, cx: &mut Context<'_>) -> Poll<Option<io::Result<Kept>>> {
        ready!(poll_settled(&self.reader, cx));
        let kept = ready!(self.inbox().poll_settled(cx));
        let mut reader = lock(&self.reader);
        kept.into_iter().for_each(|kept| reader.append(kept));
        if !reader.unread().is_empty() {
            let bytes = reader.take_unread();
            return Poll::Ready(Some(Ok(Kept::bytes(bytes))));
        }
        let nothing = |()| Kept::bytes(Vec::new());
        Poll::Ready(reader.take_end().map(|end| end.map(nothing)))
    }

    /// As [`poll_former`](Input::poll_former), but one after the other, so that what came along
    /// with some bytes stays with them.
    pub(crate) fn poll_former_message(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Kept>>> {
        ready!(poll_settled(&self.reader, cx));
        let mut reader = lock(&self.reader);
        if !reader.unread().is_empty() {
            return Poll::Ready(Some(Ok(Kept::bytes(reader.take_unread()))));
        }
        drop(reader);
        if let Some(kept) = ready!(self.inbox().poll_next(cx)) {
            return Poll::Ready(Some(kept));
        }
        let end = lock(&self.reader).take_end();
        Poll::Ready(end.map(|end| end.map(|()| Kept::bytes(Vec::new()))))
    }

    /// Puts bytes in front of the unread ones, where they were taken from.
    pub(crate) fn put_back(&self, bytes: Vec<u8>) {
        if !bytes.is_empty() {
            lock(&self.reader).put_back(bytes);
        }
    }

    /// Fills `buffer` with what the next receive will yield, and takes nothing.
    pub(crate) async fn peek<T: Object, B: IoBufMut>(
        &self,
        handle: &Handle<T, D>,
        mut buffer: B,
    ) -> BufResult<usize, B>
    where
        D: Clone,
    {
        if buffer.target_len() == 0 {
            return (Ok(0), buffer);
        }
        match poll_fn(|cx| self.poll_former(cx)).await {
            Some(Ok(kept)) => {
                let count = buffer.fill_from(&kept.bytes);
                self.put_back(kept.bytes);
                (Ok(count), buffer)
            }
            Some(Err(error)) => (Err(error), buffer),
            None => handle.submit(event::Recv::new(handle.fd(), buffer).peek(true)).await,
        }
    }

    /// The same for a datagram.
    pub(crate) async fn peek_datagram<T: Object, B: IoBufMut, A: Told>(
        &self,
        handle: &Handle<T, D>,
        mut buffer: B,
    ) -> BufResult<A, B>
    where
        D: Clone,
    {
        match poll_fn(|cx| self.inbox().poll_next(cx)).await {
            Some(Ok(kept)) => {
                let count = buffer.fill_from(&kept.bytes);
                let told = A::told(count, kept.received.address.as_ref());
                self.inbox().put_back(kept);
                (told, buffer)
            }
            Some(Err(error)) => (Err(error), buffer),
            None => {
                let peek = event::RecvMsg::new(handle.fd(), [buffer]).peek(true);
                let (result, [buffer]) = handle.submit(peek).await;
                let tell =
                    |received: event::Received| A::told(received.count, received.address.as_ref());
                (result.and_then(tell), buffer)
            }
        }
    }
}

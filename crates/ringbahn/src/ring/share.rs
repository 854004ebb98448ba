//! [`Share`]: the IO object behind a handle, held by the handle and by its operations.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use ringbahn_core::{Drive, Event, SharedFd, Submission, receive_straight, send_straight};

use super::object::{Nature, Object, Writable};

/// The IO object behind a handle.
///
/// The handle and each operation on it hold a share, so the descriptor is not closed under an
/// operation. Whoever lets go of the last one closes the object, or leaves it to the heir, if
/// one has been named: so one who wants the object back need not ask again and again.
#[derive(Debug)]
pub(crate) struct Share<T> {
    /// There until this is dropped.
    object: Option<T>,
    heir: Mutex<Option<Arc<Heir<T>>>>,
}

/// Where the object goes when its last share does.
#[derive(Debug)]
struct Heir<T> {
    estate: Mutex<Estate<T>>,
}

#[derive(Debug)]
struct Estate<T> {
    object: Option<T>,
    waker: Option<Waker>,
}

impl<T> Share<T> {
    fn object(&self) -> &T {
        self.object.as_ref().expect("the object stays until its last share is dropped")
    }
}

impl<T> Drop for Share<T> {
    fn drop(&mut self) {
        let heir = self.heir.get_mut().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(heir) = heir {
            let waker = {
                let mut estate = heir.estate.lock().unwrap_or_else(PoisonError::into_inner);
                estate.object = self.object.take();
                estate.waker.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

/// A share held by the writing half of a socket and by its writes: who lets go of the last one
/// ends the writing side, if the halves have been told apart.
#[derive(Debug)]
struct WritingEnd<T> {
    share: Arc<Share<T>>,
    /// Tells the other side that nothing more will be written.
    end: fn(&T) -> io::Result<()>,
    /// Whether there is a half of its own that writes. Stored by the holder of the handle and read
    /// by whoever drops the last share, behind the counter of the `Arc`, which orders the two.
    apart: AtomicBool,
}

impl<T> Drop for WritingEnd<T> {
    fn drop(&mut self) {
        if *self.apart.get_mut() {
            // It fails where the other side is gone altogether, and then it knows.
            let _ = (self.end)(self.share.object());
        }
    }
}

/// What every method of a handle needs: the object, and the driver.
#[derive(Debug)]
pub(crate) struct Handle<T, D> {
    /// Goes before the share that it is an addition to.
    writing: OnceLock<Arc<WritingEnd<T>>>,
    share: Arc<Share<T>>,
    driver: D,
    nature: OnceLock<Nature>,
}

impl<T, D> Handle<T, D> {
    pub(crate) fn new(object: T, driver: D) -> Handle<T, D> {
        let share = Share { object: Some(object), heir: Mutex::new(None) };
        let share = Arc::new(share);
        Handle { writing: OnceLock::new(), share, driver, nature: OnceLock::new() }
    }

    pub(crate) fn object(&self) -> &T {
        self.share.object()
    }

    pub(crate) fn driver(&self) -> &D {
        &self.driver
    }

    /// Waits until no operation holds the object any more, and yields it.
    pub(crate) async fn into_object(self) -> T {
        let estate = Mutex::new(Estate { object: None, waker: None });
        let heir = Arc::new(Heir { estate });
        *self.share.heir.lock().unwrap_or_else(PoisonError::into_inner) = Some(heir.clone());
        drop(self.writing);
        drop(self.share);
        std::future::poll_fn(|cx| heir.poll(cx)).await
    }
}

impl<T> Heir<T> {
    fn poll(&self, cx: &Context<'_>) -> Poll<T> {
        let waker = cx.waker().clone();
        let mut estate = self.estate.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(object) = estate.object.take() {
            return Poll::Ready(object);
        }
        let former = estate.waker.replace(waker);
        drop(estate);
        drop(former);
        Poll::Pending
    }
}

impl<T: Object, D> Handle<T, D> {
    /// What the object is like, found out at the first read or write.
    pub(crate) fn nature(&self) -> Nature {
        if !T::POSITIONED {
            return Nature::Stream;
        }
        *self.nature.get_or_init(|| self.object().nature())
    }

    /// Whether the object has a position.
    pub(crate) fn has_position(&self) -> bool {
        self.nature() != Nature::Stream
    }
}

impl<T: Object, D> Handle<T, D> {
    /// A share of the file, for an event.
    pub(crate) fn fd(&self) -> SharedFd {
        SharedFd::of(self.share.clone(), |share| share.object().file())
    }
}

impl<T: Object, D: Drive + Clone + Unpin> Handle<T, D> {
    /// Receives into `buf` what has arrived; `None` where the driver leaves that to its ring.
    pub(crate) fn receive_straight(&self, buf: &mut [u8]) -> Option<io::Result<usize>> {
        receive_straight(Pin::new(&mut self.driver.clone()), self.object().file(), buf)
    }

    /// Sends of `bytes` what there is room for; `None` where the driver leaves that to its ring.
    pub(crate) fn send_straight(&self, bytes: &[u8]) -> Option<io::Result<usize>> {
        send_straight(Pin::new(&mut self.driver.clone()), self.object().file(), bytes)
    }
}

impl<T: Writable, D> Handle<T, D> {
    fn writing(&self) -> &Arc<WritingEnd<T>> {
        self.writing.get_or_init(|| {
            let (share, end) = (self.share.clone(), T::end_writing as fn(&T) -> _);
            Arc::new(WritingEnd { share, end, apart: AtomicBool::new(false) })
        })
    }

    /// A share of the file, for an event that writes behind its caller.
    pub(crate) fn writing_fd(&self) -> SharedFd {
        // Made also before the halves are apart, for a write may be in flight at that moment.
        if !T::HALVES {
            return self.fd();
        }
        SharedFd::of(self.writing().clone(), |end| end.share.object().file())
    }

    /// A second handle for the half that reads. From now on the end of this one ends the writing
    /// side, when what was accepted has been written.
    pub(crate) fn part(&self) -> Handle<T, D>
    where
        D: Clone,
    {
        self.writing().apart.store(true, Ordering::Relaxed);
        let (share, driver) = (self.share.clone(), self.driver.clone());
        Handle { writing: OnceLock::new(), share, driver, nature: OnceLock::new() }
    }

    /// Takes it that there is one handle again.
    pub(crate) fn join(&self) {
        self.writing().apart.store(false, Ordering::Relaxed);
    }
}

impl<T, D> Handle<T, D> {
    /// Whether both are handles to the same object.
    pub(crate) fn is_same<E>(&self, other: &Handle<T, E>) -> bool {
        Arc::ptr_eq(&self.share, &other.share)
    }
}

impl<T, D: Drive + Clone> Handle<T, D> {
    /// What a receive needs to start.
    pub(crate) fn operands(&self) -> (SharedFd, D)
    where
        T: Object,
    {
        (self.fd(), self.driver.clone())
    }

    pub(crate) fn submit<E: Event>(&self, event: E) -> Submission<E, D> {
        self.driver.clone().submit(event)
    }
}

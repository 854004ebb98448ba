//! [`Share`]: the IO object behind a handle, held by the handle and by its operations.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use ringbahn_core::{Drive, Event, SharedFd, Submission};

use super::object::{Nature, Object};

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

impl<T: AsFd> AsFd for Share<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.object().as_fd()
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

/// What every method of a handle needs: the object, and the driver.
#[derive(Debug)]
pub(crate) struct Handle<T, D> {
    share: Arc<Share<T>>,
    driver: D,
    nature: OnceLock<Nature>,
}

impl<T, D> Handle<T, D> {
    pub(crate) fn new(object: T, driver: D) -> Handle<T, D> {
        let share = Share { object: Some(object), heir: Mutex::new(None) };
        Handle { share: Arc::new(share), driver, nature: OnceLock::new() }
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

impl<T: AsFd + Send + Sync + 'static, D> Handle<T, D> {
    /// A share of the file, for an event.
    pub(crate) fn fd(&self) -> SharedFd {
        SharedFd::new(self.share.clone())
    }
}

impl<T, D: Drive + Clone> Handle<T, D> {
    pub(crate) fn submit<E: Event>(&self, event: E) -> Submission<E, D> {
        self.driver.clone().submit(event)
    }
}

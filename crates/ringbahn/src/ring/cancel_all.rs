//! [`Ring::cancel_all`]: the end of all that is in flight on an object.

use std::io;
use std::pin::pin;

use ringbahn_core::{Cancelling, Drive, Selection};

use super::Ring;
use super::buffering::Buffering;
use super::object::Object;

impl<T: Object, D: Drive + Clone + Unpin, S: Buffering> Ring<T, D, S> {
    /// Tells all operations on the object that are in flight to stop, and yields what will become
    /// of them. The handle is as good as before.
    ///
    /// It does not wait; the future that it returns does, for the kernel, and tells how many have
    /// been stopped and how many have completed all the same. Those are operations of this handle
    /// and of others on the same descriptor. Whoever waits for one that was stopped is told
    /// `ECANCELED`, and has its buffer back.
    ///
    /// What is in flight with nobody waiting is stopped like all else, and told to the next one who
    /// asks: a read or an accept whose future was dropped to the next read or accept; a write that
    /// was accepted, and is now not written, to the next write or `flush`. Writes of a handle that
    /// is gone run to their end.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures::{FutureExt, future::join};
    /// use ringbahn::Ring;
    ///
    /// # fn main() -> std::io::Result<()> {
    /// # if ringbahn::DefaultDriver::shared().is_err() { return Ok(()) }
    /// # let (ours, _theirs) = std::os::unix::net::UnixStream::pair()?;
    /// let stream = Ring::new(ours);
    /// futures::executor::block_on(async {
    ///     let mut reading = Box::pin(stream.recv(vec![0; 64]));
    ///     assert!((&mut reading).now_or_never().is_none());
    ///     let (report, (result, buffer)) = join(stream.cancel_all()?, reading).await;
    ///     assert_eq!((report.asked, report.cancelled), (1, 1));
    ///     assert!(result.is_err());
    ///     assert_eq!(buffer.len(), 64);
    ///     Ok(())
    /// })
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// `Unsupported` where the driver cannot do it (see [`Drive::cancel_selected`]), and the error
    /// of a forked child. Nothing has been told to stop then.
    pub fn cancel_all(&self) -> io::Result<Cancelling> {
        let driver = pin!(self.driver().clone());
        driver.cancel_selected(&Selection::of_file(&self.handle.fd()))
    }
}

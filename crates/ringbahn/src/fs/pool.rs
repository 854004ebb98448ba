//! What io_uring has no operation for, on threads that may block.

use std::io;

/// Makes calls on a thread of the pool, where they may block.
///
/// Where nobody waits any more, calls that have not begun are not made; others run to their end.
pub(crate) async fn in_pool<T: Send + 'static>(
    calls: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    blocking::unblock(calls).await
}

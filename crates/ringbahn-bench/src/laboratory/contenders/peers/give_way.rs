//! [`give_way`]: tasks that were spawned have their turn.

use std::future::poll_fn;
use std::task::Poll;

/// Ends when the task has its next turn, behind all that were waiting for theirs.
pub(super) async fn give_way() {
    let mut has_given_way = false;
    poll_fn(|cx| {
        if has_given_way {
            return Poll::Ready(());
        }
        has_given_way = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

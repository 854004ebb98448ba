//! Receives that are given up: futures that have been polled, and are dropped.

use std::io;
use std::pin::Pin;
use std::task::Poll;

use crate::laboratory::contender::Failure;

/// A receive by each of `receives`, which `receive` begins by its number, and all of them given up;
/// and that so many `times`.
///
/// # Errors
///
/// A receive has ended.
pub(crate) async fn give_up<F: Future<Output = io::Result<usize>>>(
    receives: &mut [Pin<Box<Option<F>>>],
    receive: impl Fn(usize) -> F,
    times: u64,
) -> Result<(), Failure> {
    for _ in 0..times {
        std::future::poll_fn(|cx| {
            for (number, place) in receives.iter_mut().enumerate() {
                place.set(Some(receive(number)));
                let begun = place.as_mut().as_pin_mut();
                if begun.is_some_and(|begun| begun.poll(cx).is_ready()) {
                    return Poll::Ready(Err("something has come from nowhere"));
                }
            }
            Poll::Ready(Ok(()))
        })
        .await?;
        // They have all waited at the same time.
        for place in &mut *receives {
            place.set(None);
        }
    }
    Ok(())
}

//! Futures that must end, else the test fails instead of hanging.

use std::future::Future;
use std::time::Duration;

/// Runs a future to its end, which comes within a minute.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let late = async {
        smol::Timer::after(Duration::from_secs(60)).await;
        panic!("nothing has happened for a minute");
    };
    smol::block_on(smol::future::or(future, late))
}

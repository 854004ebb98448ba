//! [`Runtime`]: what the workloads ask of a runtime that are alike on all of them, and these
//! workloads: those of files by threads that block, timers and wakes, and the laps of what is given
//! up.

use std::future::Future;
use std::io;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

pub(super) use append::append;
pub(super) use cancel::give_up;
pub(super) use copy::copy;
pub(super) use in_flight::in_flight;
pub(super) use metadata::{Names, metadata};
pub(super) use read_random::read_random;
pub(super) use read_whole::read_whole;
pub(super) use sequential::{read_sequential, write_sequential};
pub(super) use timers::timers;
pub(super) use wake::wake;

mod append;
pub(super) mod block;
mod cancel;
mod copy;
mod in_flight;
mod metadata;
mod read_random;
mod read_whole;
mod sequential;
mod timers;
mod wake;

/// A runtime: tasks, timers, and threads that may block.
pub(super) trait Runtime: Sized + 'static {
    /// A socket that the runtime watches.
    type Socket: Send;

    /// A runtime that has nothing to do yet.
    ///
    /// # Errors
    ///
    /// Those of making it.
    fn new() -> Result<Self, Failure>;

    /// Has these tasks run side by side until all have ended, and yields what they yield.
    ///
    /// # Errors
    ///
    /// That of a task.
    fn all<F, T>(&self, tasks: impl IntoIterator<Item = F>) -> Result<Vec<T>, Failure>
    where
        F: Future<Output = Result<T, Failure>> + Send + 'static,
        T: Send + 'static;

    /// Has a thread do `work` that may block.
    fn block<T: Send + 'static>(
        work: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = Result<T, Failure>> + Send;

    /// Waits for as long.
    fn sleep(duration: Duration) -> impl Future<Output = ()> + Send;

    /// Has the runtime of this task watch the socket.
    ///
    /// # Errors
    ///
    /// Those of adding it to what is watched.
    fn socket(socket: UnixStream) -> io::Result<Self::Socket>;

    /// Receives a byte; yields how many have come, and the socket.
    fn receive(
        socket: Self::Socket,
    ) -> impl Future<Output = io::Result<(usize, Self::Socket)>> + Send;
}

/// What a task of a lap takes with it, and brings back for the next one.
pub(super) struct Hand<T> {
    pub(super) stopwatch: Stopwatch,
    pub(super) has: T,
}

/// The hands of `number` tasks.
pub(super) fn hands<T>(meter: &Meter, number: u32, has: impl Fn(u32) -> T) -> Vec<Hand<T>> {
    (0..number).map(|number| Hand { stopwatch: meter.stopwatch(), has: has(number) }).collect()
}

/// A task for each of the hands; all run side by side until all have ended.
///
/// # Errors
///
/// That of a task.
pub(super) fn lap<R, F, T>(
    runtime: &R,
    meter: &mut Meter,
    hands: &mut Vec<Hand<T>>,
    task: impl Fn(Hand<T>) -> F,
) -> Result<(), Failure>
where
    R: Runtime,
    F: Future<Output = Result<Hand<T>, Failure>> + Send + 'static,
    T: Send + 'static,
{
    *hands = runtime.all(hands.drain(..).map(task))?;
    for hand in hands {
        meter.took(&mut hand.stopwatch);
    }
    Ok(())
}

//! [`Sim`]: a simulation, with its kernel, its disk and its clock.

use std::fmt;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use crate::builder::SimBuilder;
use crate::driver::SimDriver;
use crate::driver::core::Core;
use crate::faults::{Fault, Faults};
use crate::seeds::SEED_VARIABLE;

mod calls;

/// A simulation: a kernel in memory with files, pipes, sockets and timers, a clock that jumps over
/// every wait, and a driver for operations on them.
///
/// It is a handle; clones are of the same simulation. One seed is one run: the same program does
/// the same things in the same order, down to the last bit.
///
/// # Examples
///
/// ```
/// use futures::join;
/// use ringbahn_core::{Drive, event::{Position, Read, WriteAll}};
/// use ringbahn_sim::Sim;
///
/// let sim = Sim::new(42);
/// let (reader, writer) = sim.pipe()?;
/// let (read, written) = sim.block_on(async {
///     join!(
///         sim.driver().submit(Read::new(reader, vec![0; 64], Position::Current)),
///         sim.driver().submit(WriteAll::new(writer, "hello", Position::Current)),
///     )
/// });
/// written.0?;
/// assert_eq!(read.1, b"hello");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sim {
    core: Rc<Core>,
}

/// Says that the machine crashed before a future was ready. See [`Sim::run_until_crash`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crashed;

impl fmt::Display for Crashed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the simulated machine has crashed")
    }
}

impl std::error::Error for Crashed {}

impl Sim {
    /// A simulation without faults, of the usual size.
    pub fn new(seed: u64) -> Sim {
        Sim::builder(seed).build()
    }

    /// A simulation with these faults, of the usual size.
    pub fn with_faults(seed: u64, faults: Faults) -> Sim {
        Sim::builder(seed).faults(faults).build()
    }

    /// Settings for a simulation that is not of the usual size.
    pub fn builder(seed: u64) -> SimBuilder {
        SimBuilder::new(seed)
    }

    pub(crate) fn from_core(core: Rc<Core>) -> Sim {
        Sim { core }
    }

    /// The driver on which operations are submitted.
    pub fn driver(&self) -> SimDriver {
        SimDriver::new(self.core.clone())
    }

    /// The seed that the simulation was made with.
    pub fn seed(&self) -> u64 {
        self.core.seed
    }

    /// How much virtual time has passed since the simulation was made.
    pub fn now(&self) -> Duration {
        Duration::from_nanos(self.core.kernel.borrow().now)
    }

    /// Runs `future` to its end, and with it every operation of this simulation.
    ///
    /// Time goes on only while nothing can be done: then it jumps to the next moment at which
    /// something happens. It may be called from inside a future that it runs.
    ///
    /// # Panics
    ///
    /// Where `future` panics; the seed and the end of the trace are then printed. And where nothing
    /// will ever happen any more though `future` is not ready: the program waits for itself. And
    /// where the machine crashes, which it does only inside of
    /// [`run_until_crash`](Sim::run_until_crash): a call from there is a part of what crashes.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let mut future = pin!(future);
        let story = Story(self);
        let output = self.run(future.as_mut());
        std::mem::forget(story);
        output.expect("the machine has crashed, in a call from inside run_until_crash")
    }

    /// Runs `future` as [`block_on`](Sim::block_on) does, on a machine that may crash meanwhile, at
    /// a moment that is up to [`Fault::Crash`].
    ///
    /// A crash ends the program: `future` is dropped, all descriptors stand for nothing any more,
    /// and of the disk there is what was synced, and of the rest some. After that the machine runs
    /// again, and the next future finds what is left.
    ///
    /// # Errors
    ///
    /// [`Crashed`] where the machine has crashed before `future` was ready.
    ///
    /// # Panics
    ///
    /// As [`block_on`](Sim::block_on).
    pub fn run_until_crash<F: Future>(&self, future: F) -> Result<F::Output, Crashed> {
        let story = Story(self);
        self.core.kernel.borrow_mut().may_crash = true;
        let output = {
            let mut future = pin!(future);
            self.run(future.as_mut())
        };
        self.core.kernel.borrow_mut().may_crash = false;
        if output.is_none() {
            self.core.reboot();
        }
        std::mem::forget(story);
        output.ok_or(Crashed)
    }

    /// `None` where the machine has crashed.
    fn run<F: Future>(&self, mut future: Pin<&mut F>) -> Option<F::Output> {
        let core = &*self.core;
        let mut cx = Context::from_waker(&core.waker);
        let _inside = core.begin();
        loop {
            if core.alarm.take()
                && let Poll::Ready(output) = future.as_mut().poll(&mut cx)
            {
                return Some(output);
            }
            let goes_on = core.turn();
            let (crashed, misused) = {
                let mut kernel = core.kernel.borrow_mut();
                (kernel.crashed, kernel.descriptors.take_misused())
            };
            if crashed {
                return None;
            }
            assert!(
                !misused,
                "the program has written to a simulated file by a system call of its own; only \
                 operations on the simulated driver work on it"
            );
            assert!(
                goes_on,
                "the program waits for ever: no operation will end, and nobody will wake it; {}",
                self.story()
            );
        }
    }

    /// Crashes the machine, and starts it again. Operations in flight end with `EIO`, descriptors
    /// stand for nothing any more, and what was not synced is on the disk in part.
    pub fn crash(&self) {
        self.core.kernel.borrow_mut().crash();
        self.core.reboot();
    }

    /// Replaces the faults that happen from now on.
    ///
    /// A test that has let faults do their worst switches them off, and then everything must come
    /// to an end: first nothing goes wrong, then everything gets done.
    pub fn set_faults(&self, faults: Faults) {
        self.core.kernel.borrow_mut().faults = faults;
    }

    /// How often `fault` has happened so far.
    pub fn injected(&self, fault: Fault) -> u64 {
        self.core.kernel.borrow().injected[fault as usize]
    }

    /// A number below `limit` from the simulation's own source of chance, so that a program which
    /// asks here for its random choices is as reproducible as the rest.
    ///
    /// # Panics
    ///
    /// Where `limit` is 0.
    pub fn random(&self, limit: u64) -> u64 {
        self.core.kernel.borrow_mut().random.below(limit)
    }

    /// How many simulated files have a descriptor that is not closed.
    pub fn open_descriptors(&self) -> usize {
        let mut kernel = self.core.kernel.borrow_mut();
        kernel.notice_closed();
        kernel.descriptors.len()
    }

    /// How many files the kernel has: those with a descriptor, those that operations work on, and
    /// connections that nobody has accepted.
    pub fn open_files(&self) -> usize {
        let mut kernel = self.core.kernel.borrow_mut();
        kernel.notice_closed();
        kernel.open_files()
    }

    /// How many entries the kernel works on: those that have been taken, and not answered for the
    /// last time.
    pub fn running(&self) -> usize {
        self.core.kernel.borrow().running()
    }

    /// What has happened last, one line each, oldest first.
    pub fn trace(&self) -> Vec<String> {
        self.core.kernel.borrow().trace.lines()
    }

    /// A number made of all that has happened: two runs that differ in anything differ in it.
    pub fn fingerprint(&self) -> u64 {
        self.core.kernel.borrow().trace.fingerprint()
    }

    /// The seed, how to run it again, and what has happened last.
    fn story(&self) -> String {
        let seed = self.seed();
        let lines = self.trace().join("\n");
        format!(
            "this was seed {seed}, which {SEED_VARIABLE}={seed} runs again; what happened last:\n\
             {lines}"
        )
    }
}

/// Tells the story of a simulation when it is dropped: in a panic.
struct Story<'a>(&'a Sim);

impl Drop for Story<'_> {
    fn drop(&mut self) {
        use std::io::Write;
        // The kernel is not borrowed while code of the program runs, unless the panic is its own.
        let told = self.0.core.kernel.try_borrow().is_ok();
        let story = if told { self.0.story() } else { format!("seed {}", self.0.seed()) };
        // Not `eprintln`, which panics where nobody reads the standard error output.
        let _ = writeln!(std::io::stderr(), "ringbahn-sim: {story}");
    }
}

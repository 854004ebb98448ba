//! The threads of the kernel that do what cannot wait: how many, and where.

use std::io;

use ringbahn_core::Sharing;

use super::Registrar;
use crate::sys::tuning::{bind_workers, limit_workers, unbind_workers};
use crate::sys::uapi::{REGISTER_IOWQ_AFF, REGISTER_IOWQ_MAX_WORKERS, UNREGISTER_IOWQ_AFF};

/// How many threads of the kernel may do what cannot wait, for each thread that submits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct WorkerLimits {
    /// For what ends by itself, as reads and writes of files do.
    pub bounded: u32,
    /// For what may take for ever, as a splice or the opening of a FIFO does. Where all of them
    /// wait, others of that kind do not even start.
    pub unbounded: u32,
}

/// No processor has a higher number.
const PROCESSORS_MAX: usize = 1 << 16;

impl<S: Sharing> Registrar<'_, S> {
    /// How many worker threads the ring's operations may have.
    ///
    /// # Errors
    ///
    /// `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 5.15.
    pub fn worker_limits(&self) -> io::Result<WorkerLimits> {
        self.limit([0, 0])
    }

    /// Limits the worker threads, and yields what the limits were. The limits hold for all threads
    /// that submit to this ring.
    ///
    /// A low limit spares threads and memory, and can stop a program: an operation that waits for
    /// another one may be waiting for the thread that it is on.
    ///
    /// # Errors
    ///
    /// `InvalidInput` for a limit of 0; `Unsupported` with [`Lacking`](crate::Lacking), on the
    /// fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 5.15.
    pub fn limit_workers(&self, limits: WorkerLimits) -> io::Result<WorkerLimits> {
        if limits.bounded == 0 || limits.unbounded == 0 {
            let message = "each kind of operations needs one worker thread at least";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.limit([limits.bounded, limits.unbounded])
    }

    fn limit(&self, limits: [u32; 2]) -> io::Result<WorkerLimits> {
        let [bounded, unbounded] =
            self.ask(REGISTER_IOWQ_MAX_WORKERS, |ring| limit_workers(ring, limits))?;
        Ok(WorkerLimits { bounded, unbounded })
    }

    /// Has the worker threads of the calling thread run on these processors only.
    ///
    /// It holds for what the calling thread submits, to this ring and others, and for as long as it
    /// lives, or until [`unbind_workers`](Registrar::unbind_workers).
    ///
    /// # Errors
    ///
    /// `InvalidInput` for no processors, and for those that the thread may not run on;
    /// `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 5.14.
    pub fn bind_workers(&self, processors: &[usize]) -> io::Result<()> {
        let highest = processors.iter().copied().max().filter(|&highest| highest < PROCESSORS_MAX);
        let Some(highest) = highest else {
            let message = "worker threads need a processor to run on, and there is none such";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        let mut mask = vec![0_u64; highest / 64 + 1];
        for &processor in processors {
            mask[processor / 64] |= 1 << (processor % 64);
        }
        self.ask(REGISTER_IOWQ_AFF, |ring| bind_workers(ring, &mask))
    }

    /// Has the worker threads of the calling thread run where they may, as they do unless told.
    ///
    /// # Errors
    ///
    /// `Unsupported` with [`Lacking`](crate::Lacking), on the fallback, and in a forked child.
    ///
    /// # Kernel
    ///
    /// Linux 5.14.
    pub fn unbind_workers(&self) -> io::Result<()> {
        self.ask(UNREGISTER_IOWQ_AFF, unbind_workers)
    }
}

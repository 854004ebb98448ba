//! [`Snapshot`]: what this process has used up so far, and [`Used`], what it has between two.

use std::fs;
use std::time::{Duration, Instant};

use perf_event::events::Tracepoint;
use perf_event::{Builder, Counter};
use rustix::time::{ClockId, clock_gettime};

use super::contender::{Backend, Failure};
use super::processors;
use crate::allocations;

/// Where the kernel tells the number of the tracepoint through which every system call goes.
const PLACES: [&str; 2] = [
    "/sys/kernel/tracing/events/raw_syscalls/sys_enter/id",
    "/sys/kernel/debug/tracing/events/raw_syscalls/sys_enter/id",
];

/// Counts the system calls of this process, with those of the threads that it starts afterwards.
///
/// Each counted call is dearer by some 100 ns, so a process that counts them is not timed.
pub(crate) struct SystemCalls(Counter);

impl SystemCalls {
    /// Begins to count.
    ///
    /// # Errors
    ///
    /// Whatever the kernel says to somebody who may not count: for all but root,
    /// `/proc/sys/kernel/perf_event_paranoid` must be below 0.
    pub(crate) fn begin() -> Result<SystemCalls, Failure> {
        let number = PLACES.iter().find_map(|place| fs::read_to_string(place).ok());
        let number = number.ok_or("the kernel does not show its tracepoints here")?;
        let event = Tracepoint::with_id(number.trim().parse()?);
        let mut counter = Builder::new(event).include_kernel().inherit(true).build()?;
        counter.enable()?;
        Ok(SystemCalls(counter))
    }
}

/// What this process has used up so far.
pub(crate) struct Snapshot {
    wall: Instant,
    processor: Duration,
    busy: Option<Duration>,
    allocations: u64,
    system_calls: Option<u64>,
}

/// What the process has used up between two snapshots.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Used {
    pub(crate) wall: Duration,
    pub(crate) processor: Duration,
    /// How long others have run on the processor of this process, if it stays on one.
    pub(crate) others: Duration,
    pub(crate) allocations: u64,
    pub(crate) system_calls: Option<u64>,
}

impl Snapshot {
    pub(crate) fn take(system_calls: Option<&mut SystemCalls>) -> Snapshot {
        Snapshot {
            allocations: allocations::so_far(),
            system_calls: system_calls.and_then(|calls| calls.0.read().ok()),
            busy: processors::own().and_then(processors::busy),
            processor: processor(),
            wall: Instant::now(),
        }
    }

    pub(crate) fn until(&self, later: &Snapshot) -> Used {
        let processor = later.processor.saturating_sub(self.processor);
        let busy = later.busy.zip(self.busy).map_or(processor, |(later, busy)| later - busy);
        Used {
            wall: later.wall - self.wall,
            processor,
            others: busy.saturating_sub(processor),
            allocations: later.allocations - self.allocations,
            system_calls: later.system_calls.zip(self.system_calls).map(|(then, now)| then - now),
        }
    }
}

/// How long all threads of this process have run, those of the kernel that work for its rings
/// included: the same counts as in their `schedstat`, with those of threads that have ended.
fn processor() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32)
}

/// How many bytes of the memory of this process are in RAM: to the page, where `status` is wrong by
/// some hundred kilobytes, since each processor counts for itself.
///
/// # Errors
///
/// `/proc` cannot be read.
pub(crate) fn resident() -> Result<u64, Failure> {
    let summary = fs::read_to_string("/proc/self/smaps_rollup")?;
    let line = summary.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
    Ok(kibibytes.ok_or("the kernel does not tell how large a process is")?.parse::<u64>()? << 10)
}

/// By what means this process does its work, by the descriptors that it has.
///
/// # Errors
///
/// `/proc` cannot be read.
pub(crate) fn backend() -> Result<Backend, Failure> {
    let mut found = Backend::Calls;
    for entry in fs::read_dir("/proc/self/fd")? {
        // The one of this very loop may be gone.
        let Ok(target) = fs::read_link(entry?.path()) else { continue };
        match target.to_str() {
            Some("anon_inode:[io_uring]") => return Ok(Backend::IoUring),
            Some("anon_inode:[eventpoll]") => found = Backend::Epoll,
            _ => {}
        }
    }
    Ok(found)
}

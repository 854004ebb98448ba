//! Which processors there are, who stays on which, and what others did on them meanwhile.

use std::fs;
use std::io;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// The processor of those who are measured, and the one of the load. `None` with one processor.
///
/// # Errors
///
/// The kernel does not tell.
pub(crate) fn pair() -> io::Result<Option<(usize, usize)>> {
    Ok(match allowed()?.as_slice() {
        [first, .., last] => Some((*first, *last)),
        _ => None,
    })
}

/// The only processor that this process may run on; `None` if there are several.
pub(crate) fn own() -> Option<usize> {
    match allowed().ok()?.as_slice() {
        [own] => Some(*own),
        _ => None,
    }
}

fn allowed() -> io::Result<Vec<usize>> {
    let allowed = sched_getaffinity(None)?;
    Ok((0..CpuSet::MAX_CPU).filter(|&processor| allowed.is_set(processor)).collect())
}

/// Has this thread, and those that it starts, stay on a processor.
///
/// # Errors
///
/// There is no such processor for this process.
pub(crate) fn stay_on(processor: usize) -> io::Result<()> {
    let mut one = CpuSet::new();
    one.set(processor);
    Ok(sched_setaffinity(None, &one)?)
}

/// How long programs have run on a processor since the machine started, to 10 ms, together with
/// what another machine on the same hardware has taken away.
pub(crate) fn busy(processor: usize) -> Option<Duration> {
    let statistics = fs::read_to_string("/proc/stat").ok()?;
    let name = format!("cpu{processor} ");
    let line = statistics.lines().find_map(|line| line.strip_prefix(&name))?;
    let ticks: Vec<u64> = line.split_whitespace().map_while(|field| field.parse().ok()).collect();
    // User, nice, system and stolen. Interrupts are not told by whom they are for.
    let busy: u64 = [0, 1, 2, 7].iter().filter_map(|&field| ticks.get(field)).sum();
    Some(Duration::from_millis(busy * 10))
}

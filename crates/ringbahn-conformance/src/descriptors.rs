//! The descriptors of the process, counted exactly.

use std::collections::BTreeMap;
use std::fs;
use std::thread;
use std::time::{Duration, Instant};

/// What is open: each number with what it leads to.
pub(crate) type Open = BTreeMap<i32, String>;

/// How long nothing happens once a driver that was used before is gone.
const QUIET: Duration = Duration::from_millis(20);

/// The descriptors that are open now, without the one that is needed to look.
pub(crate) fn open() -> Open {
    let Ok(entries) = fs::read_dir("/proc/self/fd") else { return Open::new() };
    let numbers = entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let numbers: Vec<i32> = numbers.collect();
    let target = |number: i32| {
        let link = fs::read_link(format!("/proc/self/fd/{number}")).ok()?;
        Some((number, link.display().to_string()))
    };
    numbers.into_iter().filter_map(target).collect()
}

/// Waits until exactly what was open `before` is open, or says what else is.
pub(crate) fn await_same(before: Open, patience: Duration) -> Result<(), String> {
    let end = Instant::now() + patience;
    loop {
        let now = open();
        if now == before {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(difference(&before, &now));
        }
        // sleep: paces the looking; a ring may be closed by a thread of its driver.
        thread::sleep(Duration::from_micros(100));
    }
}

/// Waits until no descriptor has been opened or closed for a while, or until `patience` is at its
/// end: so that what was there before the first case is not counted in it.
pub(crate) fn settle(patience: Duration) {
    let end = Instant::now() + patience;
    let mut known = (open(), Instant::now());
    while known.1.elapsed() < QUIET && Instant::now() < end {
        // sleep: paces the looking.
        thread::sleep(Duration::from_millis(1));
        let now = open();
        if now != known.0 {
            known = (now, Instant::now());
        }
    }
}

fn difference(before: &Open, now: &Open) -> String {
    let without = |these: &Open, those: &Open| {
        let others = these.iter().filter(|(number, target)| those.get(number) != Some(target));
        others.map(|(number, target)| format!("{number} ({target})")).collect::<Vec<_>>().join(", ")
    };
    let (left, gone) = (without(now, before), without(before, now));
    match (left.is_empty(), gone.is_empty()) {
        (false, true) => format!("descriptors left open: {left}"),
        (true, _) => format!("descriptors closed that are not the driver's: {gone}"),
        (false, false) => format!("descriptors left open: {left}; others closed: {gone}"),
    }
}

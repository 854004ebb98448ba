//! [`Deadlines`]: timers by hand, one heap for all of them.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::{Duration, Instant};

use crate::laboratory::case::Timers;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// Timers, the earliest first.
#[derive(Default)]
struct Deadlines(BinaryHeap<Reverse<(Instant, u32)>>);

impl Deadlines {
    fn arm(&mut self, deadline: Instant, number: u32) {
        self.0.push(Reverse((deadline, number)));
    }

    /// Takes out those that are due, and tells how long it is until the next; `None` if it was the
    /// last.
    fn fire(&mut self, mut each: impl FnMut(u32)) -> Option<Duration> {
        let now = Instant::now();
        while let Some(&Reverse((deadline, number))) = self.0.peek() {
            if deadline > now {
                return Some(deadline - now);
            }
            self.0.pop();
            each(number);
        }
        None
    }
}

/// Does the workload of timers, where `wait` waits for so long, or less.
pub(super) fn timers(
    case: &Timers,
    meter: &mut Meter,
    mut wait: impl FnMut(Duration) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut deadlines = Deadlines::default();
    let mut fired = vec![false; case.armed as usize];
    while meter.goes_on() {
        fired.fill(false);
        for number in 0..case.armed {
            deadlines.arm(Instant::now() + Timers::duration(number), number);
        }
        while let Some(time) = deadlines.fire(|number| fired[number as usize] = true) {
            wait(time)?;
        }
        if fired.contains(&false) {
            return Err("a timer has not fired".into());
        }
        meter.did(u64::from(case.armed));
    }
    Ok(())
}

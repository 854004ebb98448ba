//! What a driver costs while nothing happens: processor time is measured, not time.

use std::io::Write as _;
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{Position, Read};

use crate::canary::Canary;
use crate::home::{Home, end, home, pending};
use crate::scene::pipe;

const IDLE: Duration = Duration::from_secs(1);
/// One in a hundred.
const USED_MAX: Duration = Duration::from_millis(10);
/// What the beginning of the wait and its end may take.
const ENTERS_MAX: u64 = 4;

/// How much time all threads of this process have run.
fn processor_time() -> Duration {
    // SAFETY: all-zero bytes are a valid `timespec`.
    let mut time: libc::timespec = unsafe { std::mem::zeroed() };
    // SAFETY: `time` is a place to write to.
    let got = unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    assert_eq!(got, 0);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn sleeps<H: Home>(test: &str) {
    let Some(home) = home::<H>(test, 4, 8) else { return };
    let (reader, mut writer) = pipe();
    let read = pending(&home, Read::new(reader, Canary::new(), Position::Current));
    let meter = thread::spawn(move || {
        // sleep: whatever was under way comes to rest.
        thread::sleep(Duration::from_millis(100));
        let before = processor_time();
        // sleep: the time that is measured.
        thread::sleep(IDLE);
        let used = processor_time() - before;
        writer.write_all(b"x").unwrap();
        used
    });
    let before = home.counters().enters;
    let (count, buffer) = home.run(read);
    let enters = home.counters().enters - before;
    assert_eq!((count.unwrap(), buffer.filled()), (1, &b"x"[..]));
    let used = meter.join().unwrap();
    assert!(used < USED_MAX, "{used:?} in {IDLE:?} of nothing");
    assert!(enters <= ENTERS_MAX, "{enters} enters while nothing happened");
    end(&home);
}

on_every_driver!(a_driver_that_waits_uses_less_than_a_hundredth_of_a_processor, sleeps);

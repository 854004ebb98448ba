//! How long a thread waits in a ring, and by which clock.

use std::io::{self, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::thread;
use std::time::{Duration, Instant};

use futures::future::join_all;
use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Clock, Deadline, Drive, Local};
use ringbahn_drivers::{LocalDriver, Policy, Queues, Reason, Setup, WaitClock};

use crate::local::{end, in_time};
use crate::scene::{pipe, shared as file};
use crate::{known, there_is};

/// How many reads are gathered.
const COUNT: usize = 32;
const SHORT: Duration = Duration::from_millis(5);

fn queues(test: &str, setup: Setup) -> Option<Queues<Local>> {
    there_is(test, setup.policy(Policy::Require).build_local().map_err(io::Error::from))
}

/// The wait ends because its time has run out, and not before.
#[track_caller]
fn times_out(wait: impl FnOnce() -> io::Result<u32>) {
    let begin = Instant::now();
    assert_eq!(wait().unwrap_err().raw_os_error(), Some(libc::ETIME));
    assert!(begin.elapsed() >= SHORT);
}

#[test]
fn waits_end_in_time_whatever_they_wait_for() {
    let test = "waits_end_in_time_whatever_they_wait_for";
    for setup in [Setup::new(4), Setup::new(4).registered_waits(true)] {
        let Some(Queues { handle, .. }) = queues(test, setup) else { continue };
        times_out(|| handle.enter_timeout(1, SHORT));
        times_out(|| handle.enter_gathering(3, SHORT / 2, Some(SHORT)));
        for clock in [Clock::Monotonic, Clock::Boottime] {
            times_out(|| handle.enter_until(1, Deadline::after(clock, SHORT)));
        }
    }
    let fallback = Setup::new(4).registered_waits(true).policy(Policy::Never);
    let handle = fallback.build_local().unwrap().handle;
    times_out(|| handle.enter_timeout(1, SHORT));
    times_out(|| handle.enter_gathering(3, SHORT / 2, Some(SHORT)));
    times_out(|| handle.enter_until(1, Deadline::after(Clock::Monotonic, SHORT)));
}

#[test]
fn waits_are_measured_by_the_clock_that_was_set() {
    let test = "waits_are_measured_by_the_clock_that_was_set";
    let Some(Queues { handle, .. }) = queues(test, Setup::new(4)) else { return };
    for clock in [WaitClock::Boottime, WaitClock::Monotonic] {
        let Some(()) = known(test, handle.registrar().set_clock(clock)) else { return };
        times_out(|| handle.enter_timeout(1, SHORT));
        for clock in [Clock::Monotonic, Clock::Boottime] {
            times_out(|| handle.enter_until(1, Deadline::after(clock, SHORT)));
        }
    }
}

#[test]
fn a_ring_that_threads_share_has_no_place_for_the_argument_of_a_wait() {
    let setup = Setup::new(4).registered_waits(true).policy(Policy::Require);
    let unavailable = setup.build().unwrap_err();
    assert_eq!(unavailable.reason(), Reason::Contradiction);
    let text = unavailable.to_string();
    let named = ["Setup::registered_waits", "Setup::build", "6.13"];
    assert!(named.iter().all(|name| text.contains(name)), "{text}");
}

fn gathering(test: &str, completions: u32, time: Duration) -> Option<LocalDriver> {
    let builder = LocalDriver::builder().entries(64).gather(completions, time);
    there_is(test, builder.serve_at_once(false).policy(Policy::Require).build())
}

/// What never becomes several is there after the shortest time.
#[test]
fn who_gathers_more_than_comes_goes_on_all_the_same() {
    let test = "who_gathers_more_than_comes_goes_on_all_the_same";
    in_time(move || {
        let Some(driver) = gathering(test, 8, Duration::from_millis(1)) else { return };
        let (near, mut far) = UnixStream::pair().unwrap();
        let echo = thread::spawn(move || {
            let mut byte = [0; 1];
            while far.read(&mut byte).unwrap() > 0 {
                far.write_all(&byte).unwrap();
            }
        });
        let near = file(near);
        driver.block_on(async {
            for number in 0..50_u8 {
                let write =
                    ringbahn_core::event::Write::new(near.clone(), vec![number], Position::Current);
                driver.clone().submit(write).await.0.unwrap();
                let read = Read::new(near.clone(), vec![0; 1], Position::Current);
                let (count, byte) = driver.clone().submit(read).await;
                assert_eq!((count.unwrap(), byte), (1, vec![number]));
            }
        });
        drop(near);
        echo.join().unwrap();
        end(&driver);
    });
}

#[test]
fn who_gathers_is_woken_less_often() {
    let test = "who_gathers_is_woken_less_often";
    in_time(move || {
        // More than a machine with better things to do makes of it.
        let Some(driver) = gathering(test, COUNT as u32, Duration::from_secs(10)) else { return };
        let Some(Queues { handle, .. }) = queues(test, Setup::new(1)) else { return };
        if !handle.gathers() {
            return crate::skip::skip(test, "the kernel is older than 6.12");
        }
        let (readers, writers): (Vec<_>, Vec<_>) = (0..COUNT).map(|_| pipe()).unzip();
        let reads = readers
            .into_iter()
            .map(|reader| driver.clone().submit(Read::new(reader, [0; 1], Position::Current)));
        let one_by_one = thread::spawn(move || {
            for mut writer in writers {
                // sleep: without gathering each write ends a sleep; nothing orders by it.
                thread::sleep(Duration::from_millis(2));
                writer.write_all(b"x").unwrap();
            }
        });
        let reads = driver.block_on(join_all(reads));
        assert!(reads.into_iter().all(|(count, _)| count.unwrap() == 1));
        one_by_one.join().unwrap();
        // One to sleep, and a few to submit and to look.
        let enters = driver.counters().enters;
        assert!(enters <= COUNT as u64 / 4, "{enters} calls for {COUNT} reads");
        end(&driver);
    });
}

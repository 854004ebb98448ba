//! `block_on` of local drivers: again and again, one inside another, and many on one thread.
#![allow(unsafe_code)]

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use async_executor::LocalExecutor;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes};
use ringbahn_drivers::{LocalDriver, Policy, Reason, Unavailable};

#[path = "support/canary.rs"]
mod canary;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;
#[path = "support/watched.rs"]
mod watched;

use local::{end, in_time, yields};
use scene::{descriptors, pipe, shared};
use watched::Watched;

const MOMENT: Duration = Duration::from_millis(1);

fn limit(resource: libc::__rlimit_resource_t, most: u64) {
    let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::setrlimit(resource, &raw const limit) }, 0);
}

/// Becomes a user whom nobody else is, where this process is root: limits do not count for root.
fn become_nobody_else() {
    // SAFETY: the call names no memory.
    if unsafe { libc::geteuid() } == 0 {
        let number = 200_000 + std::process::id();
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setgid(number) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setuid(number) }, 0);
    }
}

/// Descriptors stay as many, locked memory comes back, and so do the 16 places that a thread has
/// for the short names of its rings.
#[test]
fn a_thousand_drivers_come_and_go_on_one_thread() {
    let test = "a_thousand_drivers_come_and_go_on_one_thread";
    scene::in_child(test, || {
        become_nobody_else();
        // A small part of what a thousand rings take, and enough for those that a busy kernel has
        // not freed yet.
        limit(libc::RLIMIT_MEMLOCK, 2 << 20);
        let before = descriptors();
        for round in 0..1000 {
            let driver = local::driver(test, 8, 16).unwrap();
            for _ in 0..2 {
                driver.block_on(driver.clone().submit(Nop)).unwrap();
            }
            if round % 4 == 0 {
                // The bell is in flight when it goes.
                let timer = Timeout::new(Duration::from_micros(50));
                driver.block_on(driver.clone().submit(timer)).unwrap();
            }
            if round % 5 == 0 {
                end(&driver);
            }
            drop(driver);
            assert_eq!(descriptors(), before);
        }
    });
}

#[test]
fn twenty_drivers_on_one_thread_do_not_get_in_each_others_way() {
    let test = "twenty_drivers_on_one_thread_do_not_get_in_each_others_way";
    in_time(move || {
        let Some(first) = local::driver(test, 1, 2) else { return };
        let mut drivers = vec![first];
        drivers.extend((1..20).map(|_| local::driver(test, 1, 2).unwrap()));
        for round in 0..3_u8 {
            for driver in &drivers {
                let (reader, mut writer) = pipe();
                let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
                scene::start(&mut read);
                writer.write_all(&[round]).unwrap();
                let (count, buffer) = driver.block_on(read);
                assert_eq!((count.unwrap(), buffer), (1, [round]));
                driver.block_on(driver.clone().submit(Timeout::new(MOMENT))).unwrap();
            }
        }
        drivers.iter().for_each(|driver| assert_eq!(end(driver).leaked, 0));
    });
}

/// Runs a future of each driver inside that of the one before.
fn inside_each_other(drivers: &[LocalDriver]) -> usize {
    let [driver, others @ ..] = drivers else { return 0 };
    driver.block_on(async {
        driver.clone().submit(Timeout::new(MOMENT)).await.unwrap();
        let inner = inside_each_other(others);
        driver.clone().submit(Timeout::new(MOMENT)).await.unwrap();
        yields().await;
        inner + 1
    })
}

#[test]
fn drivers_may_run_inside_each_other() {
    let test = "drivers_may_run_inside_each_other";
    in_time(move || {
        let Some(one) = local::driver(test, 1, 2) else { return };
        let Some(two) = local::driver(test, 1, 2) else { return };
        // Also the same one, several times.
        let all = [one.clone(), two.clone(), one.clone(), one.clone(), two.clone()];
        assert_eq!(inside_each_other(&all), 5);
        let many: Vec<_> = (0..20).map(|_| local::driver(test, 1, 2).unwrap()).collect();
        assert_eq!(inside_each_other(&many), 20);
        many.iter().chain([&one, &two]).for_each(|driver| assert_eq!(end(driver).leaked, 0));
    });
}

/// The inner future ends by what the outer one has begun, and the outer one is woken for what has
/// ended meanwhile.
#[test]
fn operations_of_the_outer_future_go_on_inside_the_inner_one() {
    let test = "operations_of_the_outer_future_go_on_inside_the_inner_one";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        driver.block_on(async {
            let (reader, mut writer) = pipe();
            let mut outer = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
            assert!(local::poll_once(Pin::new(&mut outer)).await.is_pending());
            driver.block_on(async {
                writer.write_all(&[7]).unwrap();
                driver.clone().submit(Timeout::new(MOMENT)).await.unwrap();
            });
            assert_eq!(driver.counters().in_flight, 0);
            assert_eq!(outer.await.1, [7]);
        });
        end(&driver);
    });
}

#[test]
fn a_future_that_never_sleeps_sees_operations_end() {
    let test = "a_future_that_never_sleeps_sees_operations_end";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        for _ in 0..20 {
            let (reader, mut writer) = pipe();
            let mut read = driver.clone().submit(Read::new(reader, [0; 1], Position::Current));
            driver.block_on(async {
                assert!(local::poll_once(Pin::new(&mut read)).await.is_pending());
                yields().await;
                // From another thread, so that nothing of this one runs into it.
                let other = thread::spawn(move || writer.write_all(&[7]).unwrap());
                while local::poll_once(Pin::new(&mut read)).await.is_pending() {
                    yields().await;
                }
                other.join().unwrap();
            });
        }
        // Each look costs a system call only where the kernel says that there is something.
        let before = driver.counters().enters;
        driver.block_on(async {
            for _ in 0..1000 {
                yields().await;
            }
        });
        assert_eq!(driver.counters().enters, before);
        end(&driver);
    });
}

#[test]
fn what_a_future_leaves_behind_is_submitted_and_what_it_drops_is_cancelled_at_once() {
    let test = "what_a_future_leaves_behind_is_submitted_and_what_it_drops_is_cancelled_at_once";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, writer) = io::pipe().unwrap();
        let mut own = reader.try_clone().unwrap();
        let reader = shared(reader);
        let read = || {
            let event = Read::new(reader.clone(), Watched::new(&ends), Position::Current);
            driver.clone().submit(event)
        };
        let mut reads: Vec<_> = (0..10).map(|_| read()).collect();
        driver.block_on(async {
            for read in &mut reads {
                assert!(local::poll_once(Pin::new(read)).await.is_pending());
            }
        });
        // More than the queue has room for, in the last poll.
        driver.block_on(async { drop(reads) });
        assert_eq!(ends.load(Ordering::SeqCst), 10, "they wait for another call");
        assert_eq!(driver.counters().in_flight, 0);

        // Outside of any call, too.
        let mut reads: Vec<_> = (0..10).map(|_| read()).collect();
        reads.iter_mut().for_each(scene::start);
        drop(reads);
        assert_eq!(ends.load(Ordering::SeqCst), 20);
        let event = ringbahn_core::event::Write::new(shared(writer), [7; 1], Position::Current);
        let mut write = driver.clone().submit(event);
        driver.block_on(async { drop(local::poll_once(Pin::new(&mut write)).await) });
        let mut byte = [0];
        assert_eq!(io::Read::read(&mut own, &mut byte).unwrap(), 1);
        end(&driver);
        canary::inspect();
    });
}

/// Goes round for ever.
struct Endless;

impl Event for Endless {
    type Output = ();

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(Sqe::nop());
    }

    fn complete(self, _outcome: Outcome<'_, Self>) {}

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        true
    }
}

#[test]
fn what_goes_round_for_ever_leaves_room_for_cancels_and_others() {
    let test = "what_goes_round_for_ever_leaves_room_for_cancels_and_others";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let ends = Arc::new(AtomicUsize::new(0));
        let (reader, _writer) = pipe();
        let mut endless: Vec<_> = (0..3).map(|_| driver.clone().submit(Endless)).collect();
        let event = Read::new(reader, Watched::new(&ends), Position::Current);
        let mut read = driver.clone().submit(event);
        driver.block_on(async {
            assert!(local::poll_once(Pin::new(&mut read)).await.is_pending());
            for endless in &mut endless {
                assert!(local::poll_once(Pin::new(endless)).await.is_pending());
            }
            yields().await;
            drop(read);
            for _ in 0..100 {
                yields().await;
            }
            assert_eq!(ends.load(Ordering::SeqCst), 1, "its cancel has found no room");
            driver.clone().submit(Nop).await.unwrap();
        });
        drop(endless);
        end(&driver);
    });
}

#[test]
fn tasks_of_an_executor_run_on_a_driver_of_one_entry() {
    let test = "tasks_of_an_executor_run_on_a_driver_of_one_entry";
    in_time(move || {
        let Some(driver) = local::driver(test, 1, 2) else { return };
        let executor = LocalExecutor::new();
        let tasks: Vec<_> = (0..200_u8)
            .map(|number| {
                let driver = driver.clone();
                executor.spawn(async move {
                    let (reader, writer) = io::pipe().unwrap();
                    let read =
                        driver.clone().submit(Read::new(shared(reader), [0; 1], Position::Current));
                    let event = ringbahn_core::event::Write::new(
                        shared(writer),
                        [number; 1],
                        Position::Current,
                    );
                    let write = driver.clone().submit(event);
                    driver.clone().submit(Timeout::new(MOMENT)).await.unwrap();
                    let (read, _) = futures::future::join(read, write).await;
                    read.1[0]
                })
            })
            .collect();
        let sum = driver.block_on(executor.run(async {
            let mut sum = 0_u32;
            for task in tasks {
                sum += u32::from(task.await);
            }
            sum
        }));
        assert_eq!(sum, (0..200).sum());
        end(&driver);
    });
}

fn unavailable() -> Unavailable {
    let error = LocalDriver::builder().policy(Policy::Require).build().unwrap_err();
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<Unavailable>());
    inner.unwrap_or_else(|| panic!("not a typed error: {error}")).clone()
}

#[test]
fn a_driver_that_cannot_be_built_says_why_and_leaves_no_descriptor() {
    let test = "a_driver_that_cannot_be_built_says_why_and_leaves_no_descriptor";
    scene::in_child(test, || {
        // Places for the ring's descriptor, and then for the ring's only.
        let before = descriptors();
        for free in [0, 1] {
            limit_descriptors(lowest_free() + free);
            let unavailable = unavailable();
            assert_eq!(unavailable.reason(), Reason::DescriptorLimit, "{unavailable}");
            limit_descriptors(1024);
            assert_eq!(descriptors(), before);
        }
        let driver = local::driver(test, 1, 2).unwrap();
        driver.block_on(driver.clone().submit(Nop)).unwrap();
        drop(driver);

        become_nobody_else();
        limit(libc::RLIMIT_MEMLOCK, 0);
        match LocalDriver::new() {
            Ok(_) => skip::skip(test, "no limit of locked memory for rings"),
            Err(_) => assert_eq!(self::unavailable().reason(), Reason::LockedMemory),
        }
        assert_eq!(descriptors(), before);
    });
}

/// The number that the next descriptor gets.
fn lowest_free() -> u64 {
    std::os::fd::AsRawFd::as_raw_fd(&std::fs::File::open("/dev/null").unwrap()) as u64
}

fn limit_descriptors(most: u64) {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur = most;
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}

//! More than fits in: nobody enters who could wake those that wait for room.

use ringbahn_core::Drive;
use ringbahn_core::event::{EventExt, Nop};

use crate::driven::{self, end, until_idle};
use crate::driver;
use crate::scene::{run, start};

#[test]
fn as_many_as_fit_and_more_all_complete() {
    for (entries, completions) in [(1, 2), (4, 4)] {
        let test = "as_many_as_fit_and_more_all_complete";
        let Some(driver) = driver(test, entries, completions) else { return };
        driven::more_than_fit_all_complete(&driver, 40);
        assert!(driver.counters().overflows > 0, "40 completions fit into {completions} places");
        end(&driver);
    }
}

#[test]
fn who_waits_for_room_is_woken_by_nobody_but_the_helper() {
    let test = "who_waits_for_room_is_woken_by_nobody_but_the_helper";
    for (entries, completions) in [(1, 2), (2, 2)] {
        let Some(driver) = driver(test, entries, completions) else { return };
        driven::who_waits_for_room_is_woken(&driver);
        end(&driver);
    }
}

#[test]
fn threads_that_compete_for_one_place_all_get_it() {
    let test = "threads_that_compete_for_one_place_all_get_it";
    let Some(driver) = driver(test, 1, 2) else { return };
    driven::threads_do_thousands(&driver, 3, 200);
    end(&driver);
}

#[test]
fn who_is_dropped_while_it_waits_for_room_never_starts() {
    let test = "who_is_dropped_while_it_waits_for_room_never_starts";
    let Some(driver) = driver(test, 1, 2) else { return };
    let mut accepted = 0;
    for _ in 0..1000 {
        let mut first = driver.clone().submit(Nop);
        let mut second = driver.clone().submit(Nop);
        let _ = crate::scene::poll_once(std::pin::Pin::new(&mut first));
        let _ = crate::scene::poll_once(std::pin::Pin::new(&mut second));
        for nop in [first, second] {
            // What is not in flight has either been told to wait for room, or has ended.
            accepted += u64::from(nop.is_in_flight());
        }
    }
    until_idle(&driver);
    let counters = driver.counters();
    assert!(counters.submitted >= accepted, "{counters:?}");
    assert_eq!(counters.submitted + counters.full_queue_waits, 2000, "{counters:?}");
    end(&driver);
}

#[test]
fn a_pair_longer_than_the_queue_is_refused() {
    let Some(driver) = driver("a_pair_longer_than_the_queue_is_refused", 1, 2) else { return };
    let (first, second) = run(driver.clone().submit(Nop.link(Nop)));
    assert_eq!(first.unwrap_err().kind(), std::io::ErrorKind::InvalidInput);
    assert_eq!(second.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    let (reader, _writer) = crate::scene::pipe();
    let mut read = driven::read(&driver, &reader);
    start(&mut read);
    assert!(run(read.cancel()).is_cancelled());
    end(&driver);
}

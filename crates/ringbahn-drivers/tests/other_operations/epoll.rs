//! Sets of epoll, changed and waited for.

use std::io::{ErrorKind, Write as _};
use std::num::NonZeroU16;

use ringbahn_core::event::{EpollCtl, EpollInterest, EpollReady, EpollWait, Interest};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_drivers::SharedDriver;
use rustix::event::epoll;

use crate::on_both;
use crate::scene::{pipe, run, shared, start};

fn set() -> SharedFd {
    shared(epoll::create(epoll::CreateFlags::CLOEXEC).unwrap())
}

fn wait(set: &SharedFd) -> EpollWait {
    EpollWait::new(set.clone(), NonZeroU16::new(4).unwrap())
}

fn change(driver: &SharedDriver, event: std::io::Result<EpollCtl>) -> std::io::Result<()> {
    run(driver.clone().submit(event.unwrap()))
}

fn data(told: &[EpollReady]) -> Vec<u64> {
    let mut data: Vec<u64> = told.iter().map(|it| it.data).collect();
    data.sort_unstable();
    data
}

#[test]
fn a_set_tells_of_the_files_that_were_added_to_it() {
    on_both("a_set_tells_of_the_files_that_were_added_to_it", (6, 15), |driver| {
        let set = set();
        let [(first, mut to_first), (second, mut to_second)] = [pipe(), pipe()];
        for (file, number) in [(&first, 1), (&second, u64::MAX)] {
            let add = || EpollCtl::add(set.clone(), file.clone(), Interest::READABLE, number);
            change(driver, add()).unwrap();
            assert_eq!(change(driver, add()).unwrap_err().kind(), ErrorKind::AlreadyExists);
        }
        let mut waiting = driver.clone().submit(wait(&set));
        start(&mut waiting);
        to_first.write_all(b"x").unwrap();
        let told = run(waiting).unwrap();
        assert_eq!(data(&told), [1]);
        assert!(told[0].ready.is_readable() && !told[0].ready.is_hung_up());
        to_second.write_all(b"x").unwrap();
        assert_eq!(data(&run(driver.clone().submit(wait(&set))).unwrap()), [1, u64::MAX]);
        change(driver, EpollCtl::remove(set.clone(), first.clone())).unwrap();
        let gone = change(driver, EpollCtl::remove(set.clone(), first)).unwrap_err();
        assert_eq!(gone.kind(), ErrorKind::NotFound);
        assert_eq!(data(&run(driver.clone().submit(wait(&set))).unwrap()), [u64::MAX]);
    });
}

#[test]
fn what_is_told_once_is_told_again_when_it_is_changed() {
    on_both("what_is_told_once_is_told_again_when_it_is_changed", (6, 15), |driver| {
        let set = set();
        let (file, mut writer) = pipe();
        let once = EpollInterest::from(Interest::READABLE).one_shot();
        change(driver, EpollCtl::add(set.clone(), file.clone(), once, 1)).unwrap();
        writer.write_all(b"x").unwrap();
        assert_eq!(data(&run(driver.clone().submit(wait(&set))).unwrap()), [1]);
        let mut waiting = driver.clone().submit(wait(&set));
        start(&mut waiting);
        // The file stays open: a set forgets one that is closed.
        change(driver, EpollCtl::modify(set.clone(), file.clone(), once, 2)).unwrap();
        assert_eq!(data(&run(waiting).unwrap()), [2]);
        // And what waits for what never comes is called off.
        let mut cancelled = driver.clone().submit(wait(&set));
        start(&mut cancelled);
        assert!(run(cancelled.cancel()).is_cancelled());
    });
}

#[test]
fn what_is_no_set_is_refused() {
    on_both("what_is_no_set_is_refused", (6, 15), |driver| {
        let (file, _writer) = pipe();
        let error = run(driver.clone().submit(wait(&file))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    });
}

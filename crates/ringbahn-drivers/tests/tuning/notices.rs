//! Eventfds that rings write to.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use ringbahn_core::Drive;
use ringbahn_core::event::Nop;
use ringbahn_drivers::Notify;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

use crate::scene::{end, run};
use crate::{known, shared};

fn new() -> OwnedFd {
    eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).unwrap()
}

fn is_readable(file: impl AsFd) -> bool {
    let mut files = [PollFd::new(&file, PollFlags::IN)];
    poll(&mut files, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).unwrap() > 0
}

#[test]
fn an_eventfd_is_told_of_completions_until_it_is_taken_back() {
    let test = "an_eventfd_is_told_of_completions_until_it_is_taken_back";
    let Some(driver) = shared(test) else { return };
    let eventfd = new();
    let kept = eventfd.try_clone().unwrap();
    let Some(notice) = known(test, driver.registrar().notify(eventfd, Notify::All)) else { return };
    assert!(!is_readable(&notice));
    run(driver.clone().submit(Nop)).unwrap();
    assert!(is_readable(&notice));
    let error = driver.registrar().notify(new(), Notify::All).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ResourceBusy);
    drop(notice);
    rustix::io::read(&kept, &mut [0_u8; 8]).unwrap();
    run(driver.clone().submit(Nop)).unwrap();
    assert!(!is_readable(&kept));
    drop(driver.registrar().notify(new(), Notify::All).unwrap());
    end(&driver);
}

#[test]
fn what_completes_within_its_call_is_not_late() {
    let test = "what_completes_within_its_call_is_not_late";
    let Some(driver) = shared(test) else { return };
    let Some(notice) = known(test, driver.registrar().notify(new(), Notify::Late)) else { return };
    run(driver.clone().submit(Nop)).unwrap();
    assert!(!is_readable(&notice));
    end(&driver);
}

#[test]
fn other_descriptors_are_told_of_nothing() {
    let test = "other_descriptors_are_told_of_nothing";
    let Some(driver) = shared(test) else { return };
    let null = OwnedFd::from(File::open("/dev/null").unwrap());
    let error = driver.registrar().notify(null, Notify::All).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}

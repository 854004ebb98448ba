//! Rings that take only what they are restricted to.

use std::fs::File;
use std::io;

use ringbahn_core::event::{Fsync, Nop, Position, Read, Write};
use ringbahn_core::{Drive, opcode};
use ringbahn_drivers::{
    LocalDriver, Policy, Reason, Restrictions, Setup, Unavailable, registration,
};

use crate::local::in_time;
use crate::scene::{end, run, shared as file};
use crate::{local_with, shared_with};

fn reads() -> Restrictions {
    Restrictions::new().allow_operation(opcode::READ)
}

#[test]
fn what_is_not_named_is_refused_by_the_kernel() {
    let test = "what_is_not_named_is_refused_by_the_kernel";
    let Some(driver) = shared_with(test, |setup| setup.restrict(reads())) else { return };
    let zero = file(File::open("/dev/zero").unwrap());
    let read = Read::new(zero.clone(), vec![1; 4], Position::Current);
    assert_eq!(run(driver.clone().submit(read)).0.unwrap(), 4);
    run(driver.clone().submit(Nop)).unwrap();
    let (result, _) = run(driver.clone().submit(Write::new(zero.clone(), "x", Position::Current)));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    let result = run(driver.clone().submit(Fsync::new(zero)));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    end(&driver);
}

#[test]
fn what_may_be_registered_has_to_be_named_as_well() {
    let test = "what_may_be_registered_has_to_be_named_as_well";
    let restricted = reads().allow_registration(registration::IOWQ_MAX_WORKERS);
    let Some(driver) = shared_with(test, |setup| setup.restrict(restricted)) else { return };
    driver.registrar().worker_limits().unwrap();
    let error = driver.registrar().register_personality().unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
    assert!(error.to_string().contains("allow_registration"), "{error}");
    end(&driver);
}

#[test]
fn a_driver_of_one_thread_is_restricted_and_can_be_woken() {
    let test = "a_driver_of_one_thread_is_restricted_and_can_be_woken";
    in_time(move || {
        let Some(driver) = local_with(test, |setup| setup.restrict(reads())) else { return };
        let (sender, receiver) = futures::channel::oneshot::channel();
        let thread = std::thread::spawn(move || sender.send(7).unwrap());
        assert_eq!(driver.block_on(receiver).unwrap(), 7);
        thread.join().unwrap();
        let null = file(File::open("/dev/null").unwrap());
        let result = driver.block_on(driver.clone().submit(Fsync::new(null)));
        assert_eq!(result.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        crate::local::end(&driver);
    });
}

#[test]
fn a_driver_that_needs_more_says_what() {
    let restrict = |setup: Setup| setup.restrict(Restrictions::new());
    let error = LocalDriver::builder().setup(restrict).build().unwrap_err();
    let unavailable = error.get_ref().unwrap().downcast_ref::<Unavailable>().unwrap();
    assert_eq!(unavailable.reason(), Reason::Contradiction);
    let text = error.to_string();
    assert!(text.contains("Setup::restrict") && text.contains("allow_operation"), "{text}");
}

#[test]
fn the_fallback_does_not_pretend_to_be_restricted() {
    let setup = Setup::new(4).restrict(reads()).policy(Policy::Never);
    let unavailable = setup.build().unwrap_err();
    assert_eq!(unavailable.reason(), Reason::Contradiction);
    assert!(unavailable.to_string().contains("the fallback"), "{unavailable}");
}

#[test]
fn flags_may_be_restricted_too() {
    use ringbahn_core::event::EventExt as _;

    let test = "flags_may_be_restricted_too";
    let restricted = Restrictions::new().allow_flags_only(0);
    let Some(driver) = shared_with(test, |setup| setup.restrict(restricted)) else { return };
    run(driver.clone().submit(Nop)).unwrap();
    let (first, second) = run(driver.clone().submit(Nop.link(Nop)));
    assert_eq!(first.unwrap_err().kind(), io::ErrorKind::PermissionDenied);
    assert!(second.is_err());
    end(&driver);
}

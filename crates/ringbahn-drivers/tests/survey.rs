//! The survey of a machine, and of machines that forbid one thing or another.
#![cfg(not(loom))]
#![allow(unsafe_code)]

use ringbahn_drivers::survey::{
    Advice, Capability, NoZeroCopyReceive, Obstacle, Standing, Weight, zero_copy_receive,
};
use ringbahn_drivers::{Reason, Setup, Survey};

#[path = "support/filter.rs"]
mod filter;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{descriptors, in_child, threads, until};

/// How many of the smallest rings the limit of locked memory has room for. What the kernel counts
/// for rings is shown nowhere, so they are made.
fn rings_that_fit() -> usize {
    let mut rings = Vec::new();
    while let Ok(ring) = Setup::new(1).build() {
        rings.push(ring);
        assert!(rings.len() < 1000, "there is no limit of locked memory");
    }
    rings.len()
}

fn most_important(survey: &Survey) -> Advice {
    survey.advice().first().cloned().expect("something is missing")
}

fn are_all(table: &[Capability], standing: Standing) -> bool {
    !table.is_empty() && table.iter().all(|capability| capability.standing == standing)
}

#[test]
fn a_survey_leaves_no_descriptor_and_no_thread_behind() {
    let test = "a_survey_leaves_no_descriptor_and_no_thread_behind";
    in_child(test, || {
        let before = (descriptors(), threads());
        for _ in 0..3 {
            assert_eq!(Survey::take().unwrap().unavailable, None);
            assert_eq!(descriptors(), before.0);
            // A thread that has been joined is listed until the kernel is done with it.
            until("the threads are gone", || threads() == before.1);
        }
    });
}

#[test]
fn surveys_in_a_row_leave_no_locked_memory_behind() {
    let test = "surveys_in_a_row_leave_no_locked_memory_behind";
    // SAFETY: the call names no memory.
    if unsafe { libc::geteuid() } != 0 {
        return skip::skip(test, "not root, and so not alone with the limit");
    }
    in_child(test, || {
        become_nobody_else();
        limit_locked_memory(64 << 10);
        let standings = || {
            let survey = Survey::take().unwrap();
            assert_eq!(survey.unavailable, None);
            assert_eq!(most_important(&survey).weight, Weight::Lack);
            assert!(most_important(&survey).what.contains("RLIMIT_MEMLOCK is 64 KiB"));
            let flags = survey.setup_flags.iter();
            flags.map(|flag| flag.standing).collect::<Vec<_>>()
        };
        let before = rings_that_fit();
        let first = standings();
        for _ in 0..20 {
            assert_eq!(standings(), first);
        }
        assert!(before > 0);
        assert_eq!(rings_that_fit(), before);
    });
}

#[test]
fn without_locked_memory_the_survey_says_so_and_tests_nothing() {
    let test = "without_locked_memory_the_survey_says_so_and_tests_nothing";
    in_child(test, || {
        become_nobody_else();
        limit_locked_memory(0);
        let survey = Survey::take().unwrap();
        let Some(unavailable) = &survey.unavailable else {
            return skip::skip(test, "no limit of locked memory for rings");
        };
        assert_eq!(unavailable.reason(), Reason::LockedMemory);
        assert_eq!(survey.limits.locked_memory.soft, Some(0));
        assert!(are_all(&survey.setup_flags, Standing::Untested(None)));
        let advice = most_important(&survey);
        assert_eq!(advice.weight, Weight::Fatal);
        assert!(advice.change.contains("ulimit -l"), "{advice:?}");
    });
}

#[test]
fn a_forbidden_setup_is_blamed_on_the_filter() {
    in_child("a_forbidden_setup_is_blamed_on_the_filter", || {
        filter::forbid(filter::SETUP, libc::EPERM);
        let survey = Survey::take().unwrap();
        let reason = survey.unavailable.as_ref().unwrap().reason();
        assert_eq!(reason, Reason::Blocked);
        let standings: Vec<_> = survey.system_calls.iter().map(|call| call.standing).collect();
        let refused = Standing::Refused(libc::EPERM);
        assert_eq!(standings, [refused, Standing::Works, Standing::Works]);
        assert!(are_all(&survey.opcodes, Standing::Untested(None)));
        let advice = most_important(&survey);
        assert_eq!(advice.weight, Weight::Fatal);
        assert!(advice.change.contains("seccomp"), "{advice:?}");
        // Where the kernel's own switch is on, that is what to turn first.
        let switched_off = survey.limits.io_uring_disabled.is_some_and(|mode| mode != 0);
        let blamed = advice.change.contains("there is a seccomp filter here");
        assert!(blamed || switched_off, "{advice:?}");
    });
}

#[test]
fn a_forbidden_enter_is_found_out_though_rings_can_be_made() {
    in_child("a_forbidden_enter_is_found_out_though_rings_can_be_made", || {
        filter::forbid(filter::ENTER, libc::EPERM);
        let survey = Survey::take().unwrap();
        assert_eq!(survey.unavailable.as_ref().unwrap().reason(), Reason::Blocked);
        let standings: Vec<_> = survey.system_calls.iter().map(|call| call.standing).collect();
        let refused = Standing::Refused(libc::EPERM);
        assert_eq!(standings, [Standing::Works, refused, Standing::Works]);
    });
}

#[test]
fn a_forbidden_register_is_a_lack_and_nothing_else_is() {
    in_child("a_forbidden_register_is_a_lack_and_nothing_else_is", || {
        let before = descriptors();
        let whole = Survey::take().unwrap();
        filter::forbid(filter::REGISTER, libc::EPERM);
        let survey = Survey::take().unwrap();
        assert_eq!(survey.unavailable, None);
        let refused = Standing::Refused(libc::EPERM);
        assert_eq!(survey.system_calls[2].standing, refused);
        assert!(are_all(&survey.register_operations, refused));
        assert!(are_all(&survey.opcodes, Standing::Untested(Some(libc::EPERM))));
        // Also the ring that only a register call can take down is gone, with its thread.
        assert_eq!(survey.setup_flags, whole.setup_flags);
        assert_eq!(descriptors(), before);
        let about: Vec<_> = survey.advice().into_iter().map(|advice| advice.what).collect();
        let said = about.iter().filter(|what| what.contains("io_uring_register"));
        assert_eq!(said.count(), 1, "{about:?}");
    });
}

/// Becomes a user whom nobody else is, where this process is root: limits do not count for root.
fn become_nobody_else() {
    // SAFETY: the call names no memory.
    if unsafe { libc::geteuid() } != 0 {
        return;
    }
    let number = 200_000 + std::process::id();
    // SAFETY: the call names no memory.
    assert_eq!(unsafe { libc::setgid(number) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setuid(number) }, 0);
}

fn limit_locked_memory(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: bytes };
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) }, 0);
}

/// What there is in the way of a zero-copy receive, unless the kernel does not have it at all.
fn obstacle(test: &str, interface: &str, queue: u32) -> Option<NoZeroCopyReceive> {
    let refusal = zero_copy_receive(interface, queue).expect_err("no card can do it here");
    if matches!(refusal.obstacle(), Obstacle::KernelTooOld | Obstacle::NoRing) {
        skip::skip(test, &refusal.to_string());
        return None;
    }
    Some(refusal)
}

#[test]
fn a_zero_copy_receive_is_refused_with_what_it_takes() {
    let test = "a_zero_copy_receive_is_refused_with_what_it_takes";
    in_child(test, || {
        let before = descriptors();
        let Some(loopback) = obstacle(test, "lo", 0) else { return };
        if loopback.obstacle() == Obstacle::NotPermitted {
            return skip::skip(test, "it takes the capability CAP_NET_ADMIN");
        }
        // There is no card behind it.
        assert_eq!(loopback.obstacle(), Obstacle::Card, "{loopback}");
        assert!(loopback.hint().contains("lo has no card"), "{loopback}");
        let error = std::io::Error::from(loopback);
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
        assert!(error.get_ref().unwrap().is::<NoZeroCopyReceive>());
        for missing in ["no such interface", "../lo", ""] {
            let refusal = zero_copy_receive(missing, 0).unwrap_err();
            assert_eq!(refusal.obstacle(), Obstacle::NoInterface, "{missing:?}");
        }
        assert_eq!(descriptors(), before);
    });
}

#[test]
fn a_zero_copy_receive_is_not_for_everybody() {
    let test = "a_zero_copy_receive_is_not_for_everybody";
    in_child(test, || {
        become_nobody_else();
        let Some(refusal) = obstacle(test, "lo", 0) else { return };
        assert_eq!(refusal.obstacle(), Obstacle::NotPermitted, "{refusal}");
        assert!(refusal.hint().contains("CAP_NET_ADMIN"));
        assert_eq!(std::io::Error::from(refusal).kind(), std::io::ErrorKind::PermissionDenied);
    });
}

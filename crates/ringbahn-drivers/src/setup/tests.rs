//! Tests of setup: on the kernel, and on kernels that refuse more than this one does.

use super::*;
use crate::testing::build;
use crate::unavailable::Reason;

fn refused(errno: i32) -> io::Result<OwnedFd> {
    Err(io::Error::from_raw_os_error(errno))
}

fn with_call(setup: Setup, call: SetupCall) -> Setup {
    Setup { call, ..setup }
}

fn goes_round(queues: &mut Queues, times: u32) {
    for _ in 0..times {
        queues.round_trip().expect("a NOP goes through");
        assert_eq!(queues.handle.unsubmitted(), 0);
        assert!(queues.completion.is_empty());
    }
    assert_eq!((queues.handle.dropped_count(), queues.handle.overflow_count()), (0, 0));
}

#[test]
fn each_flag_is_given_up_in_turn_and_the_ring_still_works() {
    fn without<const FLAGS: u32>(entries: u32, params: &mut Params) -> io::Result<OwnedFd> {
        if params.flags & FLAGS != 0 { refused(libc::EINVAL) } else { setup(entries, params) }
    }
    const RUNGS: [u32; 4] = LADDER;
    const BELOW: [SetupCall; 4] = [
        without::<{ RUNGS[0] }>,
        without::<{ RUNGS[0] | RUNGS[1] }>,
        without::<{ RUNGS[0] | RUNGS[1] | RUNGS[2] }>,
        without::<{ RUNGS[0] | RUNGS[1] | RUNGS[2] | RUNGS[3] }>,
    ];
    let mut refused = 0;
    for (call, rung) in BELOW.into_iter().zip(LADDER) {
        refused |= rung;
        let setup = with_call(Setup::new(4).completion_entries(16), call);
        let Some(mut queues) =
            build("each_flag_is_given_up_in_turn_and_the_ring_still_works", setup)
        else {
            return;
        };
        assert_eq!(queues.handle.setup_flags() & refused, 0);
        let cqes = if refused & SETUP_CQSIZE == 0 { 16 } else { 8 };
        assert_eq!(queues.handle.completion_entries(), cqes);
        goes_round(&mut queues, 20);
    }
}

#[test]
fn a_kernel_that_refuses_everything_is_no_endless_loop() {
    let setup = with_call(Setup::new(4).completion_entries(8), |_, _| refused(libc::EINVAL));
    let unavailable = setup.build().unwrap_err();
    assert_eq!(unavailable.reason(), Reason::Other);
    assert_eq!(unavailable.raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn every_errno_of_setup_gives_its_reason() {
    let reason = |call: SetupCall| with_call(Setup::new(8), call).build().unwrap_err().reason();
    assert_eq!(reason(|_, _| refused(libc::EPERM)), Reason::Blocked);
    assert_eq!(reason(|_, _| refused(libc::ENOSYS)), Reason::Missing);
    assert_eq!(reason(|_, _| refused(libc::ENOMEM)), Reason::LockedMemory);
    assert_eq!(reason(|_, _| refused(libc::EMFILE)), Reason::DescriptorLimit);
}

#[test]
fn a_kernel_without_a_needed_feature_is_too_old() {
    let Some(_) = build("a_kernel_without_a_needed_feature_is_too_old", Setup::new(1)) else {
        return;
    };
    let old = with_call(Setup::new(8), |entries, params| {
        let fd = setup(entries, params)?;
        params.features &= !FEAT_EXT_ARG;
        Ok(fd)
    });
    assert_eq!(old.build().unwrap_err().reason(), Reason::KernelTooOld);
}

#[test]
fn short_memory_makes_the_ring_smaller_and_not_smaller_than_needed() {
    fn up_to_16(entries: u32, params: &mut Params) -> io::Result<OwnedFd> {
        if entries > 16 { refused(libc::ENOMEM) } else { setup(entries, params) }
    }
    let setup = with_call(Setup::new(100).completion_entries(512), up_to_16);
    let Some(mut queues) =
        build("short_memory_makes_the_ring_smaller_and_not_smaller_than_needed", setup)
    else {
        return;
    };
    assert_eq!(queues.submission.capacity(), 16);
    assert_eq!(queues.handle.completion_entries(), 64);
    goes_round(&mut queues, 40);

    let mut sizes = Vec::new();
    let mut shrunk = Setup::new(50);
    while shrunk.halve() {
        sizes.push(shrunk.entries);
    }
    assert_eq!(sizes, [32, 16, 8]);
    assert!(!Setup::new(4).halve());
}

#[test]
fn sizes_are_rounded_up_clamped_and_never_zero() {
    for (entries, wanted) in [(0, 1), (1, 1), (3, 4)] {
        let Some(queues) =
            build("sizes_are_rounded_up_clamped_and_never_zero", Setup::new(entries))
        else {
            return;
        };
        assert_eq!(queues.submission.capacity(), wanted);
    }
    let Some(queues) = build("sizes_are_rounded_up_clamped_and_never_zero", Setup::new(u32::MAX))
    else {
        return;
    };
    let capacity = queues.submission.capacity(); // Where locked memory is short, less.
    assert!((ENTRIES_MIN..=ENTRIES_MAX).contains(&capacity));
    let Some(queues) =
        build("sizes_are_rounded_up_clamped_and_never_zero", Setup::new(8).completion_entries(1))
    else {
        return;
    };
    assert_eq!(queues.handle.completion_entries(), 8);
    assert!(Setup::new(u32::MAX).clamp(false).build().is_err());
    assert!(Setup::new(65_536).clamp(false).completion_entries(1).build().is_err());
}

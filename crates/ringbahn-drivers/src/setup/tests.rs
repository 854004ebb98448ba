//! Tests of setup: on the kernel, and on kernels that refuse more than this one does.

use super::*;
use crate::sys::uapi::{
    SETUP_ATTACH_WQ, SETUP_COOP_TASKRUN, SETUP_DEFER_TASKRUN, SETUP_IOPOLL, SETUP_NO_SQARRAY,
    SETUP_R_DISABLED, SETUP_SINGLE_ISSUER, SETUP_SQ_AFF, SETUP_SUBMIT_ALL, SETUP_TASKRUN_FLAG,
};
use crate::testing::build;
use crate::unavailable::Reason;

fn refused(errno: i32) -> io::Result<OwnedFd> {
    Err(io::Error::from_raw_os_error(errno))
}

fn goes_round<S: Sharing>(queues: &mut Queues<S>, times: u32) {
    for _ in 0..times {
        queues.round_trip().expect("a NOP goes through");
        assert_eq!(queues.handle.unsubmitted(), 0);
        assert!(queues.completion.is_empty());
    }
    assert_eq!((queues.handle.dropped_count(), queues.handle.overflow_count()), (0, 0));
}

/// A kernel that refuses `FLAGS`.
fn without<const FLAGS: u32>(entries: u32, params: &mut Params) -> io::Result<OwnedFd> {
    if params.flags & FLAGS != 0 { refused(libc::EINVAL) } else { setup(entries, params) }
}

#[test]
fn each_flag_is_given_up_in_turn_and_the_ring_still_works() {
    const RUNGS: &[(u32, u32)] = SHARED.ladder;
    const BELOW: [SetupCall; 5] = [
        without::<{ RUNGS[0].0 }>,
        without::<{ RUNGS[0].0 | RUNGS[1].0 }>,
        without::<{ RUNGS[0].0 | RUNGS[1].0 | RUNGS[2].0 }>,
        without::<{ RUNGS[0].0 | RUNGS[1].0 | RUNGS[2].0 | RUNGS[3].0 }>,
        without::<{ RUNGS[0].0 | RUNGS[1].0 | RUNGS[2].0 | RUNGS[3].0 | RUNGS[4].0 }>,
    ];
    assert_eq!(BELOW.len(), RUNGS.len());
    let mut refused = 0;
    for (call, rung) in BELOW.into_iter().zip(RUNGS) {
        refused |= rung.0;
        let setup = Setup::new(4).completion_entries(16).with_call(call);
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
fn a_ring_interrupts_its_submitters_only_where_that_is_asked_for() {
    let test = "a_ring_interrupts_its_submitters_only_where_that_is_asked_for";
    let flags = |setup: Setup| Some(build(test, setup)?.handle.setup_flags());
    let Some(usual) = flags(Setup::new(4)) else { return };
    let old = flags(Setup::new(4).with_call(without::<SETUP_COOP_TASKRUN>)).unwrap();
    let asked_for = flags(Setup::new(4).interrupting(true)).unwrap();
    assert_eq!(old & SETUP_COOP_TASKRUN, 0);
    assert_eq!(usual, asked_for | SETUP_COOP_TASKRUN);
    assert_eq!(asked_for & SETUP_COOP_TASKRUN, 0);
}

/// What kernels older and older refuse of a ring for one thread, and what it then has left.
#[test]
fn a_ring_for_one_thread_works_on_older_and_older_kernels() {
    const SINCE_6_6: u32 = SETUP_NO_SQARRAY;
    const SINCE_6_1: u32 = SINCE_6_6 | SETUP_DEFER_TASKRUN;
    const SINCE_6_0: u32 = SINCE_6_1 | SETUP_SINGLE_ISSUER;
    const SINCE_5_19: u32 = SINCE_6_0 | SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG;
    const SINCE_5_18: u32 = SINCE_5_19 | SETUP_SUBMIT_ALL;
    const ALWAYS: u32 = SETUP_R_DISABLED | SETUP_CLAMP | SETUP_CQSIZE;
    const COOPERATIVE: u32 = SETUP_COOP_TASKRUN | SETUP_TASKRUN_FLAG;
    let kernels: [(SetupCall, u32); 6] = [
        (setup, LOCAL.flags),
        (without::<SINCE_6_6>, LOCAL.flags & !SETUP_NO_SQARRAY),
        (without::<SINCE_6_1>, SETUP_SINGLE_ISSUER | COOPERATIVE | SETUP_SUBMIT_ALL),
        (without::<SINCE_6_0>, COOPERATIVE | SETUP_SUBMIT_ALL),
        (without::<SINCE_5_19>, SETUP_SUBMIT_ALL),
        (without::<SINCE_5_18>, 0),
    ];
    for (call, left) in kernels {
        let setup = Setup::new(4).completion_entries(16).with_call(call);
        let queues = match setup.build_local() {
            Ok(queues) => queues,
            Err(unavailable) => {
                let test = "a_ring_for_one_thread_works_on_older_and_older_kernels";
                crate::testing::skip(test, &unavailable);
                return;
            }
        };
        assert_eq!(queues.handle.setup_flags(), left | ALWAYS);
        goes_round(&mut { queues }, 20);
    }
}

/// The registration of a ring's descriptor keeps the ring, and a thread has 16 places for them.
#[test]
fn rings_for_one_thread_come_and_go_and_there_may_be_many() {
    let make = || Setup::new(1).build_local();
    if let Err(unavailable) = make() {
        crate::testing::skip(
            "rings_for_one_thread_come_and_go_and_there_may_be_many",
            &unavailable,
        );
        return;
    }
    for _ in 0..40 {
        goes_round(&mut make().unwrap(), 2);
    }
    let mut many: Vec<_> = (0..20).map(|_| make().unwrap()).collect();
    many.iter_mut().for_each(|queues| goes_round(queues, 2));
}

#[test]
fn a_kernel_that_refuses_everything_is_no_endless_loop() {
    let setup = Setup::new(4).completion_entries(8).with_call(|_, _| refused(libc::EINVAL));
    let unavailable = setup.build().unwrap_err();
    assert_eq!(unavailable.reason(), Reason::Other);
    assert_eq!(unavailable.raw_os_error(), Some(libc::EINVAL));
}

#[test]
fn every_errno_of_setup_gives_its_reason() {
    let reason = |call: SetupCall| Setup::new(8).with_call(call).build().unwrap_err().reason();
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
    let old = Setup::new(8).with_call(|entries, params| {
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
    let setup = Setup::new(100).completion_entries(512).with_call(up_to_16);
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

/// Sends NOPs round as any driver does, and leaves the queue of a kernel thread time to empty.
fn goes_round_polled(queues: &mut Queues, refused: u32) {
    assert_eq!(queues.handle.setup_flags() & refused, 0);
    for _ in 0..20 {
        queues.round_trip().expect("a NOP goes through");
        assert!(queues.completion.is_empty());
    }
    assert_eq!((queues.handle.dropped_count(), queues.handle.overflow_count()), (0, 0));
}

#[test]
fn a_ring_that_is_polled_works_on_older_kernels() {
    const SINCE_6_6: u32 = SETUP_NO_SQARRAY;
    const SINCE_5_18: u32 = SINCE_6_6 | SETUP_SUBMIT_ALL;
    const KERNELS: [(SetupCall, u32); 3] =
        [(setup, 0), (without::<SINCE_6_6>, SINCE_6_6), (without::<SINCE_5_18>, SINCE_5_18)];
    let test = "a_ring_that_is_polled_works_on_older_kernels";
    for (call, refused) in KERNELS {
        let setup = || Setup::new(4).completion_entries(16).with_call(call);
        let thread = KernelThread { idle_ms: 1, ..KernelThread::NONE };
        let built = [setup().build_sqpoll(thread), setup().build_iopoll(false)];
        for (queues, by_thread) in built.into_iter().zip([true, false]) {
            let mut queues = match queues {
                Ok(queues) => queues,
                Err(unavailable) => return crate::testing::skip(test, &unavailable),
            };
            assert_eq!(queues.handle.polls_entries(), by_thread);
            assert_eq!(queues.handle.polls_devices(), !by_thread);
            goes_round_polled(&mut queues, refused);
        }
    }
}

#[test]
fn what_is_wished_of_a_kernel_thread_reaches_the_kernel() {
    fn expects(_entries: u32, params: &mut Params) -> io::Result<OwnedFd> {
        let flags = SETUP_SQPOLL | SETUP_SQ_AFF | SETUP_ATTACH_WQ;
        let told = (params.sq_thread_idle, params.sq_thread_cpu, params.wq_fd);
        assert!(params.flags & flags == flags && told == (7, 3, 5), "{params:?}");
        refused(libc::ENOSYS)
    }
    let thread = KernelThread { idle_ms: 7, cpu: Some(3), of: Some(5) };
    let unavailable = Setup::new(4).with_call(expects).build_sqpoll(thread).unwrap_err();
    assert_eq!(unavailable.reason(), Reason::Missing);
}

/// A kernel that lacks what was asked for beyond the usual is told apart from one that has no
/// rings at all, and what it lacks is named.
#[test]
fn what_a_kernel_lacks_of_what_was_asked_for_is_named() {
    use crate::queue::width::CompletionWidth;
    use crate::sys::uapi::{SETUP_CQE_MIXED, SETUP_CQE32, SETUP_NO_MMAP};

    let test = "what_a_kernel_lacks_of_what_was_asked_for_is_named";
    if build(test, Setup::new(1)).is_none() {
        return;
    }
    let own = |setup: Setup| setup.own_memory(RingMemory::Pages);
    let wide = |setup: Setup| setup.completion_width(CompletionWidth::Wide);
    let mixed = |setup: Setup| setup.completion_width(CompletionWidth::Mixed);
    const NEITHER: u32 = SETUP_CQE_MIXED | SETUP_NO_MMAP;
    type Asked = fn(Setup) -> Setup;
    let cases: [(SetupCall, Asked, &str); 3] = [
        (without::<SETUP_NO_MMAP>, own, "NO_MMAP (Linux 6.5)"),
        (without::<SETUP_CQE32>, wide, "CQE32 (Linux 5.19)"),
        (without::<NEITHER>, mixed, "CQE_MIXED (Linux 6.18)"),
    ];
    for (call, asked, name) in cases {
        for unavailable in [
            asked(Setup::new(4)).with_call(call).build().unwrap_err(),
            asked(Setup::new(4)).with_call(call).build_local().unwrap_err(),
        ] {
            assert_eq!(unavailable.reason(), Reason::Lacking);
            let text = unavailable.to_string();
            assert!(text.contains(name), "{text}");
        }
    }
    // It is not what was asked for that is wrong with this one.
    let refuses = own(Setup::new(4)).with_call(|_, _| refused(libc::EINVAL)).build().unwrap_err();
    assert_eq!(refuses.reason(), Reason::Other);
}

#[test]
fn a_kernel_that_is_to_sleep_before_it_asks_a_device_is_told_so() {
    use crate::sys::uapi::SETUP_HYBRID_IOPOLL;

    const BOTH: u32 = SETUP_IOPOLL | SETUP_HYBRID_IOPOLL;
    let test = "a_kernel_that_is_to_sleep_before_it_asks_a_device_is_told_so";
    let hybrid = |call| Setup::new(4).with_call(call).build_iopoll(true);
    if let Some(mut queues) = built(test, hybrid(setup)) {
        assert_eq!(queues.handle.setup_flags() & BOTH, BOTH);
        goes_round_polled(&mut queues, 0);
        let lacking = hybrid(without::<SETUP_HYBRID_IOPOLL>).unwrap_err();
        assert_eq!(lacking.reason(), Reason::Lacking);
        assert!(lacking.to_string().contains("HYBRID_IOPOLL (Linux 6.13)"), "{lacking}");
    }
}

/// A ring, or `None` and a line in the log where there is none, or none such.
fn built(test: &str, made: Result<Queues, Unavailable>) -> Option<Queues> {
    made.map_err(|unavailable| crate::testing::skip(test, &unavailable)).ok()
}

//! Setup where the machine refuses: a seccomp filter, the limits of memory and of descriptors.
//!
//! One test, in a process of its own, because limits belong to the process. Filters and user ids
//! belong to the thread, so each case spends a thread.
#![cfg(not(loom))]
#![allow(unsafe_code)] // For prctl and setresuid on a thread.

use std::fs::File;
use std::io;
use std::thread;

use ringbahn_drivers::{Policy, Reason, Setup, Unavailable};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const SYS_SETUP: u32 = 425;
const SYS_ENTER: u32 = 426;

fn reason_now() -> Option<Reason> {
    Setup::new(8).policy(Policy::Require).build().err().map(|unavailable: Unavailable| {
        println!("{unavailable}");
        unavailable.reason()
    })
}

/// Makes `call` fail with `errno` on this thread, for good.
fn refuse(call: u32, errno: i32) -> io::Result<()> {
    let step = |code: u32, jt, jf, k| libc::sock_filter { code: code as u16, jt, jf, k };
    let mut program = [
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, 0, 0, 0), // The number of the call.
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 0, 1, call),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ERRNO | errno as u32),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, libc::SECCOMP_RET_ALLOW),
    ];
    let filter = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: sets a flag of this thread.
    if unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: `filter` and the program it names outlive the call, which copies them.
    match unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const filter) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn reason_where_refused(call: u32, errno: i32, wanted: Reason) {
    let thread = thread::spawn(move || refuse(call, errno).map(|()| reason_now()));
    match thread.join().expect("the thread does not panic") {
        Ok(reason) => assert_eq!(reason, Some(wanted)),
        Err(error) => println!("SKIPPED: refused({call}, {errno}): no seccomp here: {error}"),
    }
}

fn with_limit<R>(resource: Resource, soft: u64, f: impl FnOnce() -> R) -> R {
    let old = getrlimit(resource);
    let current = Some(soft);
    setrlimit(resource, Rlimit { current, ..old }).expect("a limit may be lowered");
    let result = f();
    setrlimit(resource, old).expect("a soft limit may be raised again");
    result
}

#[test]
fn every_refusal_is_told_apart() {
    match reason_now() {
        None => {}
        Some(Reason::Other) => panic!("this machine refuses for an unknown reason"),
        Some(reason) => return println!("SKIPPED: every_refusal_is_told_apart: {reason:?}"),
    }
    reason_where_refused(SYS_SETUP, libc::EPERM, Reason::Blocked);
    reason_where_refused(SYS_SETUP, libc::EACCES, Reason::Blocked);
    reason_where_refused(SYS_SETUP, libc::ENOSYS, Reason::Missing);
    // Allowed to make rings, and not to use them: found out by doing.
    reason_where_refused(SYS_ENTER, libc::EPERM, Reason::Blocked);
    reason_where_refused(SYS_ENTER, libc::ENOSYS, Reason::Missing);

    let next = File::open("/dev/null").unwrap();
    let open = std::os::fd::AsRawFd::as_raw_fd(&next) as u64;
    drop(next);
    let reason = with_limit(Resource::Nofile, open, reason_now);
    assert_eq!(reason, Some(Reason::DescriptorLimit));

    let reason = with_limit(Resource::Memlock, 0, || thread::spawn(unprivileged).join().unwrap());
    match reason {
        Some(reason) => assert_eq!(reason, Reason::LockedMemory),
        None => println!("SKIPPED: locked memory: not accounted on this kernel or for this user"),
    }
    assert_eq!(reason_now(), None, "the limits are lifted again");
}

/// The reason for a user whom the limit of locked memory concerns.
fn unprivileged() -> Option<Reason> {
    let nobody: libc::uid_t = 65_534;
    // SAFETY: the system call, unlike the function of the C library, changes this thread only.
    let returned = unsafe { libc::syscall(libc::SYS_setresuid, nobody, nobody, nobody) };
    if returned != 0 {
        println!("still the same user: {}", io::Error::last_os_error());
    }
    reason_now()
}

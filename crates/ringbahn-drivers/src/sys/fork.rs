//! [`ForkGuard`]: whether this process is still the one that made a ring, for the price of a load.
//!
//! A process has one page that the kernel wipes in every child (`MADV_WIPEONFORK`). It holds the
//! *mark* of the process, drawn from a counter in ordinary memory, which a child inherits and goes
//! on counting: no two processes of one line of descent ever have the same mark.
//!
//! | where | page | guard made by the parent | guard made here |
//! |---|---|---|---|
//! | parent | 1 | 1: not forked | 1: not forked |
//! | child, before its first guard | 0 | 1: forked | – |
//! | child, after it | 2 | 1: forked | 2: not forked |
//! | grandchild, before its first guard | 0 | 1: forked | 2: forked |
//!
//! Asking for the process id instead would cost a system call each time, and a number may come
//! again. `vfork` and `clone` with `CLONE_VM` share the memory and so are not seen; their children
//! may only `exec` anyway.
//!
//! # Safety
//!
//! F1. The page is mapped once per line of descent, is never unmapped, and is only ever used as one
//!     `AtomicU64` at its start; zero bytes are a valid one.
//!
//! F2. Until a page has been put into [`PAGE`] it is its maker's alone, who may advise or unmap it.
//!
//! F3. Without `MAP_FIXED` the kernel maps where nothing is mapped, so no memory of anybody's
//!     changes.
#![allow(unsafe_code)]

use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// The page's word, once the first guard has mapped it.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());

/// The last mark given out, in this process and those it descends from.
static LAST_MARK: AtomicU64 = AtomicU64::new(0);

/// How much is mapped: the kernel rounds it up to a page.
const PAGE_LENGTH: usize = size_of::<AtomicU64>();

/// Remembers which process made it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ForkGuard {
    word: &'static AtomicU64,
    mark: u64,
}

impl ForkGuard {
    /// A guard of this process.
    ///
    /// Takes no lock, so that a child may make one whatever the parent's other threads were doing.
    ///
    /// # Errors
    ///
    /// `OutOfMemory` where no page could be mapped, `InvalidInput` where the kernel cannot wipe one
    /// (older than 4.14).
    pub(crate) fn new() -> io::Result<ForkGuard> {
        let word = page()?;
        // Relaxed suffices throughout: a mark publishes nothing but itself, and what happened
        // before a fork has happened for the child as well.
        let candidate = LAST_MARK.fetch_add(1, Ordering::Relaxed) + 1;
        let mark = match word.compare_exchange(0, candidate, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => candidate,
            Err(mark) => mark,
        };
        Ok(ForkGuard { word, mark })
    }

    /// Whether this process is a descendant of the one that made the guard.
    #[inline]
    pub(crate) fn forked(&self) -> bool {
        // Relaxed: see `new`.
        self.word.load(Ordering::Relaxed) != self.mark
    }
}

/// The word that is wiped in children, mapped at the first call.
fn page() -> io::Result<&'static AtomicU64> {
    // Acquire: pairs with the Release half of the exchange below, before which the page was
    // mapped.
    let mut page = PAGE.load(Ordering::Acquire);
    if page.is_null() {
        let new = map_page()?;
        // Release: publishes that the page is mapped and advised. Acquire: as above.
        let exchanged =
            PAGE.compare_exchange(ptr::null_mut(), new, Ordering::AcqRel, Ordering::Acquire);
        page = match exchanged {
            Ok(_) => new,
            Err(theirs) => {
                // SAFETY: F2; this page was mapped above, and the exchange that failed kept it out.
                unsafe { libc::munmap(new.cast(), PAGE_LENGTH) };
                theirs
            }
        };
    }
    // SAFETY: F1; `page` is the one page, not null any more.
    Ok(unsafe { &*page })
}

fn map_page() -> io::Result<*mut AtomicU64> {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: F3; no address is asked for.
    let page = unsafe { libc::mmap(ptr::null_mut(), PAGE_LENGTH, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: F2; the page has just been mapped, and the advice leaves its zeros as they are.
    let returned = unsafe { libc::madvise(page, PAGE_LENGTH, libc::MADV_WIPEONFORK) };
    if returned != 0 {
        let error = io::Error::last_os_error();
        // SAFETY: F2; the page is not returned.
        unsafe { libc::munmap(page, PAGE_LENGTH) };
        return Err(error);
    }
    Ok(page.cast())
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Forks, and returns what the child returns. It may only do what a signal handler may.
    fn in_child(child: impl FnOnce() -> i32) -> i32 {
        // SAFETY: the child allocates nothing, takes no lock, and leaves by `_exit`.
        let pid = unsafe { libc::fork() };
        assert!(pid >= 0, "fork: {}", io::Error::last_os_error());
        if pid == 0 {
            let code = child();
            // SAFETY: ends the process; no destructor of the parent's state runs.
            unsafe { libc::_exit(code) };
        }
        let mut status = 0;
        // SAFETY: `status` is a valid place to write to.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        assert_eq!(waited, pid);
        assert!(libc::WIFEXITED(status), "the child was killed: {status:#x}");
        libc::WEXITSTATUS(status)
    }

    #[test]
    fn a_guard_knows_its_own_process() {
        let first = ForkGuard::new().unwrap();
        let second = ForkGuard::new().unwrap();
        assert!(!first.forked() && !second.forked());
        assert_eq!(first.mark, second.mark);
    }

    #[test]
    fn a_child_sees_the_parents_guard_as_forked_and_its_own_not() {
        let parents = ForkGuard::new().unwrap();
        let code = in_child(|| {
            if !parents.forked() {
                return 1;
            }
            let Ok(own) = ForkGuard::new() else { return 2 };
            if own.forked() || !parents.forked() { 3 } else { 0 }
        });
        assert_eq!(code, 0);
        assert!(!parents.forked());
    }

    /// The grandchild's page is wiped again; marks go on counting, so neither ancestor's comes
    /// back.
    #[test]
    fn a_grandchild_is_neither_its_parent_nor_its_grandparent() {
        let parents = ForkGuard::new().unwrap();
        for child_makes_a_guard in [false, true] {
            let code = in_child(|| {
                let childs = if child_makes_a_guard { ForkGuard::new().ok() } else { None };
                in_child(|| {
                    if !parents.forked() || childs.is_some_and(|guard| !guard.forked()) {
                        return 1;
                    }
                    let Ok(own) = ForkGuard::new() else { return 2 };
                    let all = !own.forked()
                        && parents.forked()
                        && childs.is_none_or(|guard| guard.forked());
                    if all { 0 } else { 3 }
                })
            });
            assert_eq!(code, 0);
        }
    }
}

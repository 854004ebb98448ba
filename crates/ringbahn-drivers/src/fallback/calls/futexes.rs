//! Futexes: `FUTEX_WAIT`, `FUTEX_WAITV`, `FUTEX_WAKE`.
//!
//! A wait is a call of `futex_waitv(2)` on a thread, for one word more than the entry names, by
//! which it is ended. The word of one is looked at before that, so whoever changes it later wakes
//! it.
//!
//! # Safety
//!
//! UC1. The entry's addresses are those that its opcode asks for, valid until the terminal CQE
//!     (`S1` of `ringbahn_core::Sqe`): a word, which others change as an atomic, or a list of
//!     waiters, which nobody changes.
//!
//! UC2. The kernel reads the list that `futex_waitv(2)` is given, a local, and the words named
//!     there, during the call only. Other calls are given the address of a word, which the kernel
//!     checks.
#![allow(unsafe_code)]

use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};

use libc::{c_int, c_long, timespec};
use ringbahn_core::{Sqe, opcode};

use super::told;
use crate::fallback::interrupt::Interrupt;
use crate::fallback::pool::Class;
use crate::fallback::work::{Step, Work};

/// `FUTEX2_SIZE_U32` and `FUTEX2_PRIVATE`.
const SIZE_U32: u32 = 2;
const PRIVATE: u32 = 128;
/// The most words that a call waits for.
const WORDS_MAX: usize = 128;

/// `struct futex_waitv`
#[derive(Clone, Copy)]
#[repr(C)]
struct Waiter {
    expected: u64,
    word: *const AtomicU32,
    flags: u32,
    reserved: u32,
}

/// Waits until somebody wakes one of the words, or until one has changed.
pub(super) fn wait(work: &mut Work, may_block: bool) -> Step {
    let single = work.entry.opcode() == opcode::FUTEX_WAIT;
    let waiters = if single { one(&work.entry) } else { several(&work.entry) };
    let mut waiters = match waiters {
        Ok(waiters) => waiters,
        Err(errno) => return Step::failed(errno),
    };
    let interrupt = work.interruptible();
    if !may_block {
        return if waiters.iter().any(has_changed) {
            Step::failed(libc::EAGAIN)
        } else {
            Step::Block(Class::Others)
        };
    }
    let word: *const AtomicU32 = interrupt.word();
    waiters.push(Waiter { expected: 0, word, flags: SIZE_U32 | PRIVATE, reserved: 0 });
    Step::Done(wait_for(&waiters, &interrupt))
}

/// Waits for the last of the words, which is that of `interrupt`, and the others.
fn wait_for(waiters: &[Waiter], interrupt: &Interrupt) -> i32 {
    let (first, count) = (waiters.as_ptr(), waiters.len());
    let (flags, for_ever, clock) = (0, ptr::null::<timespec>(), libc::CLOCK_MONOTONIC);
    // SAFETY: UC2.
    let returned =
        unsafe { libc::syscall(libc::SYS_futex_waitv, first, count, flags, for_ever, clock) };
    let last = count as i32 - 1;
    match told(returned) {
        // The kernel has no such call.
        error if error == -libc::ENOSYS => -libc::EOPNOTSUPP,
        index if index == last => -libc::ECANCELED,
        // The word that has changed may be the last one.
        changed if changed == -libc::EAGAIN && interrupt.is_called() => -libc::ECANCELED,
        result => result,
    }
}

fn has_changed(waiter: &Waiter) -> bool {
    // SAFETY: UC1.
    let word = unsafe { &*waiter.word };
    // Relaxed: the call that waits looks again, in the order that the kernel sees to.
    u64::from(word.load(Ordering::Relaxed)) != waiter.expected
}

/// The word of a `FUTEX_WAIT`.
fn one(entry: &Sqe) -> Result<Vec<Waiter>, i32> {
    let flags = known_flags(entry.get_fd().cast_unsigned())?;
    match mask(entry)? {
        // The call knows no masks.
        u32::MAX => {}
        _ => return Err(libc::EOPNOTSUPP),
    }
    let word = word(entry.get_address().cast_const().cast())?;
    Ok(vec![Waiter { expected: expected(entry.get_offset())?, word, flags, reserved: 0 }])
}

/// The words of a `FUTEX_WAITV`: one less than a call takes.
fn several(entry: &Sqe) -> Result<Vec<Waiter>, i32> {
    let count = entry.get_length() as usize;
    if !(1..WORDS_MAX).contains(&count) {
        return Err(libc::EINVAL);
    }
    let list = entry.get_address().cast_const().cast::<Waiter>();
    (0..count)
        .map(|index| {
            // SAFETY: UC1: the list has as many.
            let place = unsafe { list.add(index) };
            // SAFETY: UC1.
            let waiter = unsafe { place.read() };
            known_flags(waiter.flags)?;
            expected(waiter.expected)?;
            if waiter.reserved != 0 {
                return Err(libc::EINVAL);
            }
            Ok(Waiter { word: word(waiter.word)?, ..waiter })
        })
        .collect()
}

/// Wakes those who wait for a word.
pub(super) fn wake(entry: &Sqe) -> Step {
    Step::Done(wake_now(entry).unwrap_or_else(|errno| -errno))
}

fn wake_now(entry: &Sqe) -> Result<i32, i32> {
    let private = known_flags(entry.get_fd().cast_unsigned())? & PRIVATE != 0;
    let mask = mask(entry)?;
    let word = word(entry.get_address().cast_const().cast())?;
    let count = entry.get_offset();
    if count == 0 {
        // The older call wakes one then.
        return Ok(0);
    }
    let call = libc::FUTEX_WAKE_BITSET | if private { libc::FUTEX_PRIVATE_FLAG } else { 0 };
    let count = c_int::try_from(count).unwrap_or(c_int::MAX);
    let nothing = ptr::null::<timespec>();
    // SAFETY: UC2; it is told no time and no second word.
    let woken: c_long =
        unsafe { libc::syscall(libc::SYS_futex, word, call, count, nothing, nothing, mask) };
    Ok(told(woken))
}

fn known_flags(flags: u32) -> Result<u32, i32> {
    if flags & !PRIVATE == SIZE_U32 { Ok(flags) } else { Err(libc::EINVAL) }
}

fn mask(entry: &Sqe) -> Result<u32, i32> {
    u32::try_from(entry.get_address3().addr()).ok().filter(|&mask| mask != 0).ok_or(libc::EINVAL)
}

fn expected(value: u64) -> Result<u64, i32> {
    if value > u32::MAX.into() { Err(libc::EINVAL) } else { Ok(value) }
}

fn word(word: *const AtomicU32) -> Result<*const AtomicU32, i32> {
    if word.is_null() {
        return Err(libc::EFAULT);
    }
    if word.is_aligned() { Ok(word) } else { Err(libc::EINVAL) }
}

//! Drivers that come and go where a user may lock little memory.

use ringbahn_core::Drive as _;
use ringbahn_core::event::{Nop, Position, Read};

use crate::canary::{self, Canary};
use crate::home::{Home, end, home, pending};
use crate::scene::{descriptors, pipe, until};
use crate::skip;

/// What the kernel allows a user who has not asked for more.
const LOCKED_MAX: u64 = 64 << 10;
pub(crate) const ROUNDS: u32 = 50;

fn is_root() -> bool {
    // SAFETY: the call names no memory.
    unsafe { libc::geteuid() == 0 }
}

/// Becomes a user whom nobody else is, with little memory to lock. Limits do not count for root,
/// and they count for all processes of a user together, so whoever is not root cannot be sure of
/// them: then it yields `false`, with a line in the log.
pub(crate) fn become_nobody_else(test: &str) -> bool {
    if !is_root() {
        skip::skip(test, "not root, and so not alone with the limit");
        return false;
    }
    let limit = libc::rlimit { rlim_cur: LOCKED_MAX, rlim_max: LOCKED_MAX };
    // SAFETY: the place is valid.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_MEMLOCK, &raw const limit) }, 0);
    let number = 100_000 + std::process::id();
    // SAFETY: the call names no memory.
    assert_eq!(unsafe { libc::setgid(number) }, 0);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setuid(number) }, 0);
    true
}

/// The kernel gives the memory of a ring back a moment after the ring is closed.
fn do_not_use_the_limit_up<H: Home>(test: &str) {
    H::open();
    let before = descriptors();
    // There is one where memory is not short.
    let Some(first) = home::<H>(test, 16, 32) else { return };
    end(&first);
    drop(first);
    if !become_nobody_else(test) {
        return;
    }
    for round in 0..ROUNDS {
        let home = match H::make(16, 32) {
            Ok(home) => home,
            Err(error) => panic!("in round {round}: {error}"),
        };
        home.run(home.driver().submit(Nop)).unwrap();
        let (reader, _writer) = pipe();
        let read = pending(&home, Read::new(reader, Canary::new(), Position::Current));
        if round % 2 == 0 {
            end(&home);
            drop(home);
            drop(read);
        } else {
            drop(read);
            drop(home);
        }
    }
    until("all is closed", || descriptors() == before);
    canary::inspect();
}

on_every_driver!(
    drivers_made_and_ended_in_a_row_do_not_use_the_limit_of_locked_memory_up,
    do_not_use_the_limit_up
);

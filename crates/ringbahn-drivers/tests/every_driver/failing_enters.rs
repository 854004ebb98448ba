//! A driver that is shut down while its calls of the kernel fail.

use std::io;
use std::time::{Duration, Instant};

use ringbahn_core::Drive as _;
use ringbahn_core::event::{Fsync, Nop, Position, Read, Timeout};

use crate::canary::{self, Canary};
use crate::filter;
use crate::home::{Begun, Home, begin, end, home, pending, was_stopped};
use crate::scene::{pipe, shared};

const HOUR: Duration = Duration::from_secs(3600);

/// Calls fail now and then, each by itself: it takes longer, and nothing else.
fn is_only_delayed<H: Home>(test: &str) {
    let Some(home) = home::<H>(test, 2, 4) else { return };
    let (reader, _writer) = pipe();
    let new = || Read::new(reader.clone(), Canary::new(), Position::Current);
    let reads = [pending(&home, new()), pending(&home, new()), pending(&home, new())];
    let timer = pending(&home, Timeout::new(HOUR));
    let file = shared(tempfile::tempfile().unwrap());
    for _ in 0..4 {
        match begin(&home, Fsync::new(file.clone())) {
            Begun::Ended(result) => result.unwrap(),
            Begun::InFlight(mut fsync) => fsync.as_mut().detach(),
        }
    }
    let report = end(&home);
    assert_eq!(report.cancelled, 4, "{report:?}");
    for read in reads {
        assert!(was_stopped(&home.run(read).0));
    }
    assert!(was_stopped(&home.run(timer)));
    let counters = home.counters();
    // A thread of the kernel submits for those who do not enter.
    assert!(counters.failed_enters > 0 || !H::ENTERS, "{counters:#?}");
    drop(home);
    canary::inspect();
}

/// All calls fail from now on: the report says what the kernel has kept, and nobody waits for it.
fn tells_what_is_lost<H: Home>(test: &str) {
    let Some(home) = home::<H>(test, 4, 8) else { return };
    let (reader, _writer) = pipe();
    let new = || Read::new(reader.clone(), Canary::new(), Position::Current);
    let reads = [pending(&home, new()), pending(&home, new())];
    let timer = pending(&home, Timeout::new(HOUR));
    assert_eq!(home.counters().in_flight, 3);
    filter::forbid(filter::ENTER, libc::EBADF);
    let begin = Instant::now();
    let report = home.shut_down(Duration::ZERO);
    assert_eq!(report.completed, 0, "{report:?}");
    assert_eq!(report.cancelled + report.leaked, 3, "{report:?}");
    let refused = home.run(home.driver().submit(Nop)).unwrap_err();
    let is_told = refused.kind() == io::ErrorKind::NotConnected
        || refused.to_string().contains("the driver's ring is dead");
    assert!(is_told, "{refused}");
    let event = Read::new(reader.clone(), b"as it was".to_vec(), Position::Current);
    assert_eq!(home.run(home.driver().submit(event)).1, b"as it was");
    drop((reads, timer));
    drop(home);
    assert!(begin.elapsed() < Duration::from_secs(8), "it has waited for what cannot come");
    canary::inspect();
}

on_every_ring!(
    a_shutdown_that_signals_interrupt_is_only_delayed,
    is_only_delayed,
    "error=EINTR:when=2+2"
);
on_every_ring!(
    a_shutdown_while_memory_is_short_is_only_delayed,
    is_only_delayed,
    "error=ENOMEM:when=2+2"
);
on_every_ring!(a_shutdown_of_a_dead_ring_tells_what_is_lost, tells_what_is_lost);

//! What the simulated kernel does not do, and says so.

use std::io::ErrorKind;

use futures::StreamExt;
use ringbahn_core::event::{AcceptMulti, EventExt, Interest, Nop, PollMulti, TimeoutMulti};
use ringbahn_core::{Drive, Forbidden, MultiEvent};
use ringbahn_sim::{Faults, Sim, seeds};

use crate::support::{assert_nothing_left, shared};

/// A stream says once that there are none, and is at its end.
fn is_refused<M: MultiEvent>(sim: &Sim, event: M) {
    let mut stream = sim.driver().stream(event);
    let item = sim.block_on(stream.next()).expect("an item that says so");
    let Err(error) = item else { panic!("it has yielded something") };
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    assert!(error.raw_os_error().is_none(), "it does not say what to do: {error}");
    assert!(sim.block_on(stream.next()).is_none());
}

#[test]
fn streams_are_refused_with_an_error_that_says_so() {
    let sim = Sim::new(1);
    let (reader, _writer) = shared(sim.pipe().unwrap());
    is_refused(&sim, PollMulti::new(reader.clone(), Interest::READABLE));
    is_refused(&sim, AcceptMulti::new(reader));
    is_refused(&sim, TimeoutMulti::new(std::time::Duration::from_secs(1)));
    drop(_writer);
    assert_nothing_left(&sim);
}

#[test]
fn streams_are_refused_whatever_goes_wrong() {
    for seed in seeds(0..50) {
        let sim = Sim::with_faults(seed, Faults::swarm(seed));
        is_refused(&sim, TimeoutMulti::new(std::time::Duration::from_secs(1)));
        sim.set_faults(Faults::none());
        assert_nothing_left(&sim);
    }
}

#[test]
fn an_event_that_would_have_the_ring_stand_still_is_refused() {
    let sim = Sim::new(1);
    let error = sim.block_on(sim.driver().submit(Nop.drained())).unwrap_err();
    assert!(error.get_ref().is_some_and(|inner| inner.is::<Forbidden>()), "{error}");
    assert_nothing_left(&sim);
}

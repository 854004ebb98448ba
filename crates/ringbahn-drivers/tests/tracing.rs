//! What drivers tell a subscriber of `tracing`: what was short, what was used in the place of what,
//! and what was left.
#![cfg(not(loom))]
#![allow(unsafe_code)]

use std::fmt::Debug;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::StreamExt;
use futures::future::join_all;
use ringbahn_core::event::{EventExt, Nop, Position, Read, RecvMulti};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_drivers::{LocalDriver, Policy, SharedDriver};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[path = "support/filter.rs"]
mod filter;
#[path = "support/local.rs"]
mod local;
#[path = "support/scene.rs"]
mod scene;
#[path = "support/skip.rs"]
mod skip;

use scene::{pipe, poll_once, run, shared, start};

/// An event: its level and message, and its field, if it has another one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    level: Option<Level>,
    message: String,
    field: String,
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            name => self.field = format!("{name}={value:?}"),
        }
    }
}

/// Keeps the events that it is told of; or panics at each, where it is to.
#[derive(Clone, Default)]
struct Keeper {
    events: Arc<Mutex<Vec<Told>>>,
    panics: bool,
}

impl Keeper {
    fn take(&self) -> Vec<Told> {
        std::mem::take(&mut self.events.lock().unwrap())
    }
}

impl Subscriber for Keeper {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "ringbahn" && *metadata.level() <= Level::DEBUG
    }

    fn new_span(&self, _attributes: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut told = Told { level: Some(*event.metadata().level()), ..Told::default() };
        event.record(&mut told);
        self.events.lock().unwrap().push(told);
        assert!(!self.panics, "over an event");
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

fn told(level: Level, message: &str, field: &str) -> Told {
    Told { level: Some(level), message: message.to_owned(), field: field.to_owned() }
}

/// Runs `scene` with what it tells kept, on a driver with room for four entries and four CQEs.
fn kept(test: &str, keeper: &Keeper, scene: impl FnOnce(&LocalDriver)) {
    let Some(driver) = local::driver(test, 4, 4) else { return };
    tracing::subscriber::with_default(keeper.clone(), || scene(&driver));
}

#[test]
fn an_overflow_is_told_each_time() {
    let keeper = Keeper::default();
    kept("an_overflow_is_told_each_time", &keeper, |driver| {
        let nops = (0..32).map(|_| driver.clone().submit(Nop));
        driver.block_on(join_all(nops)).into_iter().for_each(Result::unwrap);
        let overflows = driver.counters().overflows;
        assert!(overflows > 0, "{:#?}", driver.counters());
        let overflow = told(Level::DEBUG, "the completion queue had overflown", "");
        assert_eq!(keeper.take(), vec![overflow; overflows as usize]);
    });
}

#[test]
fn a_subscriber_that_panics_takes_nothing_along() {
    let keeper = Keeper { panics: true, ..Keeper::default() };
    kept("a_subscriber_that_panics_takes_nothing_along", &keeper, |driver| {
        let nops = (0..32).map(|_| driver.clone().submit(Nop));
        driver.block_on(join_all(nops)).into_iter().for_each(Result::unwrap);
        local::end(driver);
        assert!(keeper.take().len() > 1);
    });
}

#[test]
fn who_waits_for_a_buffer_and_who_goes_on_is_told() {
    let keeper = Keeper::default();
    kept("who_waits_for_a_buffer_and_who_goes_on_is_told", &keeper, |driver| {
        let group = driver.buffer_group(1, 16).unwrap();
        let (near, far) = UnixDatagram::pair().unwrap();
        let mut data = Box::pin(driver.clone().stream(RecvMulti::new(shared(near), &group)));
        far.send(b"first").unwrap();
        far.send(b"second").unwrap();
        let first = driver.block_on(data.next()).unwrap().unwrap();
        let field = format!("group={}", group.id());
        local::until(driver, "it waits", || {
            assert!(poll_once(Pin::new(&mut data.next())).is_pending(), "there is no buffer");
            !keeper.events.lock().unwrap().is_empty()
        });
        let starves = told(Level::DEBUG, "all buffers of the group are out", &field);
        assert_eq!(keeper.take(), [starves]);
        drop(first);
        assert_eq!(driver.block_on(data.next()).unwrap().unwrap()[..], *b"second");
        let is_fed = told(Level::DEBUG, "a buffer of the group has come back", &field);
        assert_eq!(keeper.take(), [is_fed]);
    });
}

#[test]
fn a_shutdown_tells_what_was_in_flight() {
    let test = "a_shutdown_tells_what_was_in_flight";
    let keeper = Keeper::default();
    let (reader, _writer) = pipe();
    let read = |reader: &SharedFd| Read::new(reader.clone(), [0; 1], Position::Current);
    let ended = [told(Level::INFO, "a driver is shut down", "in_flight=2")];
    kept(test, &keeper, |driver| {
        let mut reads = [0; 2].map(|_| driver.clone().submit(read(&reader)));
        reads.iter_mut().for_each(start);
        driver.shutdown(Duration::ZERO);
        assert_eq!(keeper.take(), ended);
    });
    let Some(driver) = skip::driver(test, 4, 8) else { return };
    tracing::subscriber::with_default(keeper.clone(), || {
        let mut reads = [0; 2].map(|_| driver.clone().submit(read(&reader)));
        reads.iter_mut().for_each(start);
        let report = driver.shutdown(Duration::ZERO);
        assert_eq!(keeper.take(), ended);
        run(report);
        drop(driver.shutdown(Duration::ZERO));
        assert_eq!(keeper.take(), [], "it has been shut down before");
    });
}

#[test]
fn a_cancel_that_is_to_be_tried_again_is_told() {
    let keeper = Keeper::default();
    kept("a_cancel_that_is_to_be_tried_again_is_told", &keeper, |driver| {
        let (reader, _writer) = pipe();
        let read = || Read::new(reader.clone(), [0; 1], Position::Current);
        let mut chain = driver.clone().submit(read().link(read()));
        start(&mut chain);
        drop(chain);
        local::until_idle(driver);
        let message = "cancels came before their operations, and are tried again";
        let events = keeper.take();
        assert!(!events.is_empty());
        assert!(
            events.iter().all(|it| *it == told(Level::DEBUG, message, "count=1")),
            "{events:?}"
        );
    });
}

#[test]
fn the_fallback_is_told_with_the_reason() {
    let test = "the_fallback_is_told_with_the_reason";
    scene::in_child(test, || {
        filter::forbid(filter::SETUP, libc::EPERM);
        let keeper = Keeper::default();
        tracing::subscriber::with_default(keeper.clone(), || {
            let made = |policy| SharedDriver::builder().entries(1).policy(policy).build();
            let driver = made(Policy::Prefer).unwrap();
            let reason = format!("reason={}", driver.fallback_reason().unwrap());
            let instead = told(Level::WARN, "the fallback takes io_uring's place", &reason);
            assert_eq!(keeper.take(), [instead]);
            made(Policy::Never).unwrap();
            let asked = told(Level::INFO, "the fallback is used, as was asked for", "");
            assert_eq!(keeper.take()[..1], [asked]);
            let refused: io::Error = made(Policy::Require).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        });
    });
}

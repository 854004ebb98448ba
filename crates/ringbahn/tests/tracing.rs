//! Each operation has a span: of its event's type, inside the span of its task, with its end.

use std::collections::HashMap;
use std::fmt::Debug;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::executor::block_on;
use ringbahn::{BufResultExt, Drive, Ring, event};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

#[path = "support/support.rs"]
mod support;
use support::{driver, file, poll_once};

/// What a subscriber has been told of a span.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    name: &'static str,
    fields: Vec<(&'static str, String)>,
    parent: Option<u64>,
    closed: bool,
}

impl Told {
    fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl Visit for Told {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.push((field.name(), format!("{value:?}")));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.push((field.name(), value.to_owned()));
    }
}

/// Keeps what it is told; spans are entered on one thread.
#[derive(Default)]
struct Keeper {
    spans: Mutex<HashMap<u64, Told>>,
    entered: Mutex<Vec<u64>>,
    next: AtomicU64,
}

#[derive(Clone, Default)]
struct Shared(Arc<Keeper>);

impl Subscriber for Shared {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() != "ringbahn" || *metadata.level() == Level::TRACE
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::Relaxed) + 1;
        let mut told = Told { name: attributes.metadata().name(), ..Told::default() };
        told.parent = self.0.entered.lock().unwrap().last().copied();
        attributes.record(&mut told);
        self.0.spans.lock().unwrap().insert(id, told);
        Id::from_u64(id)
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        values.record(self.0.spans.lock().unwrap().get_mut(&span.into_u64()).unwrap());
    }

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, _event: &Event<'_>) {}

    fn enter(&self, span: &Id) {
        self.0.entered.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        assert_eq!(self.0.entered.lock().unwrap().pop(), Some(span.into_u64()));
    }

    fn try_close(&self, span: Id) -> bool {
        self.0.spans.lock().unwrap().get_mut(&span.into_u64()).unwrap().closed = true;
        true
    }
}

impl Shared {
    /// The spans of operations, in their order.
    fn operations(&self) -> Vec<Told> {
        let spans = self.0.spans.lock().unwrap();
        let mut operations: Vec<_> =
            spans.iter().filter(|(_, told)| told.name == "operation").collect();
        operations.sort_by_key(|(id, _)| **id);
        operations.into_iter().map(|(_, told)| told.clone()).collect()
    }
}

#[test]
fn an_operation_has_a_span_from_its_first_poll_to_its_output() {
    let test = "an_operation_has_a_span_from_its_first_poll_to_its_output";
    let Some(driver) = driver(test) else { return };
    let keeper = Shared::default();
    tracing::subscriber::with_default(keeper.clone(), || {
        let file = Ring::new_on_driver(file(b"hello"), driver.clone());
        let task = tracing::info_span!("task");
        let read = file.read_at(vec![0; 5], 0);
        assert!(keeper.operations().is_empty(), "it has not been polled");
        task.in_scope(|| block_on(read).both().unwrap());
        let [told] = &keeper.operations()[..] else { panic!("one operation, one span") };
        assert!(told.field("event").unwrap().contains("read::Read<"), "{told:?}");
        assert_eq!((told.field("end"), told.closed), (Some("completed"), true));
        assert_eq!(told.parent, task.id().map(|id| id.into_u64()));
    });
}

#[test]
fn the_span_says_how_an_operation_was_left() {
    let Some(driver) = driver("the_span_says_how_an_operation_was_left") else { return };
    let keeper = Shared::default();
    tracing::subscriber::with_default(keeper.clone(), || {
        let timer = || driver.clone().submit(event::Timeout::new(Duration::from_secs(3600)));
        let mut dropped = timer();
        assert!(poll_once(&mut dropped).is_pending());
        let [told] = &keeper.operations()[..] else { panic!("one operation, one span") };
        assert_eq!((told.field("end"), told.closed), (None, false));
        drop(dropped);
        let mut detached = pin!(timer());
        assert!(poll_once(&mut detached).is_pending());
        detached.as_mut().detach();
        drop(driver.shutdown(Duration::ZERO));
        block_on(timer()).unwrap_err();
        let mut restarted = pin!(driver.clone().submit(event::Nop));
        block_on(restarted.as_mut()).unwrap_err();
        Pin::as_mut(&mut restarted).restart(event::Nop);
        block_on(restarted).unwrap_err();
    });
    let ends: Vec<_> = keeper.operations();
    let ends: Vec<_> = ends.iter().map(|told| told.field("end").unwrap()).collect();
    assert_eq!(ends, ["dropped", "detached", "refused", "refused", "refused"]);
    assert!(keeper.operations().iter().all(|told| told.closed));
}

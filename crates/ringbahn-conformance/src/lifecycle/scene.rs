//! [`Scene`]: an event, and what it needs around it.

use std::any::Any;
use std::io;

use ringbahn_core::Event;

use crate::any_event::{AnyEvent, AnyOutput, output};
use crate::ledger::Ledger;
use crate::verdict::Stop;

/// In which manner an operation is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// It ends well, and soon.
    AtOnce,
    /// It waits, where operations of its kind can, until it is let go; then it ends well.
    Later,
    /// It waits, where operations of its kind can, for ever.
    Never,
    /// It ends with an error.
    Failing,
}

/// Lets an operation go on that waits.
pub(crate) type Go = Box<dyn FnOnce() -> io::Result<Box<dyn Any + Send>> + Send>;

/// Whether an output is what it should be, or the error in it.
pub(crate) type Judge<T> = fn(T) -> io::Result<bool>;

/// An event, and what it needs around it.
pub(crate) struct Scene<E: Event> {
    event: E,
    judge: Judge<E::Output>,
    /// Whether the operation waits until it is let go.
    waits: bool,
    go: Option<Go>,
    /// The other ends of what the event holds.
    kept: Box<dyn Any + Send>,
}

/// A scene, or why there is none.
pub(crate) type Staged<E> = Result<Scene<E>, Stop>;

impl<E: Event> Scene<E> {
    /// The scene of an operation that ends by itself.
    pub(crate) fn new(event: E, judge: Judge<E::Output>) -> Scene<E> {
        Scene { event, judge, waits: false, go: None, kept: Box::new(()) }
    }

    /// Keeps `other` as long as the operation.
    pub(crate) fn keeping(mut self, other: impl Any + Send) -> Scene<E> {
        self.kept = Box::new(other);
        self
    }

    /// The operation waits until `go` is called, whose value is then kept.
    pub(crate) fn waiting<T: Any + Send>(
        mut self,
        go: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> Scene<E> {
        self.waits = true;
        self.go = Some(Box::new(move || Ok(Box::new(go()?))));
        self
    }

    /// The operation waits for ever.
    pub(crate) fn waiting_for_ever(mut self) -> Scene<E> {
        self.waits = true;
        self
    }

    /// The scene with the event's type forgotten, and the event entered in `ledger`.
    pub(crate) fn forget(self, ledger: &Ledger) -> AnyScene {
        let Scene { event, judge, waits, go, kept } = self;
        let event = AnyEvent::new(ledger.enter(event));
        AnyScene { event, judge: Box::new(move |any| judge(output(any))), waits, go, kept }
    }
}

/// Whether an output of forgotten type is what it should be, or the error in it.
pub(crate) type AnyJudge = Box<dyn Fn(AnyOutput) -> io::Result<bool> + Send>;

/// A scene with its event's type forgotten.
pub(crate) struct AnyScene {
    pub(crate) event: AnyEvent,
    pub(crate) judge: AnyJudge,
    pub(crate) waits: bool,
    pub(crate) go: Option<Go>,
    pub(crate) kept: Box<dyn Any + Send>,
}

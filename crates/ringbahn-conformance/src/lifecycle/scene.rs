//! [`Scene`]: an event, and what it needs around it; [`StreamScene`], the same of a stream.

use std::any::Any;
use std::io;

use ringbahn_core::{Event, MultiEvent};

use crate::any_event::{AnyEvent, AnyOutput, output};
use crate::any_multi::AnyMulti;
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
        let event = AnyKind::Operation(AnyEvent::new(ledger.enter(event)));
        AnyScene { event, judge: Box::new(move |any| judge(output(any))), waits, go, kept }
    }
}

/// The event of a stream, and what it needs around it. Of its items the first one counts.
pub(crate) struct StreamScene<M: MultiEvent> {
    event: M,
    judge: fn(&M::Item) -> bool,
    waits: bool,
    go: Option<Go>,
    kept: Box<dyn Any + Send>,
}

/// The scene of a stream, or why there is none.
pub(crate) type StagedStream<M> = Result<StreamScene<M>, Stop>;

impl<M: MultiEvent<Item: 'static>> StreamScene<M> {
    /// The scene of a stream that yields an item by itself.
    pub(crate) fn new(event: M, judge: fn(&M::Item) -> bool) -> StreamScene<M> {
        StreamScene { event, judge, waits: false, go: None, kept: Box::new(()) }
    }

    /// As [`Scene::keeping`].
    pub(crate) fn keeping(mut self, other: impl Any + Send) -> StreamScene<M> {
        self.kept = Box::new(other);
        self
    }

    /// As [`Scene::waiting`].
    pub(crate) fn waiting<T: Any + Send>(
        mut self,
        go: impl FnOnce() -> io::Result<T> + Send + 'static,
    ) -> StreamScene<M> {
        self.waits = true;
        self.go = Some(Box::new(move || Ok(Box::new(go()?))));
        self
    }

    /// As [`Scene::waiting_for_ever`].
    pub(crate) fn waiting_for_ever(mut self) -> StreamScene<M> {
        self.waits = true;
        self
    }

    /// As [`Scene::forget`].
    pub(crate) fn forget(self, ledger: &Ledger) -> AnyScene {
        let StreamScene { event, judge, waits, go, kept } = self;
        let event = AnyKind::Stream(AnyMulti::new(event, ledger.entry()));
        let judge = move |any| Ok(judge(&output::<M::Item>(any)));
        AnyScene { event, judge: Box::new(judge), waits, go, kept }
    }
}

/// An event with its type forgotten, of either kind.
pub(crate) enum AnyKind {
    Operation(AnyEvent),
    Stream(AnyMulti),
}

/// Whether an output of forgotten type is what it should be, or the error in it.
pub(crate) type AnyJudge = Box<dyn Fn(AnyOutput) -> io::Result<bool> + Send>;

/// A scene with its event's type forgotten.
pub(crate) struct AnyScene {
    pub(crate) event: AnyKind,
    pub(crate) judge: AnyJudge,
    pub(crate) waits: bool,
    pub(crate) go: Option<Go>,
    pub(crate) kept: Box<dyn Any + Send>,
}

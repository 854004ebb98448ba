//! [`Trace`]: a span for each operation, with the feature `tracing`; nothing without it. And events
//! about what is short.
//!
//! A subscriber is foreign code: it is told of something when no lock is held, and if it panics
//! over that, nothing else is lost.

#[cfg(feature = "tracing")]
mod span {
    use tracing::field::Empty;

    use crate::panics::contain_panic;

    /// The span of an operation, from its first poll to its output.
    #[derive(Debug)]
    pub(crate) struct Trace(tracing::Span);

    impl Trace {
        pub(crate) fn new() -> Trace {
            Trace(tracing::Span::none())
        }

        /// The operation is polled: its span is opened, in the one that the task is in.
        pub(crate) fn begin<E>(&mut self) {
            if self.0.is_none() {
                let event = std::any::type_name::<E>();
                self.0 = tracing::trace_span!(target: "ringbahn", "operation", event, end = Empty);
            }
        }

        /// The operation is over for its future, in this way: its span is closed.
        pub(crate) fn end(&mut self, how: &'static str) {
            self.0.record("end", how);
            self.0 = tracing::Span::none();
        }
    }

    /// Somebody has to wait for a buffer of the group with this number.
    pub(crate) fn starves(group: u16) {
        contain_panic(|| {
            tracing::debug!(target: "ringbahn", group, "all buffers of the group are out");
        });
    }

    /// Who had to wait for a buffer of the group goes on.
    pub(crate) fn is_fed(group: u16) {
        contain_panic(|| {
            tracing::debug!(target: "ringbahn", group, "a buffer of the group has come back");
        });
    }
}

#[cfg(not(feature = "tracing"))]
mod span {
    /// No span.
    #[derive(Debug)]
    pub(crate) struct Trace;

    const _: () = assert!(size_of::<Trace>() == 0);

    impl Trace {
        pub(crate) fn new() -> Trace {
            Trace
        }

        pub(crate) fn begin<E>(&mut self) {}

        pub(crate) fn end(&mut self, _how: &'static str) {}
    }

    pub(crate) fn starves(_group: u16) {}

    pub(crate) fn is_fed(_group: u16) {}
}

pub(crate) use span::{Trace, is_fed, starves};

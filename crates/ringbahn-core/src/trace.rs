//! [`Trace`]: a span for each operation, with the feature `tracing`; nothing without it.

#[cfg(feature = "tracing")]
mod span {
    use tracing::field::Empty;

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
}

pub(crate) use span::Trace;

//! [`Task`]: a future that a local driver polls, and its output.
//!
//! # Safety
//!
//! TK1. The future of a task does not move from its first poll until it has been dropped: it lies
//!      in a cell that gives out no value, only pinned references, and behind an `Rc`, whose
//!      content stays where it is.
#![allow(unsafe_code)]

use std::any::Any;
use std::cell::{Cell, RefCell, RefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use pin_project_lite::pin_project;

use super::ready::Seat;

/// A future that a local driver polls, and its output.
pub(super) struct Task<F: Future> {
    seat: &'static Seat,
    /// The number of the set that it belongs to.
    set: u32,
    stage: RefCell<Stage<F>>,
    /// Who waits for the output.
    waiting: Cell<Option<Waker>>,
    /// Whether it has been woken while it was polled, by a `block_on` inside of it that has looked
    /// for what is ready.
    woken: Cell<bool>,
    /// Whether it is to be dropped when the poll is over.
    cancelled: Cell<bool>,
}

pin_project! {
    #[project = StagePinned]
    enum Stage<F: Future> {
        Running {
            #[pin]
            future: F,
        },
        /// With the output until somebody takes it, or what the future has panicked with.
        Ended { output: Option<Result<F::Output, Box<dyn Any + Send>>> },
    }
}

/// A task, as who polls it sees it.
pub(super) trait Run {
    /// The number of the set that it belongs to.
    fn set(&self) -> u32;

    /// Polls the future. Says whether the task is over.
    fn run(&self) -> bool;

    /// Drops the future where it stands, or as soon as its poll is over.
    fn cancel(&self);
}

/// A task, as who waits for it sees it.
pub(super) trait Join<T>: Run {
    /// The output, once. Panics where the future has, and where the output has been taken.
    fn poll_output(&self, cx: &mut Context<'_>) -> Poll<T>;

    /// The output where it is there. Panics where the future has.
    fn take_output(&self) -> Option<T>;

    /// Whether the future has been dropped.
    fn is_over(&self) -> bool;
}

impl<F: Future> Task<F> {
    pub(super) fn new(seat: &'static Seat, set: u32, future: F) -> Task<F> {
        Task {
            seat,
            set,
            stage: RefCell::new(Stage::Running { future }),
            waiting: Cell::new(None),
            woken: Cell::new(false),
            cancelled: Cell::new(false),
        }
    }

    fn pinned<'a>(stage: &'a mut RefMut<'_, Stage<F>>) -> Pin<&'a mut Stage<F>> {
        // SAFETY: TK1.
        unsafe { Pin::new_unchecked(&mut **stage) }
    }

    /// The future has ended with `output`, or has been dropped without.
    fn end(
        &self,
        mut stage: RefMut<'_, Stage<F>>,
        output: Option<Result<F::Output, Box<dyn Any + Send>>>,
    ) {
        // The drop of the future is its own code, and so is that of an output which nobody takes.
        contain(|| Self::pinned(&mut stage).set(Stage::Ended { output }));
        drop(stage);
        if let Some(waker) = self.waiting.take() {
            contain(|| waker.wake());
        }
    }
}

impl<F: Future> Run for Task<F> {
    fn set(&self) -> u32 {
        self.set
    }

    fn run(&self) -> bool {
        let Ok(mut stage) = self.stage.try_borrow_mut() else {
            self.woken.set(true);
            return false;
        };
        let StagePinned::Running { future } = Self::pinned(&mut stage).project() else {
            return true;
        };
        let waker = self.seat.waker();
        let mut cx = Context::from_waker(&waker);
        let output = match catch_unwind(AssertUnwindSafe(|| future.poll(&mut cx))) {
            Ok(Poll::Pending) if !self.cancelled.get() => {
                if self.woken.take() {
                    self.seat.wake();
                }
                return false;
            }
            Ok(Poll::Pending) => None,
            Ok(Poll::Ready(output)) => Some(Ok(output)),
            Err(panic) => Some(Err(panic)),
        };
        self.end(stage, output);
        true
    }

    fn cancel(&self) {
        match self.stage.try_borrow_mut() {
            Ok(stage) if matches!(*stage, Stage::Running { .. }) => self.end(stage, None),
            Ok(_) => return,
            Err(_) => self.cancelled.set(true),
        }
        // Whoever polls it finds that it is over, and forgets it.
        self.seat.wake();
    }
}

impl<F: Future> Join<F::Output> for Task<F> {
    fn poll_output(&self, cx: &mut Context<'_>) -> Poll<F::Output> {
        if self.is_over() {
            let output = self.take_output();
            return Poll::Ready(
                output.expect("a task that was dropped has no output, nor has one twice"),
            );
        }
        drop(self.waiting.replace(Some(cx.waker().clone())));
        Poll::Pending
    }

    fn take_output(&self) -> Option<F::Output> {
        let mut stage = self.stage.try_borrow_mut().ok()?;
        let StagePinned::Ended { output } = Self::pinned(&mut stage).project() else { return None };
        let output = output.take();
        drop(stage);
        match output? {
            Ok(output) => Some(output),
            Err(panic) => resume_unwind(panic),
        }
    }

    fn is_over(&self) -> bool {
        self.stage.try_borrow().is_ok_and(|stage| matches!(*stage, Stage::Ended { .. }))
    }
}

/// Runs `foreign`, and ends a panic of it, whose message has been printed by then.
fn contain(foreign: impl FnOnce()) {
    if let Err(payload) = catch_unwind(AssertUnwindSafe(foreign)) {
        // Its drop may panic once more.
        std::mem::forget(payload);
    }
}

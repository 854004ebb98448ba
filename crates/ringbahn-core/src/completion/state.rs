//! The life of an operation as a table: (state, input) → (state, action).
//!
//! | state | Poll | Cancel | Detach | Drop | Progress | Repeat | Finish |
//! |---|---|---|---|---|---|---|---|
//! | **Running** | Wait | *Cancelling*, Request | *Detached* | *Abandoned*, Request | Wake | Resubmit | *Finished*, Wake |
//! | **Cancelling** | Wait | – | *Abandoned* | *Abandoned* | Wake | *Finished*, Wake | *Finished*, Wake |
//! | **Detached** | ! | *Abandoned*, Request | ! | ! | – | Resubmit | *Gone*, Dispose |
//! | **Abandoned** | ! | – | ! | ! | – | *Gone*, Dispose | *Gone*, Dispose |
//! | **Finished** | *Gone*, Take | – | *Gone*, Dispose | *Gone*, Dispose | ! | ! | ! |
//! | **Gone** | ! | – | ! | ! | ! | ! | ! |
//!
//! An italic word is the next state, where it is another one; “–” does nothing; “!” cannot happen
//! while both parties keep their side (a stale CQE is turned away by the operation table before
//! it gets here) and is answered by doing nothing, never by a panic.
//!
//! Two rules can be read off the columns. The event changes hands exactly once after the kernel
//! has ended with it: *Take* and *Dispose* both lead to *Gone*, and nothing leads out of it.
//! And an operation goes round again only while nobody has asked for its end: *Resubmit* stands
//! only in the rows of *Running* and *Detached*.

/// Where an operation stands, seen from both of its parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// In flight; a future waits for it.
    ///
    /// Also while it is being submitted once more, when no queue knows of it.
    Running,
    /// In flight; a future waits for it and has asked for a cancel.
    Cancelling,
    /// In flight; nobody waits, and it shall run to its end.
    Detached,
    /// In flight; nobody waits, and a cancel has been asked for.
    Abandoned,
    /// The kernel has ended with it; the result waits to be taken.
    Finished,
    /// The event has been taken or disposed of.
    Gone,
}

/// What one of the parties does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// The future looks for the result and will wait for it.
    Poll,
    /// Somebody asks for the operation's end: the future, or the driver as it shuts down.
    Cancel,
    /// The future goes and lets the operation run to its end.
    Detach,
    /// The future goes.
    Drop,
    /// A CQE came after which there will be more.
    Progress,
    /// The last CQE came, and the event wants to be submitted once more.
    Repeat,
    /// The last CQE came.
    Finish,
}

/// What whoever brought the input must do, outside of any lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// Nothing.
    Nothing,
    /// Keep the future's waker.
    Wait,
    /// Wake the future.
    Wake,
    /// Take the event and complete it.
    Take,
    /// Take the event and run its cancellation callback.
    Dispose,
    /// Ask the driver to cancel the operation.
    Request,
    /// Give the event's entries to the driver once more.
    Resubmit,
}

impl State {
    /// The one step of the machine.
    #[inline]
    pub(crate) fn on(self, input: Input) -> (State, Action) {
        use Action::{Dispose, Nothing, Request, Resubmit, Take, Wait, Wake};
        use Input::{Cancel, Detach, Drop, Finish, Poll, Progress, Repeat};
        use State::{Abandoned, Cancelling, Detached, Finished, Gone, Running};

        match (self, input) {
            (Running, Poll) => (Running, Wait),
            (Running, Cancel) => (Cancelling, Request),
            (Running, Detach) => (Detached, Nothing),
            (Running, Drop) => (Abandoned, Request),
            (Running, Progress) => (Running, Wake),
            (Running, Repeat) => (Running, Resubmit),
            (Running, Finish) => (Finished, Wake),

            (Cancelling, Poll) => (Cancelling, Wait),
            (Cancelling, Cancel) => (Cancelling, Nothing),
            (Cancelling, Detach | Drop) => (Abandoned, Nothing),
            (Cancelling, Progress) => (Cancelling, Wake),
            (Cancelling, Repeat | Finish) => (Finished, Wake),

            (Detached, Cancel) => (Abandoned, Request),
            (Detached, Progress) => (Detached, Nothing),
            (Detached, Repeat) => (Detached, Resubmit),
            (Detached, Finish) => (Gone, Dispose),

            (Abandoned, Cancel | Progress) => (Abandoned, Nothing),
            (Abandoned, Repeat | Finish) => (Gone, Dispose),

            (Finished, Poll) => (Gone, Take),
            (Finished, Cancel) => (Finished, Nothing),
            (Finished, Detach | Drop) => (Gone, Dispose),

            (Detached | Abandoned, Poll | Detach | Drop)
            | (Finished, Progress | Repeat | Finish)
            | (Gone, _) => (self, Nothing),
        }
    }

    /// Whether the event may ask to be submitted once more.
    #[inline]
    pub(crate) fn may_repeat(self) -> bool {
        matches!(self, State::Running | State::Detached)
    }

    /// Whether somebody has asked for the operation's end.
    #[inline]
    pub(crate) fn is_cancelled(self) -> bool {
        matches!(self, State::Cancelling | State::Abandoned)
    }
}

#[cfg(test)]
mod tests {
    use super::{Action::*, Input::*, State::*, *};

    const STATES: [State; 6] = [Running, Cancelling, Detached, Abandoned, Finished, Gone];
    const INPUTS: [Input; 7] = [Poll, Cancel, Detach, Input::Drop, Progress, Repeat, Finish];

    /// The table of the module's page once more, as data.
    #[rustfmt::skip]
    const TABLE: [[(State, Action); 7]; 6] = [
        [(Running, Wait), (Cancelling, Request), (Detached, Nothing), (Abandoned, Request),
         (Running, Wake), (Running, Resubmit), (Finished, Wake)],
        [(Cancelling, Wait), (Cancelling, Nothing), (Abandoned, Nothing), (Abandoned, Nothing),
         (Cancelling, Wake), (Finished, Wake), (Finished, Wake)],
        [(Detached, Nothing), (Abandoned, Request), (Detached, Nothing), (Detached, Nothing),
         (Detached, Nothing), (Detached, Resubmit), (Gone, Dispose)],
        [(Abandoned, Nothing), (Abandoned, Nothing), (Abandoned, Nothing), (Abandoned, Nothing),
         (Abandoned, Nothing), (Gone, Dispose), (Gone, Dispose)],
        [(Gone, Take), (Finished, Nothing), (Gone, Dispose), (Gone, Dispose),
         (Finished, Nothing), (Finished, Nothing), (Finished, Nothing)],
        [(Gone, Nothing); 7],
    ];

    #[test]
    fn every_pair_of_state_and_input_does_what_the_table_says() {
        for (state, row) in STATES.into_iter().zip(TABLE) {
            for (input, expected) in INPUTS.into_iter().zip(row) {
                assert_eq!(state.on(input), expected, "{state:?} on {input:?}");
            }
        }
    }

    /// What may happen next, given what has happened: the protocol of the two parties.
    #[derive(Clone, Copy)]
    struct Parties {
        state: State,
        future_is_there: bool,
        kernel_has_it: bool,
        owners_after_the_end: u32,
        cancels_requested: u32,
    }

    /// Every history of up to `depth` legal inputs keeps the promises below.
    fn explore(parties: Parties, depth: u32, histories: &mut u64) {
        *histories += 1;
        assert!(parties.owners_after_the_end <= 1, "the event changed hands twice");
        assert!(parties.cancels_requested <= 1, "a cancel was requested twice");
        if !parties.future_is_there && !parties.kernel_has_it {
            assert_eq!(parties.state, Gone);
            assert_eq!(parties.owners_after_the_end, 1, "the event was forgotten");
            return;
        }
        if depth == 0 {
            return;
        }
        for input in INPUTS {
            let by_future = matches!(input, Poll | Detach | Input::Drop);
            let by_kernel = matches!(input, Progress | Repeat | Finish);
            if by_future && !parties.future_is_there || by_kernel && !parties.kernel_has_it {
                continue;
            }
            let (state, action) = parties.state.on(input);
            let mut next = Parties { state, ..parties };
            next.owners_after_the_end += u32::from(matches!(action, Take | Dispose));
            next.cancels_requested += u32::from(action == Request);
            next.kernel_has_it &= !by_kernel || input == Progress || action == Resubmit;
            next.future_is_there &= !matches!(input, Detach | Input::Drop) && action != Take;
            if action == Resubmit {
                assert_eq!(parties.cancels_requested, 0, "cancelled, and yet repeated");
            }
            if matches!(action, Take | Dispose) {
                assert!(!next.kernel_has_it, "taken while the kernel had it");
            }
            if action == Wake {
                assert!(next.future_is_there, "woke a future that is gone");
            }
            explore(next, depth - 1, histories);
        }
    }

    #[test]
    fn every_history_of_eight_steps_gives_the_event_to_one_owner_after_the_kernel() {
        let mut histories = 0;
        let start = Parties {
            state: Running,
            future_is_there: true,
            kernel_has_it: true,
            owners_after_the_end: 0,
            cancels_requested: 0,
        };
        explore(start, 8, &mut histories);
        assert!(histories > 10_000, "only {histories} histories were explored");
    }
}

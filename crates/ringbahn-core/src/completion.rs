//! The completion: what a future and the kernel share of an operation in flight.
//!
//! An operation has two parties. The *future* may poll, ask for a cancel, detach or be dropped;
//! the *kernel*, through whoever reaps its CQEs, reports progress and the end. They meet in a
//! [`Cell`](cell::Cell): a lock around the state, the waker and the CQEs so far. What happens at
//! each meeting is decided by a pure function of state and input, [`State::on`](state::State::on),
//! which knows no lock and no memory and is checked pair by pair.

pub(crate) mod cell;
pub(crate) mod state;

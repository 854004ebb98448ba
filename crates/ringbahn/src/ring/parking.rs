//! [`Parking`]: the accepts that nobody waits for at the moment.

use std::pin::Pin;
use std::sync::{Mutex, OnceLock};
use std::task::{Context, Poll, Waker};

use ringbahn_core::event::{Accept, IntoSlot};
use ringbahn_core::{Drive, Event, Submission};

use super::slot::lock;

/// The accepts that nobody waits for at the moment.
///
/// An accept in flight whose future is dropped is not cancelled: it is parked here, and the next
/// one who wants a connection takes it over. The connection that it may have brought meanwhile is
/// the next one's. So a `select!` between an accept and something else loses no connection, and
/// costs no cancel and no new accept for each turn.
///
/// The kernel gives connections to the accepts in the order of their arrival. So while somebody
/// waits no accept may be parked, or its connection would be seen by nobody: those who wait take
/// over what is parked, and are woken for it.
#[derive(Debug)]
pub(crate) struct Parking<D: Drive, E: Event = Accept> {
    lot: Mutex<Lot<D, E>>,
}

#[derive(Debug)]
struct Lot<D: Drive, E: Event> {
    parked: Vec<Submission<E, D>>,
    /// Those who wait for a connection, each with its number.
    waiting: Vec<(u64, Waker)>,
    next: u64,
}

impl<D: Drive, E: Event> Parking<D, E> {
    pub(crate) fn new() -> Parking<D, E> {
        Parking { lot: Mutex::new(Lot { parked: Vec::new(), waiting: Vec::new(), next: 0 }) }
    }
}

/// The parked accepts of a handle, of which most have none: made when the first one is asked for.
#[derive(Debug)]
pub(crate) struct Accepts<D: Drive> {
    parkings: OnceLock<Box<Parkings<D>>>,
}

#[derive(Debug)]
struct Parkings<D: Drive> {
    of_descriptors: Parking<D>,
    of_slots: Parking<D, IntoSlot<Accept>>,
}

impl<D: Drive> Accepts<D> {
    pub(crate) fn new() -> Accepts<D> {
        Accepts { parkings: OnceLock::new() }
    }

    fn parkings(&self) -> &Parkings<D> {
        let new = || Parkings { of_descriptors: Parking::new(), of_slots: Parking::new() };
        self.parkings.get_or_init(|| Box::new(new()))
    }

    /// Those of a listener with a descriptor, which bring descriptors.
    pub(crate) fn of_descriptors(&self) -> &Parking<D> {
        &self.parkings().of_descriptors
    }

    /// Those of a listener in a slot, which fill slots.
    pub(crate) fn of_slots(&self) -> &Parking<D, IntoSlot<Accept>> {
        &self.parkings().of_slots
    }
}

/// One who wants a connection.
#[derive(Debug)]
pub(crate) struct Arrival<'a, D: Drive, E: Event = Accept> {
    parking: &'a Parking<D, E>,
    /// The accepts that it waits for: its own one, and those it has taken over.
    accepts: Vec<Submission<E, D>>,
    number: Option<u64>,
}

impl<'a, D: Drive, E: Event> Arrival<'a, D, E> {
    pub(crate) fn new(parking: &'a Parking<D, E>) -> Arrival<'a, D, E> {
        Arrival { parking, accepts: Vec::new(), number: None }
    }

    /// Waits for a connection. Where there is no accept to wait for, `accept` submits one.
    pub(crate) fn poll(
        &mut self,
        accept: impl FnOnce() -> Submission<E, D>,
        cx: &mut Context<'_>,
    ) -> Poll<E::Output>
    where
        D: Unpin,
    {
        let former = self.take_over(cx.waker().clone());
        drop(former);
        if self.accepts.is_empty() {
            self.accepts.push(accept());
        }
        for index in 0..self.accepts.len() {
            if let Poll::Ready(output) = Pin::new(&mut self.accepts[index]).poll(cx) {
                drop(self.accepts.swap_remove(index));
                return Poll::Ready(output);
            }
        }
        Poll::Pending
    }

    /// Takes over what is parked and counts as waiting. Yields the waker of before.
    fn take_over(&mut self, waker: Waker) -> Option<Waker> {
        let mut lot = lock(&self.parking.lot);
        self.accepts.append(&mut lot.parked);
        let number = *self.number.get_or_insert_with(|| {
            lot.next += 1;
            lot.next
        });
        match lot.waiting.iter_mut().find(|(other, _)| *other == number) {
            Some((_, former)) => Some(std::mem::replace(former, waker)),
            None => {
                lot.waiting.push((number, waker));
                None
            }
        }
    }
}

impl<D: Drive, E: Event> Drop for Arrival<'_, D, E> {
    fn drop(&mut self) {
        // One that no queue has yet is no loss.
        let in_flight = |accept: &Submission<_, _>| accept.cancel_target().is_some();
        self.accepts.retain(in_flight);
        let (own, next) = {
            let mut lot = lock(&self.parking.lot);
            lot.parked.append(&mut self.accepts);
            let own = lot.waiting.iter().position(|(number, _)| Some(*number) == self.number);
            let own = own.map(|index| lot.waiting.swap_remove(index));
            let somebody_must = !lot.parked.is_empty() && !lot.waiting.is_empty();
            (own, somebody_must.then(|| lot.waiting.swap_remove(0)))
        };
        drop(own);
        if let Some((_, waker)) = next {
            waker.wake();
        }
    }
}

//! A driver in safe code that takes an entry out of its own queue, to have another event submit it
//! as its own: to a kernel that would write wherever the thief has made it point.
#![cfg(not(loom))]

#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use ringbahn_core::{
    CancelTarget, Completion, Drive, Event, OperationTable, Outcome, Reservation, Shared, Sqe, Sqes,
};
use toy_ring::{Counts, Probe, Toy, poll_pending};

/// A queue of one place, which its owner may empty.
#[derive(Clone)]
struct Burglar {
    table: Arc<OperationTable>,
    place: Arc<Mutex<Sqe>>,
}

impl Drive for Burglar {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        _count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut place = self.place.lock().unwrap();
        let places = (std::slice::from_mut(&mut *place), &mut [][..]);
        Poll::Ready(Ok(prepare(Reservation::new(&self.table, places, &mut 0), cx)))
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Poll::Ready(Ok(0))
    }

    fn cancel(self: Pin<&mut Self>, _target: CancelTarget) {}
}

/// An event whose entry is another one's.
struct Fence(Option<Sqe>);

#[allow(unsafe_code, reason = "the trait's method is unsafe")]
impl Event for Fence {
    type Output = ();

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        sqes.push(self.0.take().unwrap_or(Sqe::nop()));
    }

    fn complete(self, _outcome: Outcome<'_, Self>) {}
}

#[test]
fn an_entry_taken_out_of_a_place_is_not_submitted_again() {
    let burglar =
        Burglar { table: Arc::new(OperationTable::new()), place: Arc::new(Mutex::new(Sqe::nop())) };
    let mut read = Box::pin(burglar.clone().submit(Probe::new(&Counts::new())));
    poll_pending(&mut read, Waker::noop());
    let stolen = std::mem::replace(&mut *burglar.place.lock().unwrap(), Sqe::nop());
    let stolen = stolen.address(std::ptr::without_provenance::<u8>(0x1000)).length(4096);

    let toy = Toy::new(2);
    let mut fence = Box::pin(toy.clone().submit(Fence(Some(stolen))));
    let cx = &mut Context::from_waker(Waker::noop());
    let polled = catch_unwind(AssertUnwindSafe(|| fence.as_mut().poll(cx)));
    assert!(polled.is_err(), "it was accepted");
    assert_eq!((toy.queued(), toy.in_flight()), (0, 0));
    drop(read);
    assert_eq!(burglar.table.in_flight(), 1, "the entry's own operation has not ended");
}

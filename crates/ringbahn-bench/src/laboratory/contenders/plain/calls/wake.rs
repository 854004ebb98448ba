//! A thread that is parked, which is a futex.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::waker;
use crate::laboratory::meter::Meter;

pub(super) fn wake(case: &Wake, meter: &mut Meter) -> Result<(), Failure> {
    let count = Arc::new(AtomicU32::new(0));
    let (other, this) = (count.clone(), thread::current());
    let wake = move |wakes| {
        other.store(wakes + 1, Ordering::Release);
        this.unpark();
        Ok(())
    };
    waker::wakes(case, meter, wake, |answers| {
        // Acquire: pairs with the store before the wake.
        while count.load(Ordering::Acquire) == answers {
            thread::park();
        }
        Ok(())
    })
}

//! Wakers that panic, or poll, meet the end of an operation.

use std::sync::{Arc, Mutex as StdMutex};
use std::task::{Poll, Waker};

use crate::toy_ring::{
    Calling, Counts, Grudge, MORE, NOTIFICATION, Probe, Probing, Toy, grumpy_waker, poll,
    poll_ready, start,
};
use crate::{Scene, model, post, scene};

#[test]
fn a_waker_that_panics_when_cloned_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (_, grumpy) = grumpy_waker(Grudge::Clone);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            poll(&mut future, &grumpy).is_ready()
        }));
        kernel.join().unwrap();
        if !polled.unwrap_or(false) {
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_waker_that_panics_when_woken_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (wakes, grumpy) = grumpy_waker(Grudge::Wake);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = poll(&mut future, &grumpy);
        kernel.join().unwrap();
        if polled.is_pending() {
            assert_eq!(wakes.wakes(), 1);
            assert_eq!(toy.tally().panics, 1);
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

#[test]
fn a_waker_that_panics_when_dropped_meets_the_end() {
    model(|| {
        let Scene { toy, counts, mut future, user_data } = scene(Waker::noop());
        let (wakes, grumpy) = grumpy_waker(Grudge::Drop);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let polled = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            poll(&mut future, &grumpy).is_ready()
        }));
        kernel.join().unwrap();
        if !polled.unwrap_or(false) {
            assert!(counts.completed() == 0 && wakes.wakes() <= 1);
            assert_eq!(poll_ready(&mut future).number(), 7);
        }
        assert_eq!(counts.all(), (1, 0, 1));
        std::mem::forget(grumpy);
    });
}

#[test]
fn the_drop_of_a_future_whose_waker_panics_when_dropped_meets_the_end() {
    model(|| {
        let (_, grumpy) = grumpy_waker(Grudge::Drop);
        let Scene { toy, counts, future, user_data } = scene(&grumpy);
        std::mem::forget(grumpy);
        let kernel = post(&toy, user_data, &[(7, 0)]);
        let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| drop(future)));
        kernel.join().unwrap();
        assert_eq!(counts.all(), (0, 1, 1));
    });
}

#[test]
fn a_waker_that_polls_inside_wake_meets_the_end() {
    model(|| {
        let toy = Toy::new(1);
        let counts = Counts::new();
        let task: Arc<StdMutex<Option<Probing>>> = Arc::default();
        let outputs: Arc<StdMutex<Vec<i32>>> = Arc::default();
        let waker = {
            let (task, outputs) = (Arc::downgrade(&task), outputs.clone());
            Calling::waker(move || {
                let Some(task) = task.upgrade() else { return };
                // A real executor would queue the task here; it is being polled.
                let Ok(mut slot) = task.try_lock() else { return };
                let Some(future) = slot.as_mut() else { return };
                if let Poll::Ready(answer) = poll(future, Waker::noop()) {
                    outputs.lock().unwrap().push(answer.number());
                    *slot = None;
                }
            })
        };
        let (future, taken) = start(&toy, Probe::new(&counts), &waker);
        *task.lock().unwrap() = Some(future);
        let kernel = post(&toy, taken.user_data, &[(7, MORE), (0, NOTIFICATION)]);
        {
            let mut slot = task.try_lock();
            if let Ok(slot) = &mut slot
                && let Some(future) = slot.as_mut()
                && let Poll::Ready(answer) = poll(future, &waker)
            {
                outputs.lock().unwrap().push(answer.number());
                **slot = None;
            }
        }
        kernel.join().unwrap();
        let future = task.lock().unwrap().take();
        if let Some(mut future) = future {
            outputs.lock().unwrap().push(poll_ready(&mut future).number());
        }
        assert_eq!(*outputs.lock().unwrap(), [7]);
        assert_eq!(counts.all(), (1, 0, 1));
    });
}

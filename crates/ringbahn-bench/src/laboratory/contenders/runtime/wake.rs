//! A task that another thread wakes through its waker, and that answers by unparking that thread.

use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::thread::{self, JoinHandle};

use futures::task::AtomicWaker;

use super::Runtime;
use crate::laboratory::case::Wake;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

pub(crate) fn wake<R: Runtime>(case: &Wake, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let caller = Caller::new(meter.stopwatch());
    let calls = case.lap();
    while meter.goes_on() {
        let call = caller.call.clone();
        let thread = caller.thread();
        runtime.all([async move {
            for _ in 0..calls {
                call.come().await;
                call.is_answered.store(true, Ordering::SeqCst);
                thread.unpark();
            }
            Ok(())
        }])?;
        meter.took(&mut caller.call.stopwatch.lock().unwrap_or_else(PoisonError::into_inner));
        meter.did(calls);
    }
    Ok(())
}

/// A thread that calls a task, again as soon as it has been answered.
struct Caller {
    call: Arc<Call>,
    thread: Option<JoinHandle<()>>,
}

struct Call {
    is_there: AtomicBool,
    is_answered: AtomicBool,
    is_over: AtomicBool,
    waker: AtomicWaker,
    stopwatch: Mutex<Stopwatch>,
}

impl Caller {
    fn new(stopwatch: Stopwatch) -> Caller {
        let call = Arc::new(Call {
            is_there: AtomicBool::new(false),
            is_answered: AtomicBool::new(false),
            is_over: AtomicBool::new(false),
            waker: AtomicWaker::new(),
            stopwatch: Mutex::new(stopwatch),
        });
        let own = call.clone();
        Caller { call, thread: Some(thread::spawn(move || own.make_all())) }
    }

    fn thread(&self) -> thread::Thread {
        self.thread.as_ref().expect("it is there until the drop").thread().clone()
    }
}

impl Call {
    fn make_all(&self) {
        let stopwatch = || self.stopwatch.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_over.load(Ordering::SeqCst) {
            let start = stopwatch().start();
            self.is_there.store(true, Ordering::SeqCst);
            self.waker.wake();
            while !self.is_answered.swap(false, Ordering::SeqCst) {
                if self.is_over.load(Ordering::SeqCst) {
                    return;
                }
                thread::park();
            }
            stopwatch().stop(start);
        }
    }

    /// Waits for a call.
    async fn come(&self) {
        poll_fn(|cx| {
            if self.is_there.swap(false, Ordering::SeqCst) {
                return Poll::Ready(());
            }
            self.waker.register(cx.waker());
            // It may have come before the waker was there.
            if self.is_there.swap(false, Ordering::SeqCst) {
                Poll::Ready(())
            } else {
                Poll::Pending
            }
        })
        .await;
    }
}

impl Drop for Caller {
    fn drop(&mut self) {
        self.call.is_over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            thread.thread().unpark();
            // It has nothing to tell; its panic has been printed.
            drop(thread.join());
        }
    }
}

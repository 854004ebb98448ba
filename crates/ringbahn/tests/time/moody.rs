//! A driver that is short of room, refuses events or panics, as a test tells it to.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use ringbahn::{CancelTarget, Completion, Drive, Reservation, Shared, SharedDriver};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// As the driver within.
    Good,
    /// There is no room until the mood changes.
    Full,
    /// Nothing is accepted.
    Refusing,
    /// The next event panics.
    Panicking,
}

#[derive(Clone)]
pub(crate) struct Moody {
    driver: SharedDriver,
    state: Arc<Mutex<(Mood, Vec<Waker>)>>,
}

impl Moody {
    pub(crate) fn new(driver: SharedDriver, mood: Mood) -> Moody {
        Moody { driver, state: Arc::new(Mutex::new((mood, Vec::new()))) }
    }

    /// Changes the mood, and wakes those who wait for room.
    pub(crate) fn change(&self, mood: Mood) {
        let wakers = {
            let mut state = self.state.lock().unwrap();
            state.0 = mood;
            std::mem::take(&mut state.1)
        };
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl Drive for Moody {
    type Sharing = Shared;

    fn poll_prepare<'cx>(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let waker = cx.waker().clone();
        let mood = {
            let mut state = self.state.lock().unwrap();
            if state.0 == Mood::Full {
                state.1.push(waker);
            }
            let mood = state.0;
            if mood == Mood::Panicking {
                state.0 = Mood::Good;
            }
            mood
        };
        match mood {
            Mood::Good => Pin::new(&mut self.driver).poll_prepare(cx, count, prepare),
            Mood::Full => Poll::Pending,
            Mood::Refusing => Poll::Ready(Err(io::Error::other("in no mood"))),
            Mood::Panicking => panic!("the driver panics"),
        }
    }

    fn poll_submit(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        Pin::new(&mut self.driver).poll_submit(cx)
    }

    fn cancel(mut self: Pin<&mut Self>, target: CancelTarget) {
        Pin::new(&mut self.driver).cancel(target);
    }
}

//! The same for the driver that polls devices, as far as it has operations that take their time:
//! direct writes that make a file longer.

use std::fs::File;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use ringbahn_core::SharedFd;
use ringbahn_core::event::{Nop, Position, Write};
use ringbahn_drivers::Report;

use crate::canary::{self, SIZE};
use crate::children::{forked, inherited, is_of_the_fork};
use crate::direct;
use crate::home::{Begun, Home, Iopoll, begin, end, home};
use crate::limits;
use crate::scene::{descriptors, poll_once, shared, until};
use crate::signals::{Interrupted, Storm};
use crate::watched::Watched;

const WRITES: u64 = 8;

/// A file whose writes are counted.
struct Growing {
    file: SharedFd,
    ends: Arc<AtomicUsize>,
    length: u64,
}

impl Growing {
    fn new(file: File) -> Growing {
        Growing { file: shared(file), ends: Arc::default(), length: direct::BLOCKS }
    }

    /// Begins writes of one block each behind the end of the file. They are done also on disks that
    /// cannot be polled, and the kernel tells of their end to those who poll only.
    fn extend(&mut self, home: &Iopoll) -> Vec<Begun<Iopoll, Write<Watched>>> {
        let begun = (0..WRITES).map(|_| {
            let position = Position::At(self.length * SIZE as u64);
            self.length += 1;
            begin(home, Write::new(self.file.clone(), Watched::new(&self.ends), position))
        });
        begun.collect()
    }

    /// Waits for the end of all, which is a good one or that of a disk that cannot be polled.
    fn finish(&self, home: &Iopoll, writes: Vec<Begun<Iopoll, Write<Watched>>>) {
        let before = self.ends.load(Ordering::SeqCst);
        for write in writes {
            let (result, _) = match write {
                Begun::Ended(output) => output,
                Begun::InFlight(write) => home.run(write),
            };
            match result {
                Ok(count) => assert_eq!(count, SIZE),
                Err(error) => assert_eq!(error.raw_os_error(), Some(libc::EOPNOTSUPP), "{error}"),
            }
        }
        assert_eq!(self.ends.load(Ordering::SeqCst), before + WRITES as usize);
    }
}

fn is_not_noticed(test: &'static str) {
    let Some(home) = home::<Iopoll>(test, 4, 8) else { return };
    let Some(file) = direct::file(test) else { return };
    let mut file = Growing::new(file);
    let storm = Storm::begin(Interrupted::Fails);
    while storm.signals() < 200 {
        let writes = file.extend(&home);
        file.finish(&home, writes);
    }
    end(&home);
    drop(storm);
    canary::inspect();
}

fn is_told_and_does_no_harm(test: &'static str) {
    let Some(home) = home::<Iopoll>(test, 4, 8) else { return };
    let Some(file) = direct::file(test) else { return };
    let mut file = Growing::new(file);
    let (kept, dropped) = (file.extend(&home), file.extend(&home));
    let mut childs = Some((home, dropped));
    forked(|| {
        let Some((home, dropped)) = childs.take() else { return 1 };
        drop(dropped);
        let mut late = Box::pin(home.driver().submit(Nop));
        match poll_once(late.as_mut()) {
            Poll::Ready(result) if is_of_the_fork(&result) => {}
            _ => return 2,
        }
        drop(late);
        if home.shut_down(Duration::from_secs(1)) != Report::default() {
            return 3;
        }
        home.leave();
        0
    });
    let (home, dropped) = childs.take().unwrap();
    file.finish(&home, kept);
    file.finish(&home, dropped);
    end(&home);
    canary::inspect();
}

fn inherits_nothing(test: &'static str) {
    let Some(file) = direct::file(test) else { return };
    let mut file = Growing::new(file);
    let before = inherited();
    let Some(home) = home::<Iopoll>(test, 4, 8) else { return };
    let writes = file.extend(&home);
    assert_eq!(inherited(), before);
    file.finish(&home, writes);
    end(&home);
}

fn do_not_use_the_limit_up(test: &'static str) {
    let Some(file) = direct::file(test) else { return };
    let mut file = Growing::new(file);
    let before = descriptors();
    let Some(first) = home::<Iopoll>(test, 8, 16) else { return };
    end(&first);
    drop(first);
    if !limits::become_nobody_else(test) {
        return;
    }
    for round in 0..limits::ROUNDS {
        let home = Iopoll::make(8, 16).unwrap();
        let writes = file.extend(&home);
        if round % 2 == 0 {
            assert_eq!(end(&home).cancelled, 0, "the kernel takes no cancels here");
        }
        drop((writes, home));
    }
    until("all is closed", || descriptors() == before);
    canary::inspect();
    let buffers = WRITES as usize * limits::ROUNDS as usize;
    assert_eq!(file.ends.load(Ordering::SeqCst), buffers);
}

on_the_iopoll_driver!(a_storm_of_signals_is_not_noticed, is_not_noticed);
on_the_iopoll_driver!(
    a_forked_child_is_told_so_and_does_no_harm_to_its_parent,
    is_told_and_does_no_harm
);
on_the_iopoll_driver!(a_child_that_execs_inherits_nothing, inherits_nothing);
on_the_iopoll_driver!(
    drivers_made_and_ended_in_a_row_do_not_use_the_limit_of_locked_memory_up,
    do_not_use_the_limit_up
);

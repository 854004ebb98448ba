//! Models of the submission half against a kernel: no entry is lost, and none is overwritten.
//!
//! Several submitters share the half behind a lock, as in a shared driver, while the kernel takes
//! entries; queues are of 1 and 2, and the counters wrap within the first entries.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p ringbahn-drivers --lib loom`.
//!
//! What they are worth was tried by breaking the room check in
//! [`Index::free`](super::index::Index): with `room + 1 >= count` (one place too many) they fail,
//! because the model's cells see the half write to a place that the kernel reads; with
//! `room > count` (one too few) a full set of entries never gets in, and they fail for going on
//! without end.

use std::sync::Arc;

use loom::model::Builder;
use loom::sync::Mutex;
use loom::thread;
use ringbahn_core::Sqe;

use super::fake_kernel::over_memory_from;

/// `submitters` threads submit `each` entries one by one through a queue of `entries`.
///
/// A submitter publishes in a turn of its own, so entries lie filled and unpublished while others
/// reserve.
fn model(entries: u32, submitters: u32, each: u32, preemptions: Option<usize>) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let (submission, _completion, rings) = over_memory_from(u32::MAX, entries, 1);
        let submission = Arc::new(Mutex::new(submission));
        let threads: Vec<_> = (0..submitters)
            .map(|submitter| {
                let submission = submission.clone();
                thread::spawn(move || {
                    for n in 0..each {
                        let number = submitter * each + n;
                        loop {
                            let mut half = submission.lock().unwrap();
                            let pushed = half.push_raw(Sqe::nop().length(number)).unwrap();
                            drop(half);
                            if pushed.is_ok() {
                                break;
                            }
                            thread::yield_now();
                        }
                        submission.lock().unwrap().publish();
                    }
                })
            })
            .collect();

        // This thread is the kernel. It takes as many entries as were submitted: one lost would
        // keep it here for ever, which the model checker reports.
        let mut taken = Vec::new();
        while taken.len() < (submitters * each) as usize {
            match rings.take_entry() {
                Some(number) => taken.push(number),
                None => thread::yield_now(),
            }
        }
        for thread in threads {
            thread.join().unwrap();
        }
        assert_eq!(rings.take_entry(), None);
        for submitter in 0..submitters {
            let own = submitter * each..(submitter + 1) * each;
            let of_submitter: Vec<u32> =
                taken.iter().copied().filter(|number| own.contains(number)).collect();
            assert_eq!(of_submitter, own.collect::<Vec<u32>>(), "lost, repeated or out of order");
        }
    });
}

#[test]
fn two_submitters_and_the_kernel_on_a_queue_of_one() {
    model(1, 2, 1, None);
    model(1, 2, 2, Some(2));
}

#[test]
fn two_submitters_and_the_kernel_on_a_queue_of_two() {
    model(2, 2, 1, None);
    model(2, 2, 2, Some(2));
}

#[test]
fn three_submitters_and_the_kernel_on_queues_of_one_and_two() {
    model(1, 3, 1, Some(2));
    model(2, 3, 1, Some(2));
}

//! Models of the submission half against a kernel: no entry is lost, and none is overwritten.
//!
//! Several submitters share the half behind a lock, as in a shared driver, while the kernel takes
//! entries; queues are of 1 and 2, and the counters wrap within the first entries.
//!
//! Run with `RUSTFLAGS="--cfg loom" cargo test --release -p ringbahn-drivers --lib loom`.
//!
//! What they are worth was tried by breaking the room check in
//! [`Index::free`](super::index::Index): with `room + 1 >= count` (one place too many) they fail,
//! because the model checker sees the half write to a place that the kernel reads, or because an
//! entry that was accepted never arrives; with `room > count` (one too few) they fail because an
//! empty queue does not accept as many entries as it has places. So does reading the head with
//! Relaxed, and storing the tail with it.

use std::ops::Range;
use std::sync::Arc;

use loom::model::Builder;
use loom::sync::{Mutex, MutexGuard};
use loom::thread;
use ringbahn_core::Sqe;

use super::fake_kernel::over_memory_from;
use super::submission::SubmissionQueue;

/// `submitters` threads each try to submit `each` entries, one by one, through a queue of
/// `entries`.
///
/// A submitter publishes in a turn of its own, so entries lie filled and unpublished while others
/// reserve. One that finds the queue full gives that entry up: a loop that waits for room has no
/// end that a model could reach.
fn model(entries: u32, submitters: u32, each: u32, preemptions: Option<usize>) {
    let mut builder = Builder::new();
    builder.preemption_bound = preemptions;
    builder.check(move || {
        let (submission, _completion, rings) = over_memory_from(u32::MAX, entries, 1);
        let submission = Arc::new(Mutex::new(submission));
        let threads: Vec<_> = (0..submitters)
            .map(|submitter| {
                let submission = submission.clone();
                thread::spawn(move || submit(&submission, submitter * each..(submitter + 1) * each))
            })
            .collect();

        // This thread is the kernel.
        let mut taken = Vec::new();
        for _ in 0..submitters * each {
            taken.extend(rings.take_entry());
        }
        let accepted: Vec<Vec<u32>> =
            threads.into_iter().map(|thread| thread.join().expect("no panic")).collect();
        while let Some(number) = rings.take_entry() {
            taken.push(number);
        }

        assert_eq!(taken.len(), accepted.iter().map(Vec::len).sum::<usize>());
        for own in accepted {
            let arrived: Vec<u32> = taken.iter().copied().filter(|n| own.contains(n)).collect();
            assert_eq!(arrived, own, "lost, repeated or out of order");
        }
        let mut half = lock(&submission);
        for number in 0..entries {
            assert!(push(&mut half, number), "an empty queue has room for all its places");
        }
        assert!(!push(&mut half, entries), "and for no more");
    });
}

/// Submits what there is room for of `numbers`, and says which those were.
fn submit(submission: &Mutex<SubmissionQueue>, numbers: Range<u32>) -> Vec<u32> {
    numbers
        .filter(|&number| {
            let accepted = push(&mut lock(submission), number);
            lock(submission).publish();
            accepted
        })
        .collect()
}

fn push(half: &mut SubmissionQueue, number: u32) -> bool {
    matches!(half.push_raw(Sqe::nop().length(number)), Ok(Ok(())))
}

fn lock(submission: &Mutex<SubmissionQueue>) -> MutexGuard<'_, SubmissionQueue> {
    submission.lock().expect("no panic")
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

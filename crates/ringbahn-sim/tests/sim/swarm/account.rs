//! [`Account`]: what has begun and what has been given back: events and buffers.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use ringbahn_core::{Event, IoBuf, IoBufMut, Outcome, Sqes};

/// What buffers that have been given back are filled with.
const PATTERN: u8 = 0x5c;

/// How many buffers are kept to see whether somebody still writes to them.
const KEPT_MAX: usize = 256;

/// What has begun and what has been given back.
#[derive(Clone, Default)]
pub(crate) struct Account(Arc<Counts>);

#[derive(Default)]
struct Counts {
    /// Events whose entries have been laid out, and ends of such.
    begun: AtomicU64,
    ended: AtomicU64,
    /// Those that were dropped while they waited for room in the queue, and never started.
    discarded: AtomicU64,
    buffers: AtomicU64,
    late: AtomicU64,
    lost_bytes: AtomicU64,
    wrong_bytes: AtomicU64,
    kept: Mutex<Vec<Vec<u8>>>,
}

/// What does not balance.
pub(crate) struct Balance {
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) discarded: u64,
    pub(crate) buffers: u64,
    pub(crate) late: u64,
}

impl Account {
    pub(crate) fn new() -> Account {
        Account::default()
    }

    /// The same event, whose beginning and end are counted.
    pub(crate) fn count<E: Event>(&self, event: E) -> Counted<E> {
        Counted { event: Some(event), account: self.clone(), begun: false }
    }

    /// A buffer of `bytes`, which is looked after when it has been given back.
    pub(crate) fn buffer(&self, bytes: Vec<u8>) -> Buffer {
        self.0.buffers.fetch_add(1, Relaxed);
        Buffer { bytes, account: self.clone() }
    }

    pub(crate) fn note_lost_bytes(&self, count: u64) {
        self.0.lost_bytes.fetch_add(count, Relaxed);
    }

    pub(crate) fn note_wrong_bytes(&self, count: u64) {
        self.0.wrong_bytes.fetch_add(count, Relaxed);
    }

    fn look_at_kept(&self) {
        let kept = std::mem::take(&mut *self.0.kept.lock().unwrap());
        let changed = kept.iter().flatten().filter(|&&byte| byte != PATTERN).count();
        self.0.late.fetch_add(changed as u64, Relaxed);
    }

    pub(crate) fn balance(&self) -> Balance {
        self.look_at_kept();
        let read = |count: &AtomicU64| count.load(Relaxed);
        let (begun, ended) = (read(&self.0.begun), read(&self.0.ended));
        let discarded = read(&self.0.discarded);
        Balance {
            lost: begun.saturating_sub(ended + discarded) + read(&self.0.lost_bytes),
            duplicated: (ended + discarded).saturating_sub(begun) + read(&self.0.wrong_bytes),
            discarded,
            buffers: read(&self.0.buffers),
            late: read(&self.0.late),
        }
    }
}

/// An event whose beginning and end are counted.
pub(crate) struct Counted<E> {
    /// `None` once it has been given back.
    event: Option<E>,
    account: Account,
    begun: bool,
}

impl<E: Event> Counted<E> {
    fn into_event(mut self) -> E {
        if self.begun {
            self.account.0.ended.fetch_add(1, Relaxed);
        }
        self.event.take().expect("given back once")
    }

    fn event(&mut self) -> &mut E {
        self.event.as_mut().expect("not given back")
    }
}

impl<E> Drop for Counted<E> {
    fn drop(&mut self) {
        if self.begun && self.event.is_some() {
            self.account.0.discarded.fetch_add(1, Relaxed);
        }
    }
}

/// What is passed on to the inner event: the same CQEs, which are its own.
fn inner<E: Event>(outcome: Outcome<'_, Counted<E>>) -> Outcome<'_, E> {
    if outcome.cqes().is_empty() {
        let reason = outcome.result().err();
        return Outcome::refused(reason.expect("what has not run has a reason"));
    }
    // SAFETY: the entries are those of the inner event, and the outer one makes nothing of this.
    unsafe { Outcome::completed(outcome.cqes()) }
}

impl<E: Event> Event for Counted<E> {
    type Output = E::Output;

    fn sqes_needed(&self) -> u32 {
        self.event.as_ref().map_or(1, Event::sqes_needed)
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        if !std::mem::replace(&mut self.begun, true) {
            self.account.0.begun.fetch_add(1, Relaxed);
        }
        // SAFETY: the inner event is a part of this one.
        unsafe { self.event().prepare(sqes) };
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> E::Output {
        self.into_event().complete(inner(outcome))
    }

    fn cancelled(self, outcome: Outcome<'_, Self>) {
        self.into_event().cancelled(inner(outcome));
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        // SAFETY: as for `inner`; it only looks at them.
        let outcome = unsafe { Outcome::completed(outcome.cqes()) };
        self.event().resubmit(&outcome)
    }
}

/// A buffer that is counted, and kept for a while after it has been given back.
pub(crate) struct Buffer {
    bytes: Vec<u8>,
    account: Account,
}

impl Buffer {
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

// SAFETY: a vector keeps its promises, and this is one.
unsafe impl IoBuf for Buffer {
    fn bytes_ptr(&self) -> *const u8 {
        self.bytes.bytes_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.bytes.bytes_len()
    }
}

// SAFETY: a vector keeps its promises, and this is one.
unsafe impl IoBufMut for Buffer {
    fn target_ptr(&mut self) -> *mut u8 {
        self.bytes.target_ptr()
    }

    fn target_len(&self) -> usize {
        self.bytes.target_len()
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // SAFETY: the same is promised.
        unsafe { self.bytes.set_filled(count) };
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let counts = &self.account.0;
        counts.buffers.fetch_sub(1, Relaxed);
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.fill(PATTERN);
        bytes.resize(bytes.capacity(), PATTERN);
        let mut kept = counts.kept.lock().unwrap();
        kept.push(bytes);
        let many = kept.len() >= KEPT_MAX;
        drop(kept);
        if many {
            self.account.look_at_kept();
        }
    }
}

/// Asserts that the account notices what it is there for.
pub(super) fn assert_it_counts() {
    let account = Account::new();
    let mut nop = account.count(ringbahn_core::event::Nop);
    // SAFETY: the entries go nowhere.
    unsafe { nop.prepare(&mut Sqes::new()) };
    let buffer = account.buffer(vec![1; 8]);
    assert_eq!((account.balance().lost, account.balance().buffers), (1, 1));
    drop(buffer);
    assert_eq!((account.balance().late, account.balance().buffers), (0, 0));
    let buffer = account.buffer(vec![1; 8]);
    drop(buffer);
    // A late write of a kernel would look like this.
    account.0.kept.lock().unwrap()[0][3] = 0;
    assert_eq!(account.balance().late, 1);
    drop(nop);
    assert_eq!((account.balance().lost, account.balance().discarded), (0, 1));
}

//! [`Probe`]: an event that owns memory, and counts what becomes of it.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use ringbahn_core::{Cqe, Event, Outcome, Sqe, Sqes, opcode};

/// How many bytes each entry of a [`Probe`] asks for.
pub(crate) const CHUNK: usize = 16;

/// What has become of a probe, or of several.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    prepared: AtomicU32,
    completed: AtomicU32,
    cancelled: AtomicU32,
    dropped: AtomicU32,
}

impl Counts {
    pub(crate) fn new() -> Arc<Counts> {
        Arc::default()
    }

    pub(crate) fn prepared(&self) -> u32 {
        self.prepared.load(Ordering::SeqCst)
    }

    /// How many outputs were made for a future.
    pub(crate) fn completed(&self) -> u32 {
        self.completed.load(Ordering::SeqCst)
    }

    /// How many cancellation callbacks have run.
    pub(crate) fn cancelled(&self) -> u32 {
        self.cancelled.load(Ordering::SeqCst)
    }

    pub(crate) fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::SeqCst)
    }

    /// (completed, cancelled, dropped)
    pub(crate) fn all(&self) -> (u32, u32, u32) {
        (self.completed(), self.cancelled(), self.dropped())
    }
}

/// Where a probe or a waker panics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// In `prepare`, from the second call on.
    PrepareAgain,
    Prepare,
    Complete,
    Cancelled,
    Resubmit,
    Drop,
}

/// An event that owns memory, asks for it to be filled, and counts what becomes of it.
#[derive(Debug)]
pub(crate) struct Probe {
    buffer: Vec<u8>,
    counts: Arc<Counts>,
    prepares: u32,
    entries: u32,
    claims: u32,
    repeats: Option<bool>,
    panics_in: Option<Moment>,
}

impl Probe {
    pub(crate) fn new(counts: &Arc<Counts>) -> Probe {
        Probe::of_entries(counts, 1)
    }

    /// A probe of several entries.
    pub(crate) fn of_entries(counts: &Arc<Counts>, entries: u32) -> Probe {
        Probe {
            buffer: vec![0; CHUNK * entries as usize],
            counts: counts.clone(),
            prepares: 0,
            entries,
            claims: entries,
            repeats: None,
            panics_in: None,
        }
    }

    /// Asks for `claims` entries, however many it prepares.
    pub(crate) fn claiming(self, claims: u32) -> Probe {
        self.with(|probe| probe.claims = claims)
    }

    /// Answers so when asked whether to be submitted once more.
    pub(crate) fn repeating(self, repeats: bool) -> Probe {
        self.with(|probe| probe.repeats = Some(repeats))
    }

    pub(crate) fn panicking_in(self, moment: Moment) -> Probe {
        self.with(|probe| probe.panics_in = Some(moment))
    }

    fn with(mut self, change: impl FnOnce(&mut Probe)) -> Probe {
        change(&mut self);
        self
    }

    fn pass(&self, moment: Moment) {
        assert!(self.panics_in != Some(moment), "the probe panics in {moment:?}, as it was told");
    }
}

/// What a probe yields.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) result: io::Result<u32>,
    pub(crate) cqes: Vec<(i32, u32)>,
    pub(crate) buffer: Vec<u8>,
}

impl Answer {
    /// The result; negative where it is an error.
    pub(crate) fn number(&self) -> i32 {
        match &self.result {
            Ok(value) => *value as i32,
            Err(error) => -error.raw_os_error().unwrap_or(i32::MAX),
        }
    }
}

impl Event for Probe {
    type Output = Answer;

    fn sqes_needed(&self) -> u32 {
        self.claims
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        self.counts.prepared.fetch_add(1, Ordering::SeqCst);
        self.prepares += 1;
        self.pass(Moment::Prepare);
        if self.prepares > 1 {
            self.pass(Moment::PrepareAgain);
        }
        for step in 0..self.entries as usize {
            let chunk = self.buffer.as_mut_ptr().wrapping_add(step * CHUNK);
            // SAFETY: the memory is the event's own.
            let entry = unsafe { Sqe::new(opcode::READ) };
            sqes.push(entry.address(chunk).length(CHUNK as u32));
        }
    }

    fn complete(mut self, outcome: Outcome<'_, Self>) -> Answer {
        self.counts.completed.fetch_add(1, Ordering::SeqCst);
        self.pass(Moment::Complete);
        let cqes = outcome.cqes().iter().map(|cqe| (cqe.result, cqe.flags)).collect();
        let buffer = std::mem::take(&mut self.buffer);
        Answer { result: outcome.result(), cqes, buffer }
    }

    fn cancelled(self, _outcome: Outcome<'_, Self>) {
        self.counts.cancelled.fetch_add(1, Ordering::SeqCst);
        self.pass(Moment::Cancelled);
    }

    fn resubmit(&mut self, outcome: &Outcome<'_, Self>) -> bool {
        self.pass(Moment::Resubmit);
        self.repeats.unwrap_or(outcome.has_not_run())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.counts.dropped.fetch_add(1, Ordering::SeqCst);
        if !std::thread::panicking() {
            self.pass(Moment::Drop);
        }
    }
}

//! [`Meter`]: what is counted of a ring's entries while they come and go.
//!
//! | when | who calls | under the table's lock |
//! |---|---|---|
//! | entries are committed | [`OperationTable::insert`](crate::OperationTable) | yes |
//! | a CQE is noted | [`Noting::note`](crate::Noting) | yes |
//! | the rest | drivers, about what they alone know | no |
//!
//! A CQE says whose it is, and not what that was. So the entries in flight are remembered beside
//! the operations, in the same places of the table.

use std::sync::OnceLock;
use std::time::Instant;

use smallvec::SmallVec;

use super::histogram::Histogram;
use super::{Metering, Metrics, OTHER, OpcodeMetrics};
use crate::cqe::Cqe;
use crate::opcode;
use crate::sharing::{Sharing, Word};
use crate::sync::Ordering;

/// One for each opcode that has a name, and one for all others.
const ROWS: usize = opcode::URING_CMD128 as usize + 2;

/// The time of an entry that has been answered, or is not measured.
const NOT_TIMED: u64 = u64::MAX;

/// The time of a ring that the system's clock is good for.
const NOT_TOLD: u64 = u64::MAX;

/// The numbers as they grow, and what they are made of.
///
/// Relaxed throughout: none of them guards anything.
pub(crate) struct Meter<S: Sharing> {
    rows: Box<[Row<S>]>,
    /// Whether it is measured how long operations take.
    timed: bool,
    /// Whether all entries are executed inside the process.
    inside: bool,
    /// The beginning of time.
    began: Instant,
    /// What time it is where another clock than the system's says so.
    told: S::Word,
}

/// The numbers of one opcode.
struct Row<S: Sharing> {
    submitted: S::Word,
    succeeded: S::Word,
    failed: S::Word,
    cancelled: S::Word,
    items: S::Word,
    repeated: S::Word,
    disposed: S::Word,
    served_at_once: S::Word,
    executed_inside: S::Word,
    /// Made with the first entry, where there is to be one.
    histogram: OnceLock<Histogram<S>>,
}

/// The entries of the operation in a place of the table, by step; none of one that is not counted.
pub(crate) type Entries = SmallVec<[Entry; 1]>;

/// An entry in flight.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    opcode: u8,
    /// When it was committed.
    since: u64,
}

impl<S: Sharing> Meter<S> {
    /// What is to be kept, if anything is.
    pub(crate) fn new(metering: Metering) -> Option<Box<Meter<S>>> {
        let timed = match metering {
            Metering::Off => return None,
            Metering::Counts => false,
            Metering::Latencies => true,
        };
        Some(Box::new(Meter {
            rows: (0..ROWS).map(|_| Row::new()).collect(),
            timed,
            inside: false,
            began: Instant::now(),
            told: S::Word::new(NOT_TOLD),
        }))
    }

    /// Says that all entries are executed inside the process.
    pub(crate) fn set_inside(&mut self) {
        self.inside = true;
    }

    /// From now on it is `nanoseconds` after the beginning of time, until the next call says
    /// otherwise.
    pub(crate) fn tell_time(&self, nanoseconds: u64) {
        self.told.store(nanoseconds, Ordering::Relaxed);
    }

    /// What time it is, in nanoseconds, where that is of interest.
    pub(crate) fn now(&self) -> u64 {
        if !self.timed {
            return NOT_TIMED;
        }
        match self.told.load(Ordering::Relaxed) {
            NOT_TOLD => u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(NOT_TIMED - 1),
            told => told,
        }
    }

    fn row(&self, opcode: u8) -> &Row<S> {
        &self.rows[usize::from(opcode).min(ROWS - 1)]
    }

    /// Entries of these opcodes have been committed, and are remembered as those `in_place`.
    pub(crate) fn committed(&self, opcodes: impl Iterator<Item = u8>, in_place: &mut Entries) {
        let since = self.now();
        in_place.clear();
        for opcode in opcodes {
            let row = self.row(opcode);
            if self.timed {
                row.histogram.get_or_init(Histogram::new);
            }
            add(&row.submitted, 1);
            add(&row.executed_inside, u64::from(self.inside));
            in_place.push(Entry { opcode, since });
        }
    }

    /// Entries that were committed are the driver's own, and not to be counted.
    pub(crate) fn disregard(&self, in_place: &mut Entries) {
        for entry in in_place.drain(..) {
            let row = self.row(entry.opcode);
            add(&row.submitted, 1_u64.wrapping_neg());
            add(&row.executed_inside, u64::from(self.inside).wrapping_neg());
        }
    }

    /// A CQE of an entry has been noted.
    pub(crate) fn answered(&self, entry: &mut Entry, cqe: &Cqe) {
        let row = self.row(entry.opcode);
        if cqe.has_more() {
            add(&row.items, 1);
        } else {
            row.end(entry.opcode, cqe);
        }
        let since = std::mem::replace(&mut entry.since, NOT_TIMED);
        if since != NOT_TIMED && !cqe.has_not_run() {
            row.took(self.now().saturating_sub(since));
        }
    }

    /// An operation that had begun at `since` has been served by a system call.
    pub(crate) fn served_at_once(&self, opcode: u8, result: i32, since: u64) {
        let row = self.row(opcode);
        add(&row.submitted, 1);
        add(&row.served_at_once, 1);
        row.end(opcode, &Cqe { result, ..Cqe::default() });
        if since != NOT_TIMED {
            row.histogram.get_or_init(Histogram::new);
            row.took(self.now().saturating_sub(since));
        }
    }

    /// Entries of an operation have been committed once more.
    pub(crate) fn repeated(&self, in_place: &Entries) {
        in_place.iter().for_each(|entry| add(&self.row(entry.opcode).repeated, 1));
    }

    /// An entry is executed inside the process, unlike others of the ring.
    pub(crate) fn executed_inside(&self, entry: &Entry) {
        add(&self.row(entry.opcode).executed_inside, 1);
    }

    /// Results of operations that began with these entries have been disposed of.
    pub(crate) fn disposed(&self, opcodes: &[u8]) {
        opcodes.iter().for_each(|opcode| add(&self.row(*opcode).disposed, 1));
    }

    pub(crate) fn snapshot(&self) -> Metrics {
        let numbered = self.rows.iter().enumerate();
        let used = numbered.filter(|(_, row)| row.submitted.load(Ordering::Relaxed) > 0);
        let opcode = |row| u8::try_from(row).ok().filter(|&row| usize::from(row) < ROWS - 1);
        Metrics::new(used.map(|(n, row)| row.snapshot(opcode(n).unwrap_or(OTHER))).collect())
    }
}

impl<S: Sharing> Row<S> {
    fn new() -> Row<S> {
        let zero = || S::Word::new(0);
        Row {
            submitted: zero(),
            succeeded: zero(),
            failed: zero(),
            cancelled: zero(),
            items: zero(),
            repeated: zero(),
            disposed: zero(),
            served_at_once: zero(),
            executed_inside: zero(),
            histogram: OnceLock::new(),
        }
    }

    /// An entry has ended with `cqe`.
    fn end(&self, opcode: u8, cqe: &Cqe) {
        // How the kernel says that the time has come.
        let timer = matches!(opcode, opcode::TIMEOUT | opcode::LINK_TIMEOUT);
        let word = if cqe.result >= 0 || timer && cqe.failed_with(libc::ETIME) {
            &self.succeeded
        } else if cqe.has_not_run() {
            &self.cancelled
        } else {
            &self.failed
        };
        add(word, 1);
    }

    fn took(&self, nanoseconds: u64) {
        if let Some(histogram) = self.histogram.get() {
            histogram.record(nanoseconds);
        }
    }

    fn snapshot(&self, opcode: u8) -> OpcodeMetrics {
        let read = |word: &S::Word| word.load(Ordering::Relaxed);
        let [succeeded, failed, cancelled] =
            [&self.succeeded, &self.failed, &self.cancelled].map(read);
        // Last, so that it has all that has ended.
        let submitted = read(&self.submitted);
        OpcodeMetrics {
            opcode,
            submitted,
            succeeded,
            failed,
            cancelled,
            in_flight: submitted.saturating_sub(succeeded + failed + cancelled),
            items: read(&self.items),
            repeated: read(&self.repeated),
            disposed: read(&self.disposed),
            served_at_once: read(&self.served_at_once),
            executed_inside: read(&self.executed_inside),
            latencies: self.histogram.get().map(Histogram::snapshot),
        }
    }
}

/// Adds to a number, unless there is nothing to add.
fn add(word: &impl Word, count: u64) {
    if count != 0 {
        word.add(count, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sharing::Local;

    fn cqe(result: i32, flags: u32) -> Cqe {
        Cqe { result, flags, ..Cqe::default() }
    }

    fn meter() -> Box<Meter<Local>> {
        let meter = Meter::new(Metering::Latencies).expect("it is to keep something");
        meter.tell_time(0);
        meter
    }

    /// What comes of the answers to an entry of `opcode`.
    fn answered_with(opcode: u8, answers: &[Cqe]) -> OpcodeMetrics {
        let meter = meter();
        let mut entries = Entries::new();
        meter.committed([opcode].into_iter(), &mut entries);
        for (n, answer) in answers.iter().enumerate() {
            meter.tell_time((n as u64 + 1) * 1024);
            meter.answered(&mut entries[0], answer);
        }
        let figures = meter.snapshot().of(opcode);
        assert_eq!(figures.submitted, 1);
        assert_eq!(figures.submitted, figures.completed() + figures.in_flight);
        figures
    }

    #[test]
    fn an_entry_ends_in_one_of_three_ways() {
        for (opcode, result, expected) in [
            (opcode::READ, 0, (1, 0, 0)),
            (opcode::READ, -libc::EIO, (0, 1, 0)),
            (opcode::READ, -libc::ECANCELED, (0, 0, 1)),
            (opcode::READ, -512, (0, 0, 1)),
            (opcode::READ, -libc::ETIME, (0, 1, 0)),
            (opcode::TIMEOUT, -libc::ETIME, (1, 0, 0)),
        ] {
            let figures = answered_with(opcode, &[cqe(result, 0)]);
            let ended = (figures.succeeded, figures.failed, figures.cancelled);
            assert_eq!(ended, expected, "{result} of opcode {opcode}");
            let measured = figures.latencies.unwrap().count();
            assert_eq!(measured, u64::from(figures.cancelled == 0), "{result} of opcode {opcode}");
        }
    }

    #[test]
    fn of_several_cqes_the_first_is_timed_and_only_the_last_ends() {
        const MORE: u32 = 1 << 1;
        let answers = [cqe(1, MORE), cqe(1, MORE), cqe(-libc::ECANCELED, 0)];
        let figures = answered_with(opcode::RECV, &answers);
        assert_eq!((figures.items, figures.cancelled), (2, 1));
        let latencies = figures.latencies.unwrap();
        assert_eq!((latencies.count(), latencies.sum().as_nanos()), (1, 1024));
        assert_eq!(answered_with(opcode::RECV, &answers[..1]).in_flight, 1);
    }

    #[test]
    fn opcodes_without_a_name_are_counted_together() {
        for opcode in [opcode::URING_CMD128 + 1, 200, 255] {
            let meter = meter();
            let mut entries = Entries::new();
            meter.committed([opcode].into_iter(), &mut entries);
            let metrics = meter.snapshot();
            assert_eq!(metrics.opcodes().len(), 1);
            assert_eq!(
                (metrics.opcodes()[0].name(), metrics.opcodes()[0].opcode),
                ("OTHER", OTHER)
            );
        }
        assert_eq!(opcode::name(ROWS as u8 - 2), Some("URING_CMD128"));
        assert_eq!(opcode::name(ROWS as u8 - 1), None);
    }

    #[test]
    fn what_is_disregarded_leaves_no_trace() {
        let meter = meter();
        let mut entries = Entries::new();
        meter.committed([opcode::NOP, opcode::READ].into_iter(), &mut entries);
        meter.disregard(&mut entries);
        assert!(entries.is_empty());
        assert_eq!(meter.snapshot(), Metrics::default());
    }
}

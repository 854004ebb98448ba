//! [`Metrics`]: what a ring has done, opcode by opcode.
//!
//! | | who keeps it | what it costs |
//! |---|---|---|
//! | nothing | [`Metering::Off`] | a test of a word for each entry and each CQE |
//! | counts | [`Metering::Counts`] | some words for each opcode, and one that grows at each of the two |
//! | latencies | [`Metering::Latencies`] | the clock read twice, and 8 KiB for each opcode in use |
//!
//! They are kept by the [operation table](crate::OperationTable), through which all entries and
//! CQEs of a ring pass; so every driver has them, and none has to count. A table that is not told
//! to keep them makes no room for them.
//!
//! What is counted is an entry: a chain counts each of its operations under its own opcode, and an
//! operation that goes round again counts once more. The sums are exact whenever nothing is going
//! on; meanwhile each number is on its way by itself.

use std::iter::Sum;

pub(crate) mod histogram;
pub(crate) mod meter;

use crate::opcode;
use histogram::Latencies;

/// Whether a ring keeps [`Metrics`], and which.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Metering {
    /// It keeps none, unless told.
    #[default]
    Off,
    /// It counts what becomes of the entries of each opcode.
    Counts,
    /// It counts, and measures how long operations take.
    Latencies,
}

/// What a ring has done, opcode by opcode: a snapshot.
///
/// # Examples
///
/// ```
/// use ringbahn_core::Metrics;
///
/// # let (earlier, later) = (Metrics::default(), Metrics::default());
/// // What has been done between two snapshots:
/// let lately: Metrics = later.since(&earlier);
/// for figures in lately.opcodes() {
///     println!("{}: {} submitted, {} failed", figures.name(), figures.submitted, figures.failed);
/// }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metrics {
    /// Those that were used, by number.
    opcodes: Vec<OpcodeMetrics>,
}

/// What a ring has done with the entries of one opcode.
///
/// `submitted` is what has ended, `succeeded + failed + cancelled`, and what is `in_flight`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct OpcodeMetrics {
    /// The opcode, one of [`opcode`](crate::opcode); 255 stands for all that are not among them.
    pub opcode: u8,
    /// Entries that were committed to the queue, and operations that were served at once.
    pub submitted: u64,
    /// Those that have ended with a result; a timeout whose time has come is one.
    pub succeeded: u64,
    /// Those that have ended with an error.
    pub failed: u64,
    /// Those that have ended before they had done anything: `ECANCELED` or `EINTR`, because of a
    /// cancel, a broken chain, or the end of the thread that submitted them. Of a stream, those
    /// that were stopped, whatever they had brought before.
    pub cancelled: u64,
    /// Those that have not ended.
    pub in_flight: u64,
    /// CQEs after which there were more: items of streams, and the lengths of zero-copy sends. The
    /// last CQE of an entry is not among them.
    pub items: u64,
    /// Entries among `submitted` of operations that went round again: those that had ended without
    /// anybody having asked, or with a part left to do.
    pub repeated: u64,
    /// Operations whose result came when nobody waited any more, and was disposed of; one of
    /// several entries counts under its first.
    pub disposed: u64,
    /// Those among `submitted` that were served at once by a system call, and never came to the
    /// ring.
    pub served_at_once: u64,
    /// Those among `submitted` that were executed inside the process and not by the kernel's
    /// io_uring: all of a driver on the fallback, and what an older kernel does not know.
    pub executed_inside: u64,
    /// How long they took, where that is measured.
    pub latencies: Option<Latencies>,
}

/// The `opcode` of what has no name.
const OTHER: u8 = u8::MAX;

impl Metrics {
    pub(crate) fn new(opcodes: Vec<OpcodeMetrics>) -> Metrics {
        Metrics { opcodes }
    }

    /// The opcodes that were used, by number.
    pub fn opcodes(&self) -> &[OpcodeMetrics] {
        &self.opcodes
    }

    /// The figures of one opcode; all 0 where it was not used.
    pub fn of(&self, opcode: u8) -> OpcodeMetrics {
        let found = self.opcodes.iter().find(|figures| figures.opcode == opcode);
        found.cloned().unwrap_or_else(|| OpcodeMetrics { opcode, ..OpcodeMetrics::default() })
    }

    /// The figures of all opcodes together; its `opcode` is 255.
    pub fn total(&self) -> OpcodeMetrics {
        let total = OpcodeMetrics { opcode: OTHER, ..OpcodeMetrics::default() };
        self.opcodes.iter().fold(total, |total, figures| total.plus(figures))
    }

    /// What has been done since `earlier`, a snapshot of the same ring or rings. What is
    /// `in_flight` stays as it is.
    #[must_use]
    pub fn since(&self, earlier: &Metrics) -> Metrics {
        let less = |figures: &OpcodeMetrics| figures.minus(&earlier.of(figures.opcode));
        Metrics { opcodes: self.opcodes.iter().map(less).collect() }
    }
}

/// What several rings have done together.
impl Sum for Metrics {
    fn sum<I: Iterator<Item = Metrics>>(rings: I) -> Metrics {
        let mut sum = Metrics::default();
        for figures in rings.flat_map(|ring| ring.opcodes) {
            match sum.opcodes.binary_search_by_key(&figures.opcode, |known| known.opcode) {
                Ok(place) => sum.opcodes[place] = sum.opcodes[place].plus(&figures),
                Err(place) => sum.opcodes.insert(place, figures),
            }
        }
        sum
    }
}

impl OpcodeMetrics {
    /// The kernel's name of the opcode, without `IORING_OP_`; `OTHER` for what has none.
    pub fn name(&self) -> &'static str {
        opcode::name(self.opcode).unwrap_or("OTHER")
    }

    /// The entries that have ended, in whatever way.
    pub fn completed(&self) -> u64 {
        self.succeeded + self.failed + self.cancelled
    }

    fn plus(&self, other: &OpcodeMetrics) -> OpcodeMetrics {
        let latencies = match (&self.latencies, &other.latencies) {
            (Some(mine), Some(others)) => Some(mine.plus(others)),
            (one, None) | (None, one) => one.clone(),
        };
        OpcodeMetrics {
            in_flight: self.in_flight + other.in_flight,
            latencies,
            ..self.by_count(other, u64::wrapping_add)
        }
    }

    fn minus(&self, earlier: &OpcodeMetrics) -> OpcodeMetrics {
        let latencies = match (&self.latencies, &earlier.latencies) {
            (Some(later), Some(earlier)) => Some(later.since(earlier)),
            (later, _) => later.clone(),
        };
        OpcodeMetrics {
            in_flight: self.in_flight,
            latencies,
            ..self.by_count(earlier, u64::saturating_sub)
        }
    }

    /// The counts of both, made one by `merge`.
    fn by_count(&self, other: &OpcodeMetrics, merge: fn(u64, u64) -> u64) -> OpcodeMetrics {
        OpcodeMetrics {
            opcode: self.opcode,
            submitted: merge(self.submitted, other.submitted),
            succeeded: merge(self.succeeded, other.succeeded),
            failed: merge(self.failed, other.failed),
            cancelled: merge(self.cancelled, other.cancelled),
            in_flight: 0,
            items: merge(self.items, other.items),
            repeated: merge(self.repeated, other.repeated),
            disposed: merge(self.disposed, other.disposed),
            served_at_once: merge(self.served_at_once, other.served_at_once),
            executed_inside: merge(self.executed_inside, other.executed_inside),
            latencies: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(opcode: u8, submitted: u64, succeeded: u64) -> OpcodeMetrics {
        let in_flight = submitted - succeeded;
        OpcodeMetrics { opcode, submitted, succeeded, in_flight, ..OpcodeMetrics::default() }
    }

    #[test]
    fn a_difference_counts_what_came_between_and_keeps_what_is_in_flight() {
        let earlier = Metrics::new(vec![of(opcode::NOP, 5, 5)]);
        let later = Metrics::new(vec![of(opcode::NOP, 9, 7), of(opcode::READ, 2, 2)]);
        let between = later.since(&earlier);
        assert_eq!((between.of(opcode::NOP).submitted, between.of(opcode::NOP).succeeded), (4, 2));
        assert_eq!(between.of(opcode::NOP).in_flight, 2);
        assert_eq!(between.of(opcode::READ), of(opcode::READ, 2, 2));
        assert_eq!(between.of(opcode::WRITE), of(opcode::WRITE, 0, 0));
    }

    #[test]
    fn the_sum_of_rings_has_every_opcode_once_and_in_order() {
        let rings = [
            Metrics::new(vec![of(opcode::READ, 1, 1)]),
            Metrics::new(vec![of(opcode::NOP, 2, 1), of(opcode::READ, 3, 3)]),
        ];
        let sum: Metrics = rings.into_iter().sum();
        assert_eq!(sum.opcodes(), [of(opcode::NOP, 2, 1), of(opcode::READ, 4, 4)]);
        assert_eq!(
            (sum.total().submitted, sum.total().completed(), sum.total().in_flight),
            (6, 5, 1)
        );
        assert_eq!(sum.total().name(), "OTHER");
    }
}

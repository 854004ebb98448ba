//! [`Histogram`]: how often something took how long, in buckets whose width grows with the time.
//!
//! Sixteen buckets halve each octave four times, so that a bucket is at most a sixteenth as wide as
//! the times in it are long:
//!
//! | nanoseconds | width | buckets |
//! |---|---|---|
//! | 1 to 16 | 1 | 16 |
//! | 17 to 32 | 1 | 16 |
//! | 33 to 64 | 2 | 16 |
//! | 65 to 128 | 4 | 16 |
//! | … | twice the one before | 16 |
//!
//! A bucket holds its upper end and not its lower one. So a power of two ends a bucket, and what
//! took no longer than that is counted exactly.

use std::time::Duration;

use crate::sharing::{Sharing, Word};
use crate::sync::Ordering;

/// How many buckets an octave has, as a power of two.
const FINENESS: u32 = 4;
const PER_OCTAVE: u64 = 1 << FINENESS;

/// As many buckets as it takes for every number of nanoseconds that fits into 64 bits.
const BUCKETS: usize = ((u64::BITS - FINENESS + 1) << FINENESS) as usize;

/// The bucket of so many nanoseconds.
#[inline]
fn bucket_of(nanoseconds: u64) -> usize {
    // By one less, so that a bucket ends with a round number and does not begin with it.
    let below = nanoseconds.saturating_sub(1);
    if below < PER_OCTAVE {
        return below as usize;
    }
    let octave = below.ilog2() - FINENESS;
    let within = (below >> octave) & (PER_OCTAVE - 1);
    ((u64::from(octave + 1) << FINENESS) + within) as usize
}

/// The longest time in a bucket, in nanoseconds.
fn end_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < PER_OCTAVE {
        return bucket + 1;
    }
    let octave = (bucket >> FINENESS) - 1;
    let within = u128::from(bucket & (PER_OCTAVE - 1));
    let end = (u128::from(PER_OCTAVE) + within + 1) << octave;
    u64::try_from(end).unwrap_or(u64::MAX)
}

/// The numbers as they grow. Relaxed throughout: none of them guards anything.
pub(crate) struct Histogram<S: Sharing> {
    buckets: Box<[S::Word]>,
    sum: S::Word,
    max: S::Word,
}

impl<S: Sharing> Histogram<S> {
    pub(crate) fn new() -> Histogram<S> {
        Histogram {
            buckets: (0..BUCKETS).map(|_| S::Word::new(0)).collect(),
            sum: S::Word::new(0),
            max: S::Word::new(0),
        }
    }

    /// Something took so many nanoseconds.
    pub(crate) fn record(&self, nanoseconds: u64) {
        self.buckets[bucket_of(nanoseconds)].add(1, Ordering::Relaxed);
        self.sum.add(nanoseconds, Ordering::Relaxed);
        self.max.raise(nanoseconds, Ordering::Relaxed);
    }

    pub(crate) fn snapshot(&self) -> Latencies {
        let read = |word: &S::Word| word.load(Ordering::Relaxed);
        Latencies {
            buckets: self.buckets.iter().map(read).collect(),
            sum: read(&self.sum),
            max: read(&self.max),
        }
    }
}

/// How long the operations of one opcode took: a snapshot of a histogram.
///
/// A time is known to a sixteenth; `sum` and `max` are exact. The time of an entry goes from its
/// commit to the queue until its first CQE is read; that of an operation that was served at once is
/// that of the system call. So there is one for each entry that has had a CQE: of a stream, and of
/// a zero-copy send, that is the first of several. Entries that ended before they had done anything
/// have none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Latencies {
    buckets: Box<[u64]>,
    sum: u64,
    max: u64,
}

impl Latencies {
    /// How many times were measured.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// The longest of them. In a [difference](crate::Metrics::since) that of the later snapshot,
    /// or the end of the last bucket that has changed where that is less.
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The time that the fraction `quantile` of all, from 0 to 1, did not exceed, and at most a
    /// sixteenth more; `None` where nothing was measured.
    ///
    /// # Panics
    ///
    /// Where `quantile` is no such fraction.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        assert!((0.0..=1.0).contains(&quantile), "a quantile is a fraction: {quantile}");
        let count = self.count();
        let wanted = ((count as f64 * quantile).ceil() as u64).clamp(1, count.max(1));
        let mut seen = 0;
        let found = self.buckets.iter().position(|bucket| {
            seen += bucket;
            seen >= wanted
        });
        found.map(|bucket| Duration::from_nanos(end_of(bucket).min(self.max)))
    }

    /// How many took no longer than `time`: exactly, where it is a power of two of nanoseconds;
    /// otherwise those in the bucket that `time` lies in are left out.
    pub fn at_most(&self, time: Duration) -> u64 {
        let time = u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let ends = |bucket: usize| end_of(bucket) <= time;
        self.buckets.iter().enumerate().filter(|(bucket, _)| ends(*bucket)).map(|(_, n)| n).sum()
    }

    /// The buckets that are not empty, in their order: the longest time in each, and how many took
    /// as long.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let buckets = self.buckets.iter().copied().enumerate().filter(|(_, count)| *count > 0);
        buckets.map(|(bucket, count)| (Duration::from_nanos(end_of(bucket)), count))
    }

    pub(crate) fn plus(&self, other: &Latencies) -> Latencies {
        let pairs = self.buckets.iter().zip(&other.buckets);
        Latencies {
            buckets: pairs.map(|(mine, others)| mine + others).collect(),
            sum: self.sum.wrapping_add(other.sum),
            max: self.max.max(other.max),
        }
    }

    pub(crate) fn since(&self, earlier: &Latencies) -> Latencies {
        let pairs = self.buckets.iter().zip(&earlier.buckets);
        let buckets: Box<[u64]> =
            pairs.map(|(later, earlier)| later.saturating_sub(*earlier)).collect();
        let last = buckets.iter().rposition(|count| *count > 0);
        Latencies {
            buckets,
            sum: self.sum.wrapping_sub(earlier.sum),
            max: last.map_or(0, |last| end_of(last).min(self.max)),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::sharing::{Local, Shared};

    #[test]
    fn every_time_lies_in_one_bucket_no_wider_than_a_sixteenth_of_it() {
        let mut end_before = 0;
        for bucket in 0..BUCKETS {
            let end = end_of(bucket);
            assert!(end > end_before, "bucket {bucket}");
            assert_eq!(bucket_of(end_before + 1), bucket);
            assert_eq!(bucket_of(end), bucket);
            assert!(end - end_before <= 1.max((end_before + 1) / 16), "bucket {bucket}");
            end_before = end;
        }
        assert_eq!(end_before, u64::MAX);
        assert_eq!(bucket_of(0), 0);
    }

    #[test]
    fn quantiles_are_true_to_a_sixteenth() {
        let histogram = Histogram::<Shared>::new();
        for microseconds in 1..=1000 {
            histogram.record(microseconds * 1000);
        }
        let latencies = histogram.snapshot();
        assert_eq!(latencies.count(), 1000);
        assert_eq!(latencies.sum(), Duration::from_micros(500_500));
        assert_eq!(latencies.max(), Duration::from_millis(1));
        for (quantile, exact) in [(0.0, 1), (0.001, 1), (0.5, 500), (0.99, 990), (1.0, 1000)] {
            let exact = Duration::from_micros(exact);
            let found = latencies.quantile(quantile).unwrap();
            assert!((exact..=exact * 17 / 16).contains(&found), "{quantile}: {found:?}");
        }
        assert_eq!(Histogram::<Local>::new().snapshot().quantile(0.5), None);
    }

    #[test]
    fn what_took_no_longer_than_a_power_of_two_is_counted_exactly() {
        let histogram = Histogram::<Local>::new();
        for nanoseconds in [0, 1, 1023, 1024, 1025, 4096] {
            histogram.record(nanoseconds);
        }
        let latencies = histogram.snapshot();
        for (nanoseconds, expected) in [(1, 2), (1024, 4), (2048, 5), (4096, 6), (u64::MAX, 6)] {
            assert_eq!(latencies.at_most(Duration::from_nanos(nanoseconds)), expected);
        }
        assert_eq!(latencies.at_most(Duration::MAX), 6);
        assert_eq!(latencies.buckets().map(|(_, count)| count).sum::<u64>(), 6);
    }

    #[test]
    fn a_difference_has_what_came_between() {
        let histogram = Histogram::<Local>::new();
        histogram.record(1 << 20);
        let earlier = histogram.snapshot();
        assert_eq!(earlier.since(&earlier).max(), Duration::ZERO);
        histogram.record(100);
        let lately = histogram.snapshot().since(&earlier);
        assert_eq!((lately.count(), lately.sum()), (1, Duration::from_nanos(100)));
        assert_eq!(lately.max(), Duration::from_nanos(100));
        assert_eq!(lately.plus(&earlier).buckets, histogram.snapshot().buckets);
    }
}

//! [`Measured`]: what a trial came to.

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};

use super::case::Figure;
use super::contender::Backend;

/// What a trial came to.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// How many operations were done.
    pub(crate) operations: u64,
    pub(crate) wall_nanoseconds: u64,
    /// How long the threads of the process ran, those of the kernel that serve it included.
    pub(crate) processor_nanoseconds: u64,
    /// How long others have run on its processor meanwhile, to some 10 ms.
    pub(crate) others_nanoseconds: u64,
    /// `None` where it was not counted, or must not be.
    pub(crate) system_calls: Option<u64>,
    /// 0 where it was not counted.
    pub(crate) allocations: u64,
    /// How many bytes of its memory were in RAM at the end; of idle connections, how many more than
    /// before the first.
    pub(crate) resident: u64,
    /// `None` where none were measured.
    pub(crate) latencies: Option<Latencies>,
    pub(crate) backend: Backend,
}

/// How long operations took, in nanoseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Latencies {
    pub(crate) p50: u64,
    pub(crate) p99: u64,
    pub(crate) p999: u64,
    pub(crate) maximum: u64,
}

impl Measured {
    /// The figure for one operation; not a number if there was none.
    pub(crate) fn figure(&self, figure: Figure) -> f64 {
        let all = match figure {
            Figure::WallTime => self.wall_nanoseconds,
            Figure::ProcessorTime => self.processor_nanoseconds,
            Figure::Memory => self.resident,
        };
        all as f64 / self.operations as f64
    }

    /// How many operations there were in a second.
    pub(crate) fn throughput(&self) -> f64 {
        self.operations as f64 * 1e9 / self.wall_nanoseconds as f64
    }
}

impl Latencies {
    /// `None` if the histogram is empty.
    pub(crate) fn of(histogram: &Histogram<u64>) -> Option<Latencies> {
        (!histogram.is_empty()).then(|| Latencies {
            p50: histogram.value_at_quantile(0.5),
            p99: histogram.value_at_quantile(0.99),
            p999: histogram.value_at_quantile(0.999),
            maximum: histogram.max(),
        })
    }
}

//! [`PrometheusText`]: what drivers have done, for Prometheus to collect.

use std::fmt;
use std::time::Duration;

use ringbahn_core::{Latencies, Metrics, OpcodeMetrics};

use crate::counters::Counters;

/// What drivers have done, in the text format that Prometheus collects.
///
/// It is written by [`Display`](fmt::Display), with one sample for each driver, or for each driver
/// and opcode; serve it with the content type [`PrometheusText::CONTENT_TYPE`]. Each driver has a
/// name, which is told by the label `driver`.
///
/// | metric | labels besides | kind |
/// |---|---|---|
/// | `ringbahn_operations_submitted_total`, `…_repeated_total`, `…_disposed_total`, `…_served_at_once_total`, `…_executed_inside_total`, `…_items_total` | `opcode` | counter |
/// | `ringbahn_operations_completed_total` | `opcode`, `result`: `succeeded`, `failed` or `cancelled` | counter |
/// | `ringbahn_operations_in_flight` | `opcode` | gauge |
/// | `ringbahn_operation_duration_seconds` | `opcode`, `le` | histogram |
/// | `ringbahn_driver_enters_total`, `…_failed_enters_total`, `…_full_queue_waits_total`, `…_overflows_total`, `…_unknown_cqes_total`, `…_panics_total`, `…_cancels_total` | | counter |
///
/// What they mean is told at the fields of [`OpcodeMetrics`] and [`Counters`]. The buckets of the
/// histogram end at powers of two of nanoseconds, from 1.024 microseconds to 17 seconds, where it
/// is exact.
///
/// # Examples
///
/// ```
/// use ringbahn_core::Metering;
/// use ringbahn_drivers::{PrometheusText, SharedDriver};
///
/// # fn main() -> std::io::Result<()> {
/// # if SharedDriver::new().is_err() { return Ok(()) }
/// let driver = SharedDriver::builder().entries(8).metering(Metering::Latencies).build()?;
/// let mut text = PrometheusText::new().counters("main", driver.counters());
/// if let Some(metrics) = driver.metrics() {
///     text = text.metrics("main", metrics);
/// }
/// assert!(text.to_string().contains("ringbahn_driver_overflows_total{driver=\"main\"} 0\n"));
/// # Ok(())
/// # }
/// ```
///
/// # References
///
/// [Exposition formats](https://prometheus.io/docs/instrumenting/exposition_formats/)
#[derive(Clone, Debug, Default)]
pub struct PrometheusText {
    counters: Vec<(String, Counters)>,
    metrics: Vec<(String, Metrics)>,
}

/// The shortest and the longest end of a bucket, as powers of two of nanoseconds.
const ENDS: std::ops::RangeInclusive<u32> = 10..=34;

/// A metric with a number for each `T`.
struct Family<T> {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    value: fn(&T) -> u64,
}

const fn counter<T>(name: &'static str, help: &'static str, value: fn(&T) -> u64) -> Family<T> {
    Family { name, help, kind: "counter", value }
}

const BY_OPCODE: [Family<OpcodeMetrics>; 7] = [
    counter(
        "ringbahn_operations_submitted_total",
        "Entries that were committed to the queue, and operations that were served at once.",
        |it| it.submitted,
    ),
    counter("ringbahn_operations_items_total", "CQEs after which there were more.", |it| it.items),
    counter(
        "ringbahn_operations_repeated_total",
        "Entries of operations that went round again.",
        |it| it.repeated,
    ),
    counter(
        "ringbahn_operations_disposed_total",
        "Operations whose result came when nobody waited any more.",
        |it| it.disposed,
    ),
    counter(
        "ringbahn_operations_served_at_once_total",
        "Operations that a system call served, and not the ring.",
        |it| it.served_at_once,
    ),
    counter(
        "ringbahn_operations_executed_inside_total",
        "Entries that the process executed by itself.",
        |it| it.executed_inside,
    ),
    Family {
        name: "ringbahn_operations_in_flight",
        help: "Entries that have not ended.",
        kind: "gauge",
        value: |it| it.in_flight,
    },
];

const BY_DRIVER: [Family<Counters>; 7] = [
    counter("ringbahn_driver_enters_total", "Calls of io_uring_enter.", |it| it.enters),
    counter("ringbahn_driver_failed_enters_total", "Calls of io_uring_enter that failed.", |it| {
        it.failed_enters
    }),
    counter(
        "ringbahn_driver_full_queue_waits_total",
        "Polls that had to wait for room in the submission queue.",
        |it| it.full_queue_waits,
    ),
    counter(
        "ringbahn_driver_overflows_total",
        "Times that the completion queue had overflown.",
        |it| it.overflows,
    ),
    counter(
        "ringbahn_driver_unknown_cqes_total",
        "CQEs that belonged to nothing in flight.",
        |it| it.unknown_cqes,
    ),
    counter("ringbahn_driver_panics_total", "Wakers and events that panicked.", |it| it.panics),
    counter("ringbahn_driver_cancels_total", "Operations that a cancel was asked for.", |it| {
        it.cancelled
    }),
];

const COMPLETED: Family<OpcodeMetrics> = counter(
    "ringbahn_operations_completed_total",
    "Entries that have ended, and how.",
    OpcodeMetrics::completed,
);

const DURATION: Family<OpcodeMetrics> = Family {
    name: "ringbahn_operation_duration_seconds",
    help: "From the commit of an entry until its first CQE was read.",
    kind: "histogram",
    value: |it| it.latencies.as_ref().map_or(0, Latencies::count),
};

impl PrometheusText {
    /// What the HTTP header `Content-Type` is to say.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// Of no driver yet.
    pub fn new() -> PrometheusText {
        PrometheusText::default()
    }

    /// Adds what the driver called `driver` has done as a whole.
    #[must_use]
    pub fn counters(mut self, driver: impl Into<String>, counters: Counters) -> PrometheusText {
        self.counters.push((driver.into(), counters));
        self
    }

    /// Adds what the driver called `driver` has done opcode by opcode.
    #[must_use]
    pub fn metrics(mut self, driver: impl Into<String>, metrics: Metrics) -> PrometheusText {
        self.metrics.push((driver.into(), metrics));
        self
    }

    /// The figures that there are, and whose.
    fn figures(&self) -> impl Iterator<Item = (&str, &OpcodeMetrics)> {
        self.metrics.iter().flat_map(|(driver, metrics)| {
            metrics.opcodes().iter().map(move |figures| (driver.as_str(), figures))
        })
    }
}

impl fmt::Display for PrometheusText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for family in &BY_OPCODE {
            family.begin(f, self.figures().next().is_some())?;
            for (driver, figures) in self.figures() {
                let value = (family.value)(figures);
                writeln!(f, "{}{{{}}} {value}", family.name, Labels(driver, figures))?;
            }
        }
        COMPLETED.begin(f, self.figures().next().is_some())?;
        for (driver, figures) in self.figures() {
            for (result, value) in [
                ("succeeded", figures.succeeded),
                ("failed", figures.failed),
                ("cancelled", figures.cancelled),
            ] {
                let labels = Labels(driver, figures);
                writeln!(f, "{}{{{labels},result=\"{result}\"}} {value}", COMPLETED.name)?;
            }
        }
        DURATION.begin(f, self.figures().any(|(_, figures)| figures.latencies.is_some()))?;
        for (driver, figures) in self.figures() {
            if let Some(latencies) = &figures.latencies {
                write_histogram(f, &Labels(driver, figures), latencies)?;
            }
        }
        for family in &BY_DRIVER {
            family.begin(f, !self.counters.is_empty())?;
            for (driver, counters) in &self.counters {
                let value = (family.value)(counters);
                writeln!(f, "{}{{driver=\"{}\"}} {value}", family.name, Escaped(driver))?;
            }
        }
        Ok(())
    }
}

impl<T> Family<T> {
    /// Writes what the samples to come mean, if there are any.
    fn begin(&self, f: &mut fmt::Formatter<'_>, any: bool) -> fmt::Result {
        if !any {
            return Ok(());
        }
        writeln!(f, "# HELP {} {}", self.name, self.help)?;
        writeln!(f, "# TYPE {} {}", self.name, self.kind)
    }
}

fn write_histogram(
    f: &mut fmt::Formatter<'_>,
    labels: &Labels<'_>,
    latencies: &Latencies,
) -> fmt::Result {
    let name = DURATION.name;
    for end in ENDS {
        let end = Duration::from_nanos(1 << end);
        let count = latencies.at_most(end);
        writeln!(f, "{name}_bucket{{{labels},le=\"{}\"}} {count}", Seconds(end))?;
    }
    let count = latencies.count();
    writeln!(f, "{name}_bucket{{{labels},le=\"+Inf\"}} {count}")?;
    writeln!(f, "{name}_sum{{{labels}}} {}", Seconds(latencies.sum()))?;
    writeln!(f, "{name}_count{{{labels}}} {count}")
}

/// The labels of a sample of this driver and opcode.
struct Labels<'a>(&'a str, &'a OpcodeMetrics);

impl fmt::Display for Labels<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "driver=\"{}\",opcode=\"{}\"", Escaped(self.0), self.1.name())
    }
}

/// The value of a label, with what would end it or its line replaced.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write;

        for character in self.0.chars() {
            match character {
                '\\' => f.write_str("\\\\")?,
                '"' => f.write_str("\\\"")?,
                '\n' => f.write_str("\\n")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

/// A time in seconds, with every nanosecond and no zero that says nothing.
struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = format!("{}.{:09}", self.0.as_secs(), self.0.subsec_nanos());
        f.write_str(digits.trim_end_matches('0').trim_end_matches('.'))
    }
}

//! [`Standing`]: how a contender stands in a case, which is what all reports tell.

use super::case::Figure;
use super::contender::Family;
use super::measured::{Latencies, Measured};
use super::report::{CaseReport, Row};
use crate::sample::Sample;

/// The median of several rounds, and the quartiles. They are numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Quartiles {
    pub(crate) low: f64,
    pub(crate) median: f64,
    pub(crate) high: f64,
}

/// How a contender stands in a case. What was not measured is `None`.
#[derive(Clone, Debug)]
pub(crate) struct Standing<'a> {
    pub(crate) row: &'a Row,
    /// What is compared in this case, for one operation.
    pub(crate) figure: Option<Quartiles>,
    /// Operations in a second.
    pub(crate) throughput: Option<Quartiles>,
    /// Ratio of the figure to the one of the ring by hand, round by round.
    pub(crate) to_raw: Option<Quartiles>,
    /// Ratio of the figure to the one of the best peer, round by round.
    pub(crate) to_best_peer: Option<Quartiles>,
    /// Nanoseconds.
    pub(crate) p50: Option<Quartiles>,
    pub(crate) p99: Option<Quartiles>,
    pub(crate) p999: Option<Quartiles>,
    pub(crate) maximum: Option<Quartiles>,
    /// Nanoseconds of a processor for one operation.
    pub(crate) processor: Option<Quartiles>,
    /// System calls for one operation.
    pub(crate) system_calls: Option<f64>,
    /// Allocations for one operation.
    pub(crate) allocations: Option<f64>,
    /// Bytes.
    pub(crate) resident: Option<Quartiles>,
}

impl Quartiles {
    /// `None` if there is no number in the sample.
    pub(crate) fn of(sample: &Sample) -> Option<Quartiles> {
        let ((low, high), median) = (sample.spread(), sample.median());
        median.is_finite().then_some(Quartiles { low, median, high })
    }

    /// In ascending order.
    pub(crate) fn all(&self) -> [f64; 3] {
        [self.low, self.median, self.high]
    }
}

impl<'a> Standing<'a> {
    pub(crate) fn of(report: &CaseReport, row: &'a Row) -> Standing<'a> {
        let ratio = |base: Option<&Row>| Quartiles::of(&report.ratio(row, base?));
        let latency = |of: fn(&Latencies) -> u64| {
            let of = |round: &Measured| round.latencies.as_ref().map(|it| of(it) as f64);
            Quartiles::of(&row.sample(|round| of(round).unwrap_or(f64::NAN)))
        };
        let counted = row.counted.as_ref().filter(|counted| counted.operations > 0);
        let is_memory = report.figure == Figure::Memory;
        Standing {
            row,
            figure: Quartiles::of(&row.figures(report.figure)),
            // How fast connections were made that are then to wait is not what it is about.
            throughput: Quartiles::of(&row.sample(Measured::throughput)).filter(|_| !is_memory),
            to_raw: ratio(report.raw()),
            to_best_peer: ratio(report.best_peer()),
            p50: latency(|it| it.p50),
            p99: latency(|it| it.p99),
            p999: latency(|it| it.p999),
            maximum: latency(|it| it.maximum),
            processor: Quartiles::of(&row.figures(Figure::ProcessorTime)),
            system_calls: counted
                .and_then(|it| Some(it.system_calls? as f64 / it.operations as f64)),
            allocations: counted.map(|it| it.allocations as f64 / it.operations as f64),
            resident: Quartiles::of(&row.sample(|round| round.resident as f64)),
        }
    }

    /// All of a case, in the order of the report.
    pub(crate) fn all(report: &CaseReport) -> Vec<Standing<'_>> {
        report.rows.iter().map(|row| Standing::of(report, row)).collect()
    }

    /// All of a case, the best first and those without a figure last.
    pub(crate) fn sorted(report: &CaseReport) -> Vec<Standing<'_>> {
        let mut standings = Standing::all(report);
        standings.sort_by(|one, other| one.rank().total_cmp(&other.rank()));
        standings
    }

    /// The best of a family in a case.
    pub(crate) fn best(report: &CaseReport, family: Family) -> Option<Standing<'_>> {
        let mut standings = Standing::sorted(report).into_iter();
        standings.find(|it| it.row.family == family && it.figure.is_some())
    }

    fn rank(&self) -> f64 {
        self.figure.map_or(f64::INFINITY, |figure| figure.median)
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    #[test]
    fn ratios_are_medians_of_the_rounds_ratios() {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &[100.0, 200.0, 100.0]));
        case.rows.push(made::row("local", Family::Ringbahn, &[110.0, 220.0, 130.0]));
        case.rows.push(made::row("peer", Family::Peer, &[220.0, 440.0, 260.0]));
        let local = Standing::of(&case, &case.rows[1]);
        assert!((local.to_raw.unwrap().median - 1.1).abs() < 1e-9);
        assert!((local.to_raw.unwrap().high - 1.2).abs() < 1e-9);
        assert!((local.to_best_peer.unwrap().median - 0.5).abs() < 1e-9);
        assert_eq!(local.system_calls, Some(0.25));
        assert_eq!(local.allocations, Some(1.0));
        assert_eq!(local.throughput.unwrap().median, 1e9 / 130.0);
    }

    #[test]
    fn the_best_come_first_and_failures_last() {
        let mut case = made::nop(32);
        case.rows.push(made::failed("broken", Family::Peer, "it has ended too soon"));
        case.rows.push(made::row("slow", Family::Peer, &[300.0]));
        case.rows.push(made::row("fast", Family::Peer, &[200.0]));
        let names = Standing::sorted(&case).into_iter().map(|it| it.row.contender.clone());
        assert_eq!(names.collect::<Vec<_>>(), ["fast", "slow", "broken"]);
        assert_eq!(Standing::best(&case, Family::Peer).unwrap().row.contender, "fast");
        assert!(Standing::best(&case, Family::Ringbahn).is_none());
    }

    #[test]
    fn a_round_without_operations_has_no_figures() {
        let mut case = made::nop(1);
        case.rows.push(made::row("raw", Family::Raw, &[100.0]));
        let round = &mut case.rows[0].rounds[0];
        (round.operations, round.wall_nanoseconds) = (0, 0);
        case.rows[0].counted = Some(*round);
        let raw = Standing::of(&case, &case.rows[0]);
        assert!(raw.figure.is_none() && raw.throughput.is_none() && raw.to_raw.is_none());
        assert!(raw.processor.is_none() && raw.allocations.is_none());
    }
}

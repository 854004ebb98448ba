//! [`Column`]: what a table tells of the contenders of a case, wherever the table is.

use super::case::Figure;
use super::report::CaseReport;
use super::standing::{Quartiles, Standing};
use super::units::{self, NOTHING};

/// A column of a table: one cell for each contender.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) heading: String,
    /// What it tells, in a sentence.
    pub(crate) about: &'static str,
    pub(crate) cells: Vec<String>,
}

impl Column {
    /// The columns for these contenders. Those that would tell nothing are left out.
    pub(crate) fn all(report: &CaseReport, standings: &[Standing<'_>]) -> Vec<Column> {
        let figure = report.figure;
        let best_peer = report.best_peer().map_or("", |row| &row.contender);
        let column = |heading: &str, about, cell: &dyn Fn(&Standing<'_>) -> Option<String>| {
            let cell = |standing| cell(standing).unwrap_or_else(|| NOTHING.to_owned());
            let cells = standings.iter().map(cell).collect();
            Column { heading: heading.to_owned(), about, cells }
        };
        let median = |of: Option<Quartiles>, text: fn(f64) -> String| Some(text(of?.median));
        let mut columns = vec![
            column(units::name_of(figure), "Median of the rounds, and quartiles.", &|it| {
                Some(units::figure_with_spread(figure, it.figure?.all()))
            }),
            column(
                "× raw",
                "Over the ring by hand, round by round: median and quartiles.",
                &|it| {
                    let [low, median, high] = it.to_raw?.all();
                    let [low, high] = [low, high].map(|it| format!("{it:.2}"));
                    Some(format!("{} [{low}, {high}]", units::ratio(median)))
                },
            ),
            column(&format!("× {best_peer}"), "Over the best peer, round by round.", &|it| {
                median(it.to_best_peer, units::ratio)
            }),
            column("throughput", "Operations in a second.", &|it| {
                median(it.throughput, units::rate)
            }),
            column("p50", "Half of the operations took no longer.", &|it| {
                median(it.p50, units::time)
            }),
            column("p99", "All but one of 100 took no longer.", &|it| median(it.p99, units::time)),
            column("p99.9", "All but one of 1000 took no longer.", &|it| {
                median(it.p999, units::time)
            }),
            column("max", "The longest one.", &|it| median(it.maximum, units::time)),
        ];
        if figure != Figure::ProcessorTime {
            columns.push(column("CPU", "Time of a processor for each operation.", &|it| {
                median(it.processor, units::time)
            }));
        }
        columns.push(column("calls", "System calls for each operation.", &|it| {
            it.system_calls.map(units::count)
        }));
        columns.push(column("allocs", "Allocations for each operation.", &|it| {
            it.allocations.map(units::count)
        }));
        if figure != Figure::Memory {
            columns.push(column("RSS", "Memory of the process at the end.", &|it| {
                median(it.resident, units::bytes)
            }));
        }
        columns.retain(|column| column.cells.iter().any(|cell| cell != NOTHING));
        columns
    }
}

/// What is to be known about how a case was measured, in sentences: noise, failures, lack of time.
pub(crate) fn remarks(report: &CaseReport) -> Vec<String> {
    let mut remarks = Vec::new();
    for row in &report.rows {
        let name = &row.contender;
        if row.repeated > 0 {
            let rounds = rounds(row.repeated);
            remarks.push(format!("{name}: {rounds} done again, since others used the processor"));
        }
        if row.noisy > 0 {
            let rounds = rounds(row.noisy);
            remarks.push(format!("{name}: {rounds} noisy all the same, of {}", row.rounds.len()));
        }
        if let Some(failure) = &row.failure {
            let after = match row.rounds.len() {
                0 => String::new(),
                done => format!(" after {}", rounds(done)),
            };
            remarks.push(format!("{name}: failed{after}: {failure}"));
        }
    }
    if report.missing_rounds > 0 {
        let rounds = rounds(report.missing_rounds);
        remarks.push(format!("there was no time left for {rounds}"));
    }
    remarks
}

/// So many rounds, in words.
pub(crate) fn rounds(number: usize) -> String {
    if number == 1 { "1 round".to_owned() } else { format!("{number} rounds") }
}

#[cfg(test)]
mod tests {
    use super::super::contender::Family;
    use super::super::made;
    use super::*;

    #[test]
    fn columns_that_tell_nothing_are_left_out() {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &[100.0, 110.0]));
        case.rows[0].rounds.iter_mut().for_each(|round| round.latencies = None);
        case.rows[0].counted = None;
        let columns = Column::all(&case, &Standing::all(&case));
        let headings: Vec<&str> = columns.iter().map(|it| it.heading.as_str()).collect();
        assert_eq!(headings, ["time per operation", "× raw", "throughput", "CPU", "RSS"]);
        assert_eq!(columns[0].cells, ["105 ns [102, 108]"]);
    }

    #[test]
    fn noise_failures_and_lack_of_time_are_said_in_words() {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &[100.0, 110.0]));
        (case.rows[0].repeated, case.rows[0].noisy) = (3, 1);
        case.rows.push(made::failed("peer", Family::Peer, "it has ended too soon"));
        case.missing_rounds = 2;
        assert_eq!(
            remarks(&case),
            [
                "raw: 3 rounds done again, since others used the processor",
                "raw: 1 round noisy all the same, of 2",
                "peer: failed: it has ended too soon",
                "there was no time left for 2 rounds",
            ]
        );
    }
}

//! [`Target`]: how fast ringbahn is to be, as data, and [`Outcome`]: whether a report shows it.

use super::case::{Case, Echo, Idle, InFlight, Nop, ReadRandom};
use super::contender::Family;
use super::report::{CaseReport, Report, Row};
use super::standing::Quartiles;
use super::units;

/// How fast ringbahn is to be in some cases.
pub(crate) struct Target {
    /// What is asked for, in words.
    pub(crate) text: &'static str,
    /// The cases that it is about.
    is_about: fn(&Case) -> bool,
    /// Who is to be so fast.
    who: Who,
    /// Compared with whom.
    base: Base,
    limit: Limit,
}

/// Somebody in a case.
enum Who {
    /// The first of these that is there.
    Named(&'static [&'static str]),
    /// The best of a family.
    Best(Family),
}

enum Base {
    /// Somebody in the same case, in the same rounds.
    Other(Who),
    /// Oneself in another case.
    Case(fn(&Case) -> bool),
}

enum Limit {
    /// The figure over the base's.
    Ratio(f64),
    /// The figure less the base's, in its unit.
    Above(f64),
}

/// Whether a report shows that a target is met in a case.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) text: &'static str,
    /// The case, and who is compared with whom in it.
    pub(crate) about: String,
    /// What was measured, in words, and the limit.
    pub(crate) measured: String,
    pub(crate) is_met: bool,
}

/// The ringbahn of one thread, one level down: streams and provided buffers.
const LOCAL: Who = Who::Named(&["local"]);
/// The same by its handles: `AsyncRead` and `AsyncWrite` on `Ring<TcpStream>`.
const HANDLES: Who = Who::Named(&["local-handles"]);
/// Inside tokio, which has one thread.
const HOSTED: Who = Who::Named(&["hosted"]);
/// Inside tokio, which has two threads.
const HOSTED_BY_TWO: Who = Who::Named(&["hosted-2"]);
const TOKIO_OF_TWO: Who = Who::Named(&["tokio-2"]);
/// tokio of one thread, whose files are calls in `spawn_blocking`.
const SPAWN_BLOCKING: Who = Who::Named(&["tokio"]);
const RAW: Who = Who::Best(Family::Raw);
const BEST_PEER: Who = Who::Best(Family::Peer);
/// System calls by hand: `pread`, `copy_file_range`.
const PLAIN: Who = Who::Best(Family::Plain);

/// What is asked for, of which a report shows what it has the cases for.
const TARGETS: &[Target] = &[
    Target {
        text: "echo with multishot and provided buffers costs at most 1.03 of the ring by hand",
        is_about: is_echo_of_many,
        who: LOCAL,
        base: Base::Other(RAW),
        limit: Limit::Ratio(1.03),
    },
    Target {
        text: "echo with multishot and provided buffers costs no more than the best tuned peer",
        is_about: is_echo_of_many,
        who: LOCAL,
        base: Base::Other(BEST_PEER),
        limit: Limit::Ratio(1.0),
    },
    Target {
        text: "echo by AsyncRead and AsyncWrite costs no more than the best tuned peer",
        is_about: is_echo_of_many,
        who: HANDLES,
        base: Base::Other(BEST_PEER),
        limit: Limit::Ratio(1.0),
    },
    Target {
        text: "an operation costs at most 100 ns over the ring by hand, one at a time",
        is_about: |case| matches!(case, Case::Nop(Nop { depth: 1 })),
        who: LOCAL,
        base: Base::Other(RAW),
        limit: Limit::Above(100.0),
    },
    Target {
        text: "an operation costs at most 45 ns over the ring by hand, in batches from 8 up",
        is_about: |case| matches!(case, Case::Nop(Nop { depth: 8.. })),
        who: LOCAL,
        base: Base::Other(RAW),
        limit: Limit::Above(45.0),
    },
    Target {
        text: "random reads past the page cache at depth 32: at least 0.98 of the ring by hand",
        is_about: |case| matches!(case, Case::ReadRandom(ReadRandom { direct: true, depth: 32 })),
        who: LOCAL,
        base: Base::Other(RAW),
        limit: Limit::Ratio(1.0 / 0.98),
    },
    Target {
        text: "hot reads one at a time take at most 1.15 of pread",
        is_about: |case| matches!(case, Case::ReadRandom(ReadRandom { direct: false, depth: 1 })),
        who: Who::Best(Family::Ringbahn),
        base: Base::Other(PLAIN),
        limit: Limit::Ratio(1.15),
    },
    Target {
        text: "hot reads inside tokio at depth 32: at least 0.9 of the ring by hand",
        is_about: |case| matches!(case, Case::ReadRandom(ReadRandom { direct: false, depth: 32 })),
        who: HOSTED,
        base: Base::Other(RAW),
        limit: Limit::Ratio(1.0 / 0.9),
    },
    Target {
        text: "hot reads inside tokio at depth 32: 4 times those of spawn_blocking",
        is_about: |case| matches!(case, Case::ReadRandom(ReadRandom { direct: false, depth: 32 })),
        who: HOSTED,
        base: Base::Other(SPAWN_BLOCKING),
        limit: Limit::Ratio(1.0 / 4.0),
    },
    Target {
        text: "hot reads inside tokio at depth 32: 10 times those of tokio::fs",
        is_about: |case| matches!(case, Case::ReadRandom(ReadRandom { direct: false, depth: 32 })),
        who: HOSTED,
        base: Base::Other(Who::Named(&["tokio-fs"])),
        limit: Limit::Ratio(1.0 / 10.0),
    },
    Target {
        text: "whole files are read inside tokio in no more time than by spawn_blocking",
        is_about: |case| matches!(case, Case::ReadWhole(_)),
        who: HOSTED,
        base: Base::Other(SPAWN_BLOCKING),
        limit: Limit::Ratio(1.0),
    },
    Target {
        text: "echo inside tokio of two threads costs no more than tokio's own",
        is_about: |case| {
            is_echo_of_many(case) && matches!(case, Case::Echo(Echo { length: 64, .. }))
        },
        who: HOSTED_BY_TWO,
        base: Base::Other(TOKIO_OF_TWO),
        limit: Limit::Ratio(1.0),
    },
    Target {
        text: "a file of 1 GiB is copied in no more time than by system calls",
        is_about: |case| matches!(case, Case::Copy(copy) if copy.length == 1 << 30),
        who: Who::Best(Family::Ringbahn),
        base: Base::Other(PLAIN),
        limit: Limit::Ratio(1.0),
    },
    Target {
        text: "the cost of a message is flat within 15 %, up to 10 000 connections",
        is_about: |case| is_echo(case, 10_000),
        who: LOCAL,
        base: Base::Case(|case| is_echo(case, 64)),
        limit: Limit::Ratio(1.15),
    },
    Target {
        text: "the cost of an operation is flat within 15 %, from 10 in flight up",
        is_about: |case| matches!(case, Case::InFlight(InFlight { waiting: 11.. })),
        who: LOCAL,
        base: Base::Case(|case| matches!(case, Case::InFlight(InFlight { waiting: 10 }))),
        limit: Limit::Ratio(1.15),
    },
    Target {
        text: "1000 idle connections take less memory than any peer's",
        is_about: |case| matches!(case, Case::Idle(Idle { connections: 1000 })),
        who: Who::Best(Family::Ringbahn),
        base: Base::Other(BEST_PEER),
        limit: Limit::Ratio(1.0),
    },
];

fn is_echo_of_many(case: &Case) -> bool {
    matches!(case, Case::Echo(Echo { connections: 64 | 1000, length: 64 | 16_384, pipeline: 1 }))
}

/// Whether it is the echo of short messages on so many connections.
fn is_echo(case: &Case, connections: u32) -> bool {
    *case == Case::Echo(Echo { connections, length: 64, pipeline: 1 })
}

impl Who {
    fn of<'a>(&self, case: &'a CaseReport) -> Option<&'a Row> {
        match self {
            Who::Named(names) => names.iter().find_map(|name| case.row(name)),
            Who::Best(family) => case.best(*family),
        }
    }
}

impl Target {
    fn outcome(&self, report: &Report, case: &CaseReport) -> Option<Outcome> {
        let row = self.who.of(case)?;
        let (base, base_case) = match &self.base {
            Base::Other(who) => (who.of(case)?, case),
            Base::Case(is_other) => {
                let other = report.cases.iter().find(|other| is_other(&other.case))?;
                (other.row(&row.contender)?, other)
            }
        };
        let (figures, of_base) = (row.figures(case.figure), base.figures(base_case.figure));
        let compared = match (&self.limit, &self.base) {
            (Limit::Above(_), _) => figures.over(&of_base),
            (Limit::Ratio(_), Base::Other(_)) => figures.divided_by(&of_base),
            // Rounds of different cases do not belong together.
            (Limit::Ratio(_), Base::Case(_)) => {
                std::iter::once(figures.median() / of_base.median()).collect()
            }
        };
        let Quartiles { low, median, high } = Quartiles::of(&compared)?;
        let (measured, is_met) = match self.limit {
            Limit::Ratio(limit) => {
                let measured = format!(
                    "{} [{low:.2}, {high:.2}], limit {}",
                    units::ratio(median),
                    units::ratio(limit)
                );
                (measured, median <= limit)
            }
            Limit::Above(limit) => {
                let measured = units::figure_with_spread(case.figure, [low, median, high]);
                let limit_in_words = units::figure(case.figure, limit);
                (format!("{measured} more, limit {limit_in_words}"), median <= limit)
            }
        };
        let base = match &self.base {
            Base::Other(_) => base.contender.clone(),
            Base::Case(_) => format!("itself in {}", base_case.name),
        };
        let about = format!("{}: {} over {base}", case.name, row.contender);
        Some(Outcome { text: self.text, about, measured, is_met })
    }
}

/// What the report shows of each target, and the targets of which it shows nothing.
pub(crate) fn outcomes(report: &Report) -> (Vec<Outcome>, Vec<&'static str>) {
    let (mut outcomes, mut unknown) = (Vec::new(), Vec::new());
    for target in TARGETS {
        let cases = report.cases.iter().filter(|case| (target.is_about)(&case.case));
        let before = outcomes.len();
        outcomes.extend(cases.filter_map(|case| target.outcome(report, case)));
        if outcomes.len() == before {
            unknown.push(target.text);
        }
    }
    (outcomes, unknown)
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    #[test]
    fn a_target_is_met_or_missed_by_the_median_of_the_rounds() {
        let mut case = made::nop(8);
        case.rows.push(made::row("raw", Family::Raw, &[100.0, 110.0, 100.0]));
        case.rows.push(made::row("local", Family::Ringbahn, &[140.0, 150.0, 200.0]));
        let mut report = made::report(vec![case]);
        let (shown, _) = outcomes(&report);
        assert_eq!(shown.len(), 1);
        assert!(shown[0].is_met);
        assert_eq!(shown[0].measured, "40.0 ns [40.0, 70.0] more, limit 45.0 ns");
        assert_eq!(shown[0].about, "nop, depth 8: local over raw");
        report.cases[0].rows[1] = made::row("local", Family::Ringbahn, &[150.0, 150.0, 150.0]);
        assert!(!outcomes(&report).0[0].is_met);
    }

    #[test]
    fn cost_is_compared_across_cases_where_that_is_asked_for() {
        let mut cases = vec![made::echo(64, 64), made::echo(10_000, 64)];
        cases[0].rows.push(made::row("local", Family::Ringbahn, &[4000.0, 4100.0, 4200.0]));
        cases[1].rows.push(made::row("local", Family::Ringbahn, &[5125.0]));
        let (shown, unknown) = outcomes(&made::report(cases));
        assert_eq!(shown.len(), 1);
        assert!(!shown[0].is_met);
        assert!(shown[0].measured.starts_with("1.250 "), "{:?}", shown[0]);
        assert_eq!(unknown.len(), TARGETS.len() - 1);
    }

    #[test]
    fn without_rows_there_is_no_outcome() {
        let mut case = made::echo(64, 64);
        case.rows.push(made::failed("local", Family::Ringbahn, "it has ended too soon"));
        let (shown, unknown) = outcomes(&made::report(vec![case]));
        assert!(shown.is_empty());
        assert_eq!(unknown.len(), TARGETS.len());
    }

    #[test]
    fn every_target_is_about_a_case_that_the_full_profile_has_and_somebody_there_is() {
        let cases = super::super::case::Profile::Full.cases();
        let others = ["tokio", "tokio-2", "tokio-fs"];
        for Target { text, is_about, who, base, .. } in TARGETS {
            assert!(cases.iter().any(is_about), "{text}");
            if let Base::Case(is_base) = base {
                assert!(cases.iter().any(is_base), "{text}");
            }
            let base = match base {
                Base::Other(base) => Some(base),
                Base::Case(_) => None,
            };
            for who in [Some(who), base].into_iter().flatten() {
                let Who::Named(names) = who else { continue };
                let exists = |name: &&str| {
                    // Other libraries are not in every build.
                    others.contains(name) || super::super::contenders::named(name).is_some()
                };
                assert!(names.iter().any(exists), "{text}: {names:?}");
            }
        }
    }
}

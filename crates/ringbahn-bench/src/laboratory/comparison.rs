//! [`Comparison`]: what has changed since an older report, beyond noise.
//!
//! A figure has changed if both hold:
//!
//! - its median differs by more than 3 %, which two runs of the same program may differ by; and
//! - the rounds of one report lie beside those of the other, and not among them. The measure of
//!   that is the test of Mann and Whitney, exact and from both sides: if both had been drawn from
//!   the same figures, an arrangement as one-sided as this would come about in less than 2 % of
//!   all cases. For five rounds and five it means that at most one pair is out of order. It asks
//!   for nothing of how figures are distributed, and one wild round cannot deceive it.
//!
//! With fewer than four rounds and five nothing is ever so unlikely, and nothing is said to have
//! changed. A whole machine may be slower than another day; so each change is also told beside
//! that of the ring by hand in the same case, which ringbahn has no part in.

use std::path::Path;

use super::report::{CaseReport, Report, Row};
use super::standing::Quartiles;
use super::units;
use crate::sample::Sample;

/// What differs by less has not changed.
const LEAST: f64 = 0.03;
/// How unlikely it must be that it only seems so.
const CHANCE: f64 = 0.02;

/// What has changed since an older report, beyond noise.
#[derive(Clone, Debug)]
pub(crate) struct Comparison {
    /// The file of the older one.
    pub(crate) with: String,
    /// Why the two may not be comparable, in sentences.
    pub(crate) warnings: Vec<String>,
    /// What has changed, the most first.
    pub(crate) changes: Vec<Change>,
    /// How many rows have not.
    pub(crate) unchanged: usize,
    /// What is only in the new one, and only in the old one: a case and its contenders.
    pub(crate) added: Vec<String>,
    pub(crate) removed: Vec<String>,
}

/// A row that has changed.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) case: String,
    pub(crate) contender: String,
    /// The medians with their quartiles, as people read them.
    pub(crate) old: String,
    pub(crate) new: String,
    /// Of the medians, the new one over the old one.
    pub(crate) ratio: f64,
    /// The same of the ratios to the ring by hand; `None` if it is not in both, or is this one.
    pub(crate) ratio_beside_raw: Option<f64>,
}

impl Comparison {
    pub(crate) fn of(path: &Path, old: &Report, new: &Report) -> Comparison {
        let mut comparison = Comparison {
            with: path.display().to_string(),
            warnings: warnings(old, new),
            changes: Vec::new(),
            unchanged: 0,
            added: missing_in(old, new),
            removed: missing_in(new, old),
        };
        for case in &new.cases {
            let Some(before) = old.cases.iter().find(|it| it.case == case.case) else { continue };
            for row in &case.rows {
                let Some(row_before) = before.row(&row.contender) else { continue };
                if Quartiles::of(&row.figures(case.figure)).is_none() {
                    continue;
                }
                match change((before, row_before), (case, row)) {
                    Some(change) => comparison.changes.push(change),
                    None => comparison.unchanged += 1,
                }
            }
        }
        let size = |change: &Change| change.ratio.ln().abs();
        comparison.changes.sort_by(|one, other| size(other).total_cmp(&size(one)));
        comparison
    }

    /// What it comes to, in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let better = self.changes.iter().filter(|change| change.ratio < 1.0).count();
        let worse = self.changes.len() - better;
        let (unchanged, with) = (self.unchanged, &self.with);
        format!(
            "since {with}: {better} better and {worse} worse by more than 3 % and beyond noise, \
             {unchanged} not"
        )
    }
}

/// The rows that are in one report and not in another: a case, and its contenders.
fn missing_in(report: &Report, of: &Report) -> Vec<String> {
    let mut missing = Vec::new();
    for case in &of.cases {
        let other = report.cases.iter().find(|other| other.case == case.case);
        let is_missing = |row: &&Row| other.is_none_or(|it| it.row(&row.contender).is_none());
        let rows = case.rows.iter().filter(|row| !row.rounds.is_empty()).filter(is_missing);
        let names: Vec<&str> = rows.map(|row| &*row.contender).collect();
        if !names.is_empty() {
            missing.push(format!("{}: {}", case.name, names.join(", ")));
        }
    }
    missing
}

fn warnings(old: &Report, new: &Report) -> Vec<String> {
    let mut warnings = Vec::new();
    let mut differ = |what: &str, old: &dyn std::fmt::Display, new: &dyn std::fmt::Display| {
        let (old, new) = (old.to_string(), new.to_string());
        if old != new {
            warnings.push(format!("the {what} is not the same: {old} then, {new} now"));
        }
    };
    differ("kernel", &old.machine.kernel, &new.machine.kernel);
    differ("architecture", &old.machine.architecture, &new.machine.architecture);
    differ("processor", &old.machine.model, &new.machine.model);
    differ("number of processors", &old.machine.processors, &new.machine.processors);
    differ("profile", &old.profile, &new.profile);
    let build = |is_optimised| if is_optimised { "with optimisation" } else { "without" };
    differ("build", &build(old.machine.optimised), &build(new.machine.optimised));
    let time = |report: &Report| units::time(report.measured.as_nanos() as f64);
    differ("time of a trial", &time(old), &time(new));
    let rounds = old.rounds.min(new.rounds);
    if likelihood(0.0, old.rounds, new.rounds) > CHANCE {
        let fewest = format!("there are but {rounds} rounds, too few to tell a change from noise");
        warnings.push(format!("{fewest}: five of each are enough"));
    }
    warnings
}

fn change(
    (old_case, old): (&CaseReport, &Row),
    (new_case, new): (&CaseReport, &Row),
) -> Option<Change> {
    let figure = new_case.figure;
    let (old_figures, new_figures) = (old.figures(figure), new.figures(figure));
    let (before, after) = (Quartiles::of(&old_figures)?, Quartiles::of(&new_figures)?);
    let ratio = after.median / before.median;
    // What was nothing and is something has changed without a ratio, which is not to be had here.
    if !ratio.is_finite() || ratio <= 0.0 || (ratio - 1.0).abs() <= LEAST {
        return None;
    }
    if !differ(&old_figures, &new_figures) {
        return None;
    }
    let to_raw =
        |case: &CaseReport, row: &Row| Some(Quartiles::of(&case.ratio(row, case.raw()?))?.median);
    let beside_raw = to_raw(new_case, new).zip(to_raw(old_case, old));
    Some(Change {
        case: new_case.name.clone(),
        contender: new.contender.clone(),
        old: units::figure_with_spread(figure, before.all()),
        new: units::figure_with_spread(figure, after.all()),
        ratio,
        ratio_beside_raw: beside_raw.map(|(new, old)| new / old).filter(|it| it.is_finite()),
    })
}

/// Whether it is unlikely that both samples were drawn from the same figures.
fn differ(one: &Sample, other: &Sample) -> bool {
    let (one, other) = (one.sorted(), other.sorted());
    let pairs = || one.iter().flat_map(|one| other.iter().map(move |other| (one, other)));
    // Pairs that are alike are half in order.
    let below: f64 = pairs()
        .map(|(one, other)| match one.total_cmp(other) {
            std::cmp::Ordering::Less => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Greater => 0.0,
        })
        .sum();
    let out_of_order = below.min((one.len() * other.len()) as f64 - below);
    likelihood(out_of_order, one.len(), other.len()) <= CHANCE
}

/// How likely it is that at most so many pairs of two samples are out of order, one way or the
/// other, if both are drawn from the same figures.
fn likelihood(out_of_order: f64, one: usize, other: usize) -> f64 {
    // How many arrangements of so many of the one and the other have 0, 1, 2 … pairs out of order.
    let mut arrangements = vec![vec![vec![1.0_f64]; other + 1]; one + 1];
    for few in 1..=one {
        for many in 1..=other {
            let mut counts = vec![0.0; few * many + 1];
            // The last is one of the other sample, or of the one: then all of the other are below
            // it.
            for (pairs, count) in arrangements[few][many - 1].iter().enumerate() {
                counts[pairs] += count;
            }
            for (pairs, count) in arrangements[few - 1][many].iter().enumerate() {
                counts[pairs + many] += count;
            }
            arrangements[few][many] = counts;
        }
    }
    let counts = &arrangements[one][other];
    let as_few = counts.iter().take(out_of_order.ceil() as usize + 1).sum::<f64>();
    (2.0 * as_few / counts.iter().sum::<f64>()).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::super::contender::Family;
    use super::super::made;
    use super::*;

    fn compare(old: &Report, new: &Report) -> Comparison {
        Comparison::of(Path::new("old.json"), old, new)
    }

    fn report(factor: f64, seed: u64) -> Report {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &made::around(1000.0, seed)));
        let figures = made::around(1200.0 * factor, seed + 100);
        case.rows.push(made::row("local", Family::Ringbahn, &figures));
        made::report(vec![case])
    }

    #[test]
    fn the_likelihood_is_that_of_the_tables() {
        assert!((likelihood(0.0, 5, 5) - 2.0 / 252.0).abs() < 1e-12);
        assert!((likelihood(1.0, 5, 5) - 4.0 / 252.0).abs() < 1e-12);
        assert!((likelihood(2.0, 5, 5) - 8.0 / 252.0).abs() < 1e-12);
        assert!((likelihood(0.0, 3, 3) - 0.1).abs() < 1e-12);
        assert_eq!(likelihood(12.0, 5, 5), 1.0);
        assert_eq!(likelihood(0.0, 0, 5), 1.0);
    }

    #[test]
    fn a_change_of_a_fifth_is_found_and_told_beside_the_ring_by_hand() {
        let comparison = compare(&report(1.0, 1), &report(1.2, 50));
        assert_eq!(comparison.changes.len(), 1, "{comparison:?}");
        let change = &comparison.changes[0];
        assert_eq!((&*change.contender, &*change.case), ("local", "nop, depth 32"));
        assert!((change.ratio - 1.2).abs() < 0.03, "{change:?}");
        assert!((change.ratio_beside_raw.unwrap() - 1.2).abs() < 0.05, "{change:?}");
        assert_eq!(comparison.unchanged, 1);
        assert!(comparison.sentence().contains("0 better and 1 worse"));
    }

    #[test]
    fn noise_is_no_change() {
        for seed in 1..200 {
            let comparison = compare(&report(1.0, seed), &report(1.0, seed + 1000));
            assert!(comparison.changes.is_empty(), "{seed}: {comparison:?}");
        }
    }

    #[test]
    fn figures_that_lie_among_each_other_have_not_changed() {
        let sample = |figures: &[f64]| figures.iter().copied().collect::<Sample>();
        let old = sample(&[100.0, 101.0, 102.0, 103.0, 150.0]);
        assert!(!differ(&old, &sample(&[101.5, 120.0, 121.0, 122.0, 123.0])));
        assert!(differ(&old, &sample(&[151.0, 160.0, 161.0, 162.0, 163.0])));
        assert!(!differ(&old, &sample(&[])));
    }

    #[test]
    fn the_largest_change_comes_first_whichever_way_it_goes() {
        let case = |factors: [f64; 3]| {
            let mut case = made::nop(1);
            for (number, factor) in factors.into_iter().enumerate() {
                let figures = made::around(1000.0 * factor, number as u64 + 1);
                case.rows.push(made::row(["a", "b", "c"][number], Family::Peer, &figures));
            }
            made::report(vec![case])
        };
        let comparison = compare(&case([1.0; 3]), &case([1.2, 0.5, 1.5]));
        let names: Vec<&str> = comparison.changes.iter().map(|it| &*it.contender).collect();
        assert_eq!(names, ["b", "c", "a"]);
    }

    #[test]
    fn what_is_in_one_report_only_is_named() {
        let (mut old, mut new) = (report(1.0, 1), report(1.0, 2));
        old.cases.push(made::nop(1));
        old.cases[1].rows.push(made::row("raw", Family::Raw, &[1.0]));
        for name in ["peer", "other"] {
            new.cases[0].rows.push(made::row(name, Family::Peer, &[1.0]));
        }
        new.cases[0].rows[1] = made::failed("local", Family::Ringbahn, "it has ended too soon");
        let comparison = compare(&old, &new);
        assert_eq!(comparison.added, ["nop, depth 32: peer, other"]);
        assert_eq!(comparison.removed, ["nop, depth 32: local", "nop, depth 1: raw"]);
    }

    #[test]
    fn other_machines_kernels_and_profiles_are_warned_of() {
        let (old, mut new) = (report(1.0, 1), report(1.0, 2));
        assert!(compare(&old, &new).warnings.is_empty());
        new.machine.kernel = "7.0.0".to_owned();
        new.machine.processors = 64;
        new.machine.optimised = false;
        new.profile = super::super::case::Profile::Quick;
        new.rounds = 2;
        let warnings = compare(&old, &new).warnings.join("\n");
        for words in ["6.18.0 then, 7.0.0 now", "2 then, 64 now", "full then, quick now"] {
            assert!(warnings.contains(words), "{warnings}");
        }
        assert!(warnings.contains("with optimisation then, without now"), "{warnings}");
        assert!(warnings.contains("but 2 rounds"), "{warnings}");
    }
}

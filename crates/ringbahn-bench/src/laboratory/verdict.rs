//! [`Verdict`]: who is the best in a case, and how far ours is from it.

use super::contender::Family;
use super::report::{CaseReport, Report};
use super::standing::{Quartiles, Standing};

/// What differs by less is not called better or worse: so much two runs of the same may differ.
pub(crate) const LEVEL: f64 = 0.03;

/// Who is the best in a case, and how far ours is from it.
#[derive(Clone, Debug)]
pub(crate) struct Verdict<'a> {
    pub(crate) case: &'a CaseReport,
    pub(crate) best: &'a str,
    /// The best of ours, if there is one.
    pub(crate) ours: Option<Ours<'a>>,
}

/// The best of ours in a case, beside the ring by hand and the best peer, if these are there.
#[derive(Clone, Debug)]
pub(crate) struct Ours<'a> {
    pub(crate) name: &'a str,
    pub(crate) to_raw: Option<Quartiles>,
    pub(crate) to_best_peer: Option<(&'a str, Quartiles)>,
}

/// What a ratio says of two contenders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Better,
    /// They differ by less than [`LEVEL`], or than rounds do.
    Level,
    Worse,
}

impl Order {
    pub(crate) fn of(ratio: &Quartiles) -> Order {
        let is_level = (ratio.low..=ratio.high).contains(&1.0);
        if is_level || (ratio.median - 1.0).abs() < LEVEL {
            Order::Level
        } else if ratio.median < 1.0 {
            Order::Better
        } else {
            Order::Worse
        }
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Order::Better => "better",
            Order::Level => "level",
            Order::Worse => "worse",
        }
    }
}

impl<'a> Verdict<'a> {
    /// One for each case that somebody could do.
    pub(crate) fn all(report: &'a Report) -> Vec<Verdict<'a>> {
        report.cases.iter().filter_map(Verdict::of).collect()
    }

    fn of(case: &'a CaseReport) -> Option<Verdict<'a>> {
        let best = Standing::sorted(case).into_iter().find(|it| it.figure.is_some())?;
        let ours = Standing::best(case, Family::Ringbahn).map(|ours| Ours {
            name: &ours.row.contender,
            to_raw: ours.to_raw,
            to_best_peer: case.best_peer().map(|it| &*it.contender).zip(ours.to_best_peer),
        });
        Some(Verdict { case, best: &best.row.contender, ours })
    }
}

/// What all of it comes to, in sentences.
pub(crate) fn sentences(verdicts: &[Verdict<'_>]) -> Vec<String> {
    let ours = || verdicts.iter().filter_map(|it| Some((it.case, it.ours.as_ref()?)));
    let raw: Vec<_> = ours().filter_map(|(case, ours)| Some((case, ours.to_raw?))).collect();
    let peers = ours().filter_map(|(case, ours)| Some((case, ours.to_best_peer?.1)));
    let peers: Vec<_> = peers.collect();
    [("the ring by hand", raw), ("the best peer", peers)]
        .into_iter()
        .filter(|(_, ratios)| !ratios.is_empty())
        .map(|(whom, ratios)| sentence(whom, &ratios))
        .collect()
}

fn sentence(whom: &str, ratios: &[(&CaseReport, Quartiles)]) -> String {
    let of = |order| ratios.iter().filter(move |(_, ratio)| Order::of(ratio) == order);
    let worse: Vec<&str> = of(Order::Worse).map(|(case, _)| &*case.name).collect();
    let mut text = format!(
        "ringbahn beside {whom}: better in {}, level in {}, worse in {} of {}",
        of(Order::Better).count(),
        of(Order::Level).count(),
        worse.len(),
        cases(ratios.len()),
    );
    if !worse.is_empty() {
        text += &format!(" ({})", worse.join("; "));
    }
    text
}

fn cases(number: usize) -> String {
    if number == 1 { "1 case".to_owned() } else { format!("{number} cases") }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    #[test]
    fn the_best_of_ours_is_set_beside_raw_and_the_best_peer() {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &[100.0, 101.0, 99.0]));
        case.rows.push(made::row("slow", Family::Ringbahn, &[150.0, 150.0, 150.0]));
        case.rows.push(made::row("local", Family::Ringbahn, &[120.0, 121.0, 119.0]));
        case.rows.push(made::row("peer", Family::Peer, &[200.0, 201.0, 199.0]));
        let report = made::report(vec![case, made::nop(64)]);
        let verdicts = Verdict::all(&report);
        assert_eq!(verdicts.len(), 1, "nobody does the second case");
        assert_eq!(verdicts[0].best, "raw");
        assert_eq!(verdicts[0].ours.as_ref().unwrap().name, "local");
        assert_eq!(
            sentences(&verdicts),
            [
                "ringbahn beside the ring by hand: better in 0, level in 0, worse in 1 of 1 case \
                 (nop, depth 32)",
                "ringbahn beside the best peer: better in 1, level in 0, worse in 0 of 1 case",
            ]
        );
    }

    #[test]
    fn what_rounds_differ_by_is_level() {
        let order = |low, median, high| Order::of(&Quartiles { low, median, high });
        assert_eq!(order(0.9, 1.1, 1.2), Order::Level);
        assert_eq!(order(1.01, 1.02, 1.03), Order::Level);
        assert_eq!(order(1.05, 1.1, 1.2), Order::Worse);
        assert_eq!(order(0.8, 0.9, 0.95), Order::Better);
    }
}

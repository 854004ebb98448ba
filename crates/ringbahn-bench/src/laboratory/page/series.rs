//! [`Series`]: cases that differ in one parameter, along which a line can be drawn.

use super::super::case::Case;
use super::super::report::CaseReport;

/// Cases that differ in one parameter.
pub(super) struct Series<'a> {
    /// What they have in common, in words; may be empty.
    pub(super) name: String,
    /// What they differ in.
    pub(super) parameter: &'static str,
    /// The parameter of each case, in ascending order.
    pub(super) cases: Vec<(u64, &'a CaseReport)>,
}

impl<'a> Series<'a> {
    /// The series among the cases of a workload. Each has two cases at least.
    pub(super) fn all(cases: &[&'a CaseReport]) -> Vec<Series<'a>> {
        let mut all = Vec::<Series<'_>>::new();
        for case in cases {
            let Some((name, parameter, value)) = place(&case.case) else { continue };
            let series = match all.iter_mut().find(|it| it.name == name) {
                Some(series) => series,
                None => {
                    all.push(Series { name, parameter, cases: Vec::new() });
                    all.last_mut().expect("one was pushed")
                }
            };
            series.cases.push((value, case));
        }
        for series in &mut all {
            series.cases.sort_by_key(|(value, _)| *value);
        }
        all.retain(|series| series.cases.len() > 1);
        all
    }
}

/// The series that a case belongs to, its parameter, and the value of it.
fn place(case: &Case) -> Option<(String, &'static str, u64)> {
    let (name, parameter, value) = match case {
        Case::Nop(case) => (String::new(), "depth", u64::from(case.depth)),
        Case::ReadRandom(case) => {
            let name = if case.direct { "O_DIRECT" } else { "page cache" };
            (name.to_owned(), "depth", u64::from(case.depth))
        }
        Case::ReadSequential(case) | Case::WriteSequential(case) => {
            (format!("pieces of {} KiB", case.piece >> 10), "depth", u64::from(case.depth))
        }
        Case::Metadata(case) => (String::new(), "files at a time", u64::from(case.depth)),
        Case::Cancel(case) => (String::new(), "depth", u64::from(case.depth)),
        Case::ReadWhole(case) => (String::new(), "KiB", case.length >> 10),
        Case::InFlight(case) => (String::new(), "waiting", u64::from(case.waiting)),
        Case::Copy(case) => (String::new(), "MiB", case.length >> 20),
        Case::Echo(case) => {
            let pipeline = match case.pipeline {
                1 => String::new(),
                many => format!(", pipeline {many}"),
            };
            let name = format!("messages of {} B{pipeline}", case.length);
            (name, "connections", u64::from(case.connections))
        }
        Case::Accept(case) => (String::new(), "connections", u64::from(case.connections)),
        Case::Idle(case) => (String::new(), "connections", u64::from(case.connections)),
        Case::Http(case) => (String::new(), "connections", u64::from(case.connections)),
        Case::Timers(case) => (String::new(), "timers armed", u64::from(case.armed)),
        Case::Append(_) | Case::Wake(_) => return None,
    };
    Some((name, parameter, value))
}

#[cfg(test)]
mod tests {
    use super::super::super::made;
    use super::*;

    #[test]
    fn cases_that_differ_in_one_parameter_belong_together() {
        let cases = [
            made::echo(1000, 64),
            made::echo(1, 64),
            made::echo(1, 16_384),
            made::echo(64, 16_384),
            made::nop(1),
        ];
        let series = Series::all(&cases.iter().collect::<Vec<_>>());
        let told: Vec<_> = series
            .iter()
            .map(|it| (&*it.name, it.cases.iter().map(|case| case.0).collect::<Vec<_>>()))
            .collect();
        assert_eq!(
            told,
            [("messages of 64 B", vec![1, 1000]), ("messages of 16384 B", vec![1, 64])],
            "a single case is no series"
        );
    }
}

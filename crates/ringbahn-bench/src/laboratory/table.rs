//! Reports as tables of a terminal.

use super::case::{Case, Figure};
use super::contender::Contender;
use super::report::CaseReport;

/// The cases, and who does them.
pub(crate) fn list(cases: &[Case], contenders: &[&Contender]) {
    for contender in contenders {
        println!("{:<20} {}", contender.name, contender.about);
    }
    println!();
    for case in cases {
        let able = contenders.iter().filter(|contender| contender.task(case).is_some());
        let able: Vec<&str> = able.map(|contender| contender.name).collect();
        println!("{case}: {}", able.join(", "));
    }
}

/// What a case came to.
pub(crate) fn case(report: &CaseReport) -> String {
    let unit = match report.figure {
        Figure::WallTime => "ns",
        Figure::ProcessorTime => "ns of a processor",
        Figure::Memory => "bytes",
    };
    let mut text = format!("\n{}: {unit} for each, median [quartiles]\n", report.name);
    for row in &report.rows {
        let figures = row.figures(report.figure);
        let (low, high) = figures.spread();
        let median = figures.median();
        text += &format!("  {:<20} {median:>10.0} [{low:>8.0}, {high:>8.0}]", row.contender);
        if let Some(raw) = report.raw() {
            text += &format!(" {:>7.3}", report.ratio(row, raw).median());
        }
        if let Some(failure) = &row.failure {
            text += &format!(" {failure}");
        }
        text.push('\n');
    }
    text
}

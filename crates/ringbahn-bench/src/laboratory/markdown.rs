//! Reports as tables of a page in the documentation.

use std::fmt::Write as _;

use super::case::Case;
use super::columns::{self, Column};
use super::report::{CaseReport, Report};
use super::standing::Standing;
use super::targets;
use super::verdict::{self, Verdict};

/// The command, the machine, and a table for each case, under a heading for each workload.
pub(crate) fn report(report: &Report) -> String {
    let machine = &report.machine;
    let mut text = format!(
        "Made by\n\n```console\n{}\n```\n\non {}, {} processors, Linux {}, ringbahn {}, \
         in {:.0} s: {} rounds in turns, each trial in a process of its own and measured for \
         {} ms. Figures are medians, with quartiles in brackets; ratios are made round by \
         round.\n",
        report.command,
        inline(&machine.model),
        machine.processors,
        machine.kernel,
        machine.version,
        report.seconds,
        report.rounds,
        report.measured.as_millis(),
    );
    for warning in report.warnings() {
        let _ = writeln!(text, "\n**Warning:** {warning}.");
    }
    let mut workload = "";
    for case in &report.cases {
        if case.case.workload() != workload {
            workload = case.case.workload();
            let _ = writeln!(text, "\n## {workload}");
        }
        text += &table(case);
    }
    text += "\n## Summary\n\n";
    for sentence in verdict::sentences(&Verdict::all(report)) {
        let _ = writeln!(text, "- {}", inline(&sentence));
    }
    text += &targets_of(report);
    if !report.left_out.is_empty() {
        let left_out: Vec<String> = report.left_out.iter().map(Case::to_string).collect();
        let _ = writeln!(text, "\nLeft out, for the time was up: {}.", left_out.join("; "));
    }
    text
}

fn table(case: &CaseReport) -> String {
    let standings = Standing::sorted(case);
    let columns = Column::all(case, &standings);
    let mut text = format!("\n### {}\n\n| contender |", inline(&case.name));
    for column in &columns {
        let _ = write!(text, " {} |", inline(&column.heading));
    }
    let _ = writeln!(text, "\n|---|{}", "---:|".repeat(columns.len()));
    for (number, standing) in standings.iter().enumerate() {
        let _ = write!(text, "| {} |", inline(&standing.row.contender));
        for column in &columns {
            let _ = write!(text, " {} |", inline(&column.cells[number]));
        }
        text.push('\n');
    }
    let remarks = columns::remarks(case);
    if !remarks.is_empty() {
        let _ = writeln!(text, "\n{}.", inline(&remarks.join("; ")));
    }
    text
}

fn targets_of(report: &Report) -> String {
    let (outcomes, _) = targets::outcomes(report);
    if outcomes.is_empty() {
        return String::new();
    }
    let mut text = String::from("\n| target | case | measured | |\n|---|---|---|---|\n");
    for outcome in outcomes {
        let is_met = if outcome.is_met { "met" } else { "**missed**" };
        let (about, measured) = (inline(&outcome.about), inline(&outcome.measured));
        let _ = writeln!(text, "| {} | {about} | {measured} | {is_met} |", inline(outcome.text));
    }
    text
}

/// Text of which nothing is taken for markup.
fn inline(text: &str) -> String {
    let mut escaped = String::new();
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '<' | '>' | '`' | '\\' | '&' => escaped.extend(['\\', character]),
            '\n' | '\r' => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::super::contender::Family;
    use super::super::made;

    #[test]
    fn every_line_of_a_table_has_as_many_cells_as_its_heading() {
        let text = super::report(&made::large());
        let mut cells = 0;
        for line in text.lines() {
            let here = line.replace("\\|", "").matches('|').count();
            assert!(cells == 0 || here == 0 || here == cells, "{line}");
            cells = here;
        }
        assert!(text.contains("| local | "), "{text}");
        assert!(text.contains("ringbahn-bench run --html"));
    }

    #[test]
    fn what_would_be_markup_is_escaped() {
        let mut case = made::nop(1);
        case.rows.push(made::failed("a|b", Family::Peer, "<b>*bold*\nnews"));
        let text = super::report(&made::report(vec![case]));
        assert!(text.contains("a\\|b: failed: \\<b\\>\\*bold\\* news"), "{text}");
    }
}

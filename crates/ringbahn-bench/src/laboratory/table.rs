//! Reports as tables of a terminal.

use std::fmt::Write as _;

use super::case::Case;
use super::columns::{self, Column};
use super::comparison::Comparison;
use super::contender::Contender;
use super::report::{CaseReport, Report};
use super::standing::Standing;
use super::targets;
use super::units::{self, NOTHING};
use super::verdict::{self, Verdict};

/// How wide a table may be, in characters.
const WIDTH: usize = 120;
/// What is between two columns.
const GAP: &str = "  ";
/// How many changes are told of.
const CHANGES: usize = 40;

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

/// What a case came to, the best first.
pub(crate) fn case(report: &CaseReport) -> String {
    let standings = Standing::sorted(report);
    let mut text = format!("\n{}\n", report.name);
    if standings.is_empty() {
        text += "  nobody does this\n";
    }
    let names: Vec<String> = standings.iter().map(|it| it.row.contender.clone()).collect();
    let columns = Column::all(report, &standings);
    text += &table(
        &Text::new("contender", names),
        &columns.into_iter().map(Text::of).collect::<Vec<_>>(),
    );
    for remark in columns::remarks(report) {
        text += &wrapped(&remark);
    }
    text
}

/// What is told when all has been measured: who wins what, whether targets are met, what has
/// changed.
pub(crate) fn closing(report: &Report, comparison: Option<&Comparison>) -> String {
    let verdicts = Verdict::all(report);
    let mut text = String::from("\nThe best of each\n");
    let names = verdicts.iter().map(|it| it.case.name.clone()).collect();
    let ours = |cell: &dyn Fn(&verdict::Ours<'_>) -> Option<String>| -> Vec<String> {
        let cell = |it: &Verdict<'_>| it.ours.as_ref().and_then(cell);
        verdicts.iter().map(|it| cell(it).unwrap_or_else(|| NOTHING.to_owned())).collect()
    };
    let columns = [
        Text::words("best", verdicts.iter().map(|it| it.best.to_owned()).collect()),
        Text::words("best of ringbahn", ours(&|it| Some(it.name.to_owned()))),
        Text::new("× raw", ours(&|it| Some(units::ratio(it.to_raw?.median)))),
        Text::new("× best peer", ours(&|it| Some(units::ratio(it.to_best_peer?.1.median)))),
        Text::words("which is", ours(&|it| Some(it.to_best_peer?.0.to_owned()))),
    ];
    text += &table(&Text::new("case", names), &columns);
    for sentence in verdict::sentences(&verdicts) {
        text += &wrapped(&sentence);
    }
    text += &targets(report);
    if let Some(comparison) = comparison {
        text += &compared(comparison);
    }
    for warning in report.warnings() {
        let _ = writeln!(text, "\nwarning: {warning}");
    }
    if !report.left_out.is_empty() {
        let left_out: Vec<String> = report.left_out.iter().map(Case::to_string).collect();
        let _ = writeln!(text, "\nleft out, for the time was up: {}", left_out.join("; "));
    }
    text
}

fn targets(report: &Report) -> String {
    let (outcomes, unknown) = targets::outcomes(report);
    let mut text = String::from("\nTargets\n");
    let mut last = "";
    for outcome in &outcomes {
        if outcome.text != last {
            let _ = writeln!(text, "  {}", outcome.text);
            last = outcome.text;
        }
        let word = if outcome.is_met { "met   " } else { "MISSED" };
        let _ = writeln!(text, "    {word}  {}: {}", outcome.about, outcome.measured);
    }
    if !unknown.is_empty() {
        text += &wrapped(&format!("not measured in this run: {}", unknown.join("; ")));
    }
    text
}

fn compared(comparison: &Comparison) -> String {
    let mut text = format!("\nChanges\n{}", wrapped(&comparison.sentence()));
    for warning in &comparison.warnings {
        text += &wrapped(&format!("warning: {warning}"));
    }
    let changes = &comparison.changes[..comparison.changes.len().min(CHANGES)];
    if !changes.is_empty() {
        let cells = |cell: &dyn Fn(&super::comparison::Change) -> String| {
            changes.iter().map(cell).collect::<Vec<String>>()
        };
        let columns = [
            Text::words("contender", cells(&|it| it.contender.clone())),
            Text::new("then", cells(&|it| it.old.clone())),
            Text::new("now", cells(&|it| it.new.clone())),
            Text::new("change", cells(&|it| units::change(it.ratio))),
            Text::new(
                "beside raw",
                cells(&|it| it.ratio_beside_raw.map_or_else(|| NOTHING.to_owned(), units::change)),
            ),
        ];
        text += &table(&Text::new("case", cells(&|it| it.case.clone())), &columns);
    }
    if comparison.changes.len() > CHANGES {
        let more = comparison.changes.len() - CHANGES;
        let _ = writeln!(text, "  and {more} smaller ones");
    }
    for (what, rows) in [("only now", &comparison.added), ("only then", &comparison.removed)] {
        if !rows.is_empty() {
            text += &wrapped(&format!("{what}: {}", rows.join("; ")));
        }
    }
    text
}

/// A sentence in lines that are not too wide.
fn wrapped(sentence: &str) -> String {
    let (mut text, mut width) = (String::from(" "), 1);
    for word in sentence.split_whitespace() {
        let length = word.chars().count();
        if width + 1 + length > WIDTH {
            text += "\n   ";
            width = 3;
        }
        let _ = write!(text, " {word}");
        width += 1 + length;
    }
    text + "\n"
}

/// A column, as text.
struct Text {
    heading: String,
    cells: Vec<String>,
    width: usize,
    /// Words begin at the left, figures end at the right.
    is_words: bool,
}

impl Text {
    fn new(heading: &str, cells: Vec<String>) -> Text {
        let widths = cells.iter().map(|cell| cell.chars().count());
        let width = widths.chain([heading.chars().count()]).max().unwrap_or_default();
        Text { heading: heading.to_owned(), cells, width, is_words: false }
    }

    fn words(heading: &str, cells: Vec<String>) -> Text {
        Text { is_words: true, ..Text::new(heading, cells) }
    }

    fn of(column: Column) -> Text {
        Text::new(&column.heading, column.cells)
    }

    fn cell(&self, line: Option<usize>) -> &str {
        line.map_or(&self.heading, |line| &self.cells[line])
    }
}

/// A table whose lines begin with `names`. What is too wide goes on below, with the same names.
fn table(names: &Text, columns: &[Text]) -> String {
    let mut text = String::new();
    let mut left = columns;
    while !left.is_empty() && !names.cells.is_empty() {
        let mut width = GAP.len() + names.width;
        let fits = |column: &&Text| {
            width += GAP.len() + column.width;
            width <= WIDTH
        };
        // One at least, however wide it is.
        let fitting = left.iter().take_while(fits).count().max(1);
        let (here, rest) = left.split_at(fitting);
        for line in std::iter::once(None).chain((0..names.cells.len()).map(Some)) {
            let mut cells = format!("{GAP}{:<1$}", names.cell(line), names.width);
            for column in here {
                let (cell, width) = (column.cell(line), column.width);
                let _ = match column.is_words {
                    true => write!(cells, "{GAP}{cell:<width$}"),
                    false => write!(cells, "{GAP}{cell:>width$}"),
                };
            }
            let _ = writeln!(text, "{}", cells.trim_end());
        }
        left = rest;
        if !left.is_empty() {
            text.push('\n');
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::made;
    use super::*;

    #[test]
    fn no_line_of_figures_is_wider_than_a_terminal() {
        for report in &made::large().cases {
            for line in case(report).lines() {
                assert!(line.chars().count() <= WIDTH, "{line}");
            }
        }
        let text = closing(&made::large(), None);
        assert!(text.lines().all(|line| line.chars().count() <= WIDTH), "{text}");
    }

    #[test]
    fn a_table_that_is_too_wide_goes_on_below_with_the_same_names() {
        let cells = |text: &str| vec![text.repeat(50), text.repeat(50)];
        let columns = [Text::new("one", cells("a")), Text::new("two", cells("b"))];
        let names = Text::new("name", vec!["first".to_owned(), "second".repeat(3)]);
        let text = table(
            &names,
            &[&columns[0], &columns[1]].map(|it| Text::new(&it.heading, it.cells.clone())),
        );
        assert_eq!(text.matches("first").count(), 2, "{text}");
        assert_eq!(text.matches(&"a".repeat(50)).count(), 2);
        assert_eq!(text.matches(&"b".repeat(50)).count(), 2);
    }

    #[test]
    fn the_closing_tells_who_wins_what_is_missed_and_what_has_changed() {
        let (old, mut new) = (made::large(), made::large());
        for round in &mut new.cases[1].rows[3].rounds {
            round.wall_nanoseconds *= 2;
        }
        let comparison = Comparison::of(Path::new("old.json"), &old, &new);
        let text = closing(&new, Some(&comparison));
        for words in [
            "The best of each",
            "ringbahn beside the ring by hand: ",
            "MISSED",
            "since old.json: 0 better and 1 worse",
            "+100 %",
            "left out, for the time was up: nop, depth 4096",
            "not measured in this run: ",
        ] {
            assert!(text.contains(words), "{words} is missing in:\n{text}");
        }
    }
}

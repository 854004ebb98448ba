//! Reports as tables for other programs: comma-separated values, as RFC 4180 has them.
//!
//! Figures are plain numbers: nanoseconds, bytes, operations in a second, ratios. Where there is no
//! figure, nothing stands.

use super::report::{Report, Row};
use super::standing::{Quartiles, Standing};

/// One line for each contender of each case: medians, and quartiles.
pub(crate) fn summary(report: &Report) -> String {
    let mut lines = Lines::default();
    let mut heading: Vec<String> = ["workload", "case", "contender", "family", "figure", "backend"]
        .into_iter()
        .map(str::to_owned)
        .collect();
    heading.extend(
        SPREAD.iter().flat_map(|(name, _)| ["", "_low", "_high"].map(|end| format!("{name}{end}"))),
    );
    heading.extend(
        ["system_calls", "allocations", "rounds", "repeated", "noisy", "missing_rounds", "failure"]
            .map(str::to_owned),
    );
    lines.push(heading);
    for case in &report.cases {
        for standing in Standing::all(case) {
            let row = standing.row;
            let figure = word(&case.figure);
            let mut line = first(case.case.workload(), &case.name, row);
            line.extend([figure, backend(row)]);
            for (_, of) in SPREAD {
                let quartiles = of(&standing);
                line.push(number(quartiles.map(|it| it.median)));
                line.push(number(quartiles.map(|it| it.low)));
                line.push(number(quartiles.map(|it| it.high)));
            }
            line.push(number(standing.system_calls));
            line.push(number(standing.allocations));
            let counts = [row.rounds.len(), row.repeated, row.noisy, case.missing_rounds];
            line.extend(counts.map(|count| count.to_string()));
            line.push(row.failure.clone().unwrap_or_default());
            lines.push(line);
        }
    }
    lines.0
}

/// One line for each round of each contender of each case, as it was measured.
pub(crate) fn rounds(report: &Report) -> String {
    let mut lines = Lines::default();
    let heading = [
        "workload",
        "case",
        "contender",
        "family",
        "round",
        "operations",
        "wall_nanoseconds",
        "processor_nanoseconds",
        "others_nanoseconds",
        "system_calls",
        "allocations",
        "resident",
        "p50",
        "p99",
        "p999",
        "maximum",
        "backend",
    ];
    lines.push(heading.map(str::to_owned).into());
    for case in &report.cases {
        for row in &case.rows {
            let rounds = row.rounds.iter().enumerate();
            let rounds = rounds.map(|(number, round)| ((number + 1).to_string(), round, false));
            let counted = row.counted.iter().map(|round| ("counted".to_owned(), round, true));
            for (name, round, is_counted) in rounds.chain(counted) {
                let mut line = first(case.case.workload(), &case.name, row);
                line.push(name);
                line.extend(
                    [
                        round.operations,
                        round.wall_nanoseconds,
                        round.processor_nanoseconds,
                        round.others_nanoseconds,
                    ]
                    .map(|it| it.to_string()),
                );
                let or_empty =
                    |number: Option<u64>| number.map_or_else(String::new, |it| it.to_string());
                line.push(or_empty(round.system_calls));
                line.push(or_empty(is_counted.then_some(round.allocations)));
                line.push(round.resident.to_string());
                let latencies = round.latencies;
                line.push(or_empty(latencies.map(|it| it.p50)));
                line.push(or_empty(latencies.map(|it| it.p99)));
                line.push(or_empty(latencies.map(|it| it.p999)));
                line.push(or_empty(latencies.map(|it| it.maximum)));
                line.push(word(&round.backend));
                lines.push(line);
            }
        }
    }
    lines.0
}

/// Something of a standing that has a median and quartiles.
type Of = fn(&Standing<'_>) -> Option<Quartiles>;

/// What has a median and quartiles, and how it is called.
const SPREAD: [(&str, Of); 10] = [
    ("figure_per_operation", |it| it.figure),
    ("ratio_to_raw", |it| it.to_raw),
    ("ratio_to_best_peer", |it| it.to_best_peer),
    ("throughput", |it| it.throughput),
    ("p50", |it| it.p50),
    ("p99", |it| it.p99),
    ("p999", |it| it.p999),
    ("maximum", |it| it.maximum),
    ("processor_per_operation", |it| it.processor),
    ("resident", |it| it.resident),
];

fn first(workload: &str, case: &str, row: &Row) -> Vec<String> {
    vec![workload.to_owned(), case.to_owned(), row.contender.clone(), word(&row.family)]
}

fn backend(row: &Row) -> String {
    row.rounds.first().map(|round| word(&round.backend)).unwrap_or_default()
}

/// A word as it is in JSON.
fn word(value: &impl serde::Serialize) -> String {
    let word = serde_json::to_value(value).ok();
    word.as_ref().and_then(|word| word.as_str()).unwrap_or_default().to_owned()
}

fn number(number: Option<f64>) -> String {
    number.filter(|it| it.is_finite()).map_or_else(String::new, |it| it.to_string())
}

/// Lines of fields.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn push(&mut self, fields: Vec<String>) {
        let fields: Vec<String> = fields.into_iter().map(quoted).collect();
        self.0 += &fields.join(",");
        self.0 += "\r\n";
    }
}

fn quoted(field: String) -> String {
    if field.contains(['"', ',', '\r', '\n']) {
        format!("\"{}\"", field.replace('"', "\"\""))
    } else {
        field
    }
}

#[cfg(test)]
mod tests {
    use super::super::contender::Family;
    use super::super::made;
    use super::*;

    /// Reads what RFC 4180 allows.
    fn parsed(text: &str) -> Vec<Vec<String>> {
        let (mut lines, mut line, mut field) = (Vec::new(), Vec::new(), String::new());
        let mut characters = text.chars().peekable();
        let mut is_quoted = false;
        while let Some(character) = characters.next() {
            match character {
                '"' if is_quoted && characters.peek() == Some(&'"') => {
                    field.extend(characters.next());
                }
                '"' => is_quoted = !is_quoted,
                ',' if !is_quoted => line.push(std::mem::take(&mut field)),
                '\r' if !is_quoted => {
                    assert_eq!(characters.next(), Some('\n'));
                    line.push(std::mem::take(&mut field));
                    lines.push(std::mem::take(&mut line));
                }
                other => field.push(other),
            }
        }
        assert!(!is_quoted && line.is_empty() && field.is_empty());
        lines
    }

    #[test]
    fn every_row_of_a_report_has_a_line_that_can_be_read_again() {
        let report = made::large();
        let rows: usize = report.cases.iter().map(|case| case.rows.len()).sum();
        let lines = parsed(&summary(&report));
        assert_eq!(lines.len(), rows + 1);
        assert!(lines.iter().all(|line| line.len() == lines[0].len()));
        let column = |name: &str| lines[0].iter().position(|it| it == name).unwrap();
        let raw = &lines[1];
        assert_eq!(raw[column("case")], "nop, depth 1");
        assert_eq!(raw[column("ratio_to_raw")], "1");
        assert_eq!(raw[column("backend")], "io-uring");
        let figure: f64 = raw[column("figure_per_operation")].parse().unwrap();
        assert!((figure - 363.0).abs() < 6.0, "{figure}");
        let failures =
            lines.iter().filter(|line| line[column("failure")].contains("<and \"more\">"));
        assert_eq!(failures.count(), 2);
    }

    #[test]
    fn every_round_has_a_line_and_the_counted_one_as_well() {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &[100.0, 110.0]));
        let lines = parsed(&rounds(&made::report(vec![case])));
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.len() == lines[0].len()));
        assert_eq!(lines[2][..7], ["nop", "nop, depth 32", "raw", "raw", "2", "1000", "110000"]);
        assert_eq!(lines[3][4], "counted");
        assert_eq!(lines[3][9..11], ["250", "1000"]);
        assert_eq!(lines[1][9..11], ["", ""]);
    }

    #[test]
    fn what_is_no_number_is_an_empty_field() {
        let mut case = made::nop(32);
        case.rows.push(made::row("raw", Family::Raw, &[100.0]));
        case.rows[0].rounds[0].operations = 0;
        let text = summary(&made::report(vec![case]));
        assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
    }
}

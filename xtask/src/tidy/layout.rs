//! The rules of shape: no `mod.rs`, no line over 100 columns, no long file, and a `//!` comment at
//! the head of every file of a `src` folder.

use super::Problem;
use super::source::Source;

const COLUMNS_MAX: usize = 100;

/// The style guide says 400; what lies between is for the few that would be worse in two.
const LINES_MAX: usize = 500;

/// Checks the shape of a file.
pub(super) fn check(source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut report = |line, message: String| {
        problems.push(Problem::new(&source.path, line, message));
    };
    if source.path.ends_with("/mod.rs") {
        report(1, "`mod.rs` tells nobody what it is; name it `<module>.rs` beside".to_string());
    }
    for (index, text) in source.text.lines().enumerate() {
        let columns = text.chars().count();
        // Neither an address nor the row of a table can be broken.
        let is_breakable = !text.contains("https://") && !is_table_row(text);
        if columns > COLUMNS_MAX && is_breakable {
            report(index + 1, format!("{columns} columns; break the line before {COLUMNS_MAX}"));
        }
    }
    if !source.is_in_src() {
        return problems;
    }
    if !source.text.starts_with("//!") {
        let message = "does not begin with `//!`; say what the module is and what it is not";
        report(1, message.to_string());
    }
    let total = source.text.lines().count();
    let lines = (1..=total).filter(|&line| !source.is_test(line)).count();
    if lines > LINES_MAX {
        report(LINES_MAX, format!("{lines} lines without tests; split it (400 is the aim)"));
    }
    problems
}

/// Whether the line is a row of a table in the documentation.
fn is_table_row(text: &str) -> bool {
    let text = text.trim();
    (text.starts_with("//! |") || text.starts_with("/// |")) && text.ends_with('|')
}

#[cfg(test)]
mod tests {
    use super::super::source::sample;
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        check(&sample(path, text)).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_well_shaped_file_passes() {
        let line = "x".repeat(COLUMNS_MAX - 3);
        assert_eq!(problems("c/src/a.rs", &format!("//! A.\n// {line}\n")), [""; 0]);
    }

    #[test]
    fn a_long_line_is_a_problem_unless_it_is_an_address_or_a_row() {
        let line = "x".repeat(COLUMNS_MAX - 2);
        let found = problems("c/src/a.rs", &format!("//! A.\n// {line}\n"));
        assert_eq!(found, ["101 columns; break the line before 100"]);
        let text = format!("//! A.\n// https://{line}\n//! | {line} |\n");
        assert_eq!(problems("c/src/a.rs", &text), [""; 0]);
    }

    #[test]
    fn a_source_file_begins_with_its_documentation() {
        assert_eq!(problems("c/src/a.rs", "fn a() {}\n").len(), 1);
        assert_eq!(problems("c/tests/a.rs", "fn a() {}\n"), [""; 0]);
    }

    #[test]
    fn mod_rs_is_a_problem() {
        assert_eq!(problems("c/src/a/mod.rs", "//! A.\n").len(), 1);
    }

    #[test]
    fn a_long_file_is_a_problem_and_its_tests_do_not_count() {
        let lines = "// line\n".repeat(LINES_MAX);
        assert_eq!(problems("c/src/a.rs", &format!("//! A.\n{lines}")).len(), 1);
        let text = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{lines}}}\n");
        assert_eq!(problems("c/src/a.rs", &text), [""; 0]);
    }
}

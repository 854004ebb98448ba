//! [`Figures`]: how many lines there are, and how many of them were run.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

/// How many files are named that have most of the lines that were not run.
const NAMED: usize = 12;

/// Lines, and those among them that were run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    lines: u32,
    run: u32,
}

impl Count {
    fn missed(self) -> u32 {
        self.lines - self.run
    }

    fn add(&mut self, other: Count) {
        self.lines += other.lines;
        self.run += other.run;
    }

    fn percent(self) -> f64 {
        100.0 * f64::from(self.run) / f64::from(self.lines.max(1))
    }
}

/// How many lines of which file were run.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// By their paths from the root of the workspace.
    files: BTreeMap<String, Count>,
}

impl Figures {
    /// Reads a report in the format of lcov. `source` knows which file a path is: its path from the
    /// root of the workspace, and its text; `None` where it is not ours.
    pub(super) fn read(
        report: &str,
        source: impl Fn(&Path) -> Option<(String, String)>,
    ) -> Figures {
        let mut figures = Figures::default();
        for file in report.split("end_of_record") {
            let path = file.lines().find_map(|line| line.strip_prefix("SF:"));
            let Some((path, text)) = path.and_then(|path| source(Path::new(path))) else {
                continue;
            };
            if !is_measured(&path) {
                continue;
            }
            let end = tests_begin(&text);
            let count = figures.files.entry(path).or_default();
            for (line, hits) in file.lines().filter_map(line) {
                if line < end {
                    count.add(Count { lines: 1, run: u32::from(hits > 0) });
                }
            }
        }
        figures.files.retain(|_, count| count.lines > 0);
        figures
    }

    pub(super) fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    fn crates(&self) -> BTreeMap<&str, Count> {
        let mut crates: BTreeMap<&str, Count> = BTreeMap::new();
        for (path, count) in &self.files {
            let name = path.split('/').nth(1).unwrap_or(path);
            crates.entry(name).or_default().add(*count);
        }
        crates
    }
}

/// As a part of a page.
impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = |f: &mut fmt::Formatter<'_>, name: &str, count: Count| {
            writeln!(f, "| {name} | {} | {} | {:.1} % |", count.lines, count.run, count.percent())
        };
        writeln!(f, "| crate | lines | run | |\n|---|---|---|---|")?;
        let mut all = Count::default();
        for (name, count) in self.crates() {
            row(f, &format!("`{name}`"), count)?;
            all.add(count);
        }
        row(f, "all", all)?;
        writeln!(f, "\nThe files with most of the lines that were not run:\n")?;
        writeln!(f, "| file | lines | not run |\n|---|---|---|")?;
        let mut files: Vec<_> = self.files.iter().collect();
        files.sort_by_key(|(_, count)| std::cmp::Reverse(count.missed()));
        for (path, count) in files.into_iter().take(NAMED).filter(|(_, count)| count.missed() > 0) {
            writeln!(f, "| `{path}` | {} | {} |", count.lines, count.missed())?;
        }
        Ok(())
    }
}

/// Whether a file belongs to a crate, and not to its tests alone.
fn is_measured(path: &str) -> bool {
    let of_crate = path.strip_prefix("crates/").and_then(|path| path.split_once('/'));
    of_crate.is_some_and(|(_, path)| path.starts_with("src/") && !path.ends_with("/testing.rs"))
}

/// The line at which the unit tests of a file begin, which are at its end.
fn tests_begin(text: &str) -> u32 {
    let mut lines = text.lines().zip(1..).peekable();
    while let Some((line, number)) = lines.next() {
        let next = lines.peek().map_or("", |(line, _)| line);
        if line.starts_with("#[cfg(") && line.contains("test") && next.starts_with("mod tests") {
            return number;
        }
    }
    u32::MAX
}

/// The number of a line, and how often it was run: `DA:17,3`.
fn line(text: &str) -> Option<(u32, u64)> {
    let (line, hits) = text.strip_prefix("DA:")?.split_once(',')?;
    Some((line.parse().ok()?, hits.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = "\
SF:/w/crates/a/src/lib.rs\nFN:1,f\nDA:1,4\nDA:2,0\nDA:5,1\nLF:3\nLH:2\nend_of_record
SF:/w/crates/a/tests/t.rs\nDA:1,1\nend_of_record
SF:/w/crates/b/src/x.rs\nDA:1,18446744073709551615\nend_of_record
SF:/elsewhere/src/lib.rs\nDA:1,1\nend_of_record\n";

    fn figures() -> Figures {
        Figures::read(REPORT, |path| {
            let path = path.strip_prefix("/w").ok()?.to_str()?.to_string();
            Some((path, "fn f() {\n}\n\n#[cfg(test)]\nmod tests {\n}\n".to_string()))
        })
    }

    #[test]
    fn lines_are_counted_of_crates_and_not_of_their_tests() {
        let figures = figures();
        let crates: Vec<_> = figures.crates().into_iter().collect();
        assert_eq!(crates, [("a", Count { lines: 2, run: 1 }), ("b", Count { lines: 1, run: 1 })]);
        let table = figures.to_string();
        assert!(table.contains("| `a` | 2 | 1 | 50.0 % |\n| `b` | 1 | 1 | 100.0 % |"), "{table}");
        assert!(table.contains("| all | 3 | 2 | 66.7 % |"), "{table}");
        assert!(table.ends_with("| `crates/a/src/lib.rs` | 2 | 1 |\n"), "{table}");
    }

    #[test]
    fn a_report_of_other_files_is_empty() {
        assert!(Figures::read(REPORT, |_| None).is_empty());
    }
}

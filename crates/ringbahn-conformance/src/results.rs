//! [`Results`]: what became of the cases of one driver, and the table of several.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::case::Group;

/// What became of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The driver keeps the promise.
    Passed,
    /// It does not, as was known; with the reason in the list.
    ExpectedDifference(String),
    /// The driver refuses what the case is about, with an error of the kind `Unsupported` made for
    /// it, as was known; with the reason in the list.
    Unsupported(String),
    /// The case says nothing of this driver or on this machine, for this reason.
    Skipped(String),
    /// The driver does not keep the promise, in these words.
    Failed(String),
}

/// One case and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CaseResult {
    /// The group and the name within it, such as `data/a_peek_leaves_the_data`.
    pub case: String,
    /// The group that it belongs to.
    pub group: Group,
    /// What became of it.
    pub outcome: Outcome,
}

/// What became of the cases that were run on one driver.
#[derive(Clone, Debug)]
#[must_use = "whoever has run the suite should look what came of it"]
pub struct Results {
    /// The name of the driver.
    pub driver: String,
    /// The cases, in the order in which they were run.
    pub cases: Vec<CaseResult>,
    /// What is wrong with the list of expected differences, as far as this driver goes.
    pub wrong_differences: Vec<String>,
}

/// How many cases ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The driver keeps the promise.
    pub passed: usize,
    /// It does not, as was known.
    pub expected_differences: usize,
    /// It says itself that it does not do this, as was known.
    pub unsupported: usize,
    /// The case says nothing here.
    pub skipped: usize,
    /// It does not keep the promise.
    pub failed: usize,
}

impl Counts {
    fn add(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Passed => self.passed += 1,
            Outcome::ExpectedDifference(_) => self.expected_differences += 1,
            Outcome::Unsupported(_) => self.unsupported += 1,
            Outcome::Skipped(_) => self.skipped += 1,
            Outcome::Failed(_) => self.failed += 1,
        }
    }
}

impl Results {
    /// How many cases of `group` ended how.
    pub fn counts(&self, group: Group) -> Counts {
        let mut counts = Counts::default();
        let of_group = self.cases.iter().filter(|case| case.group == group);
        of_group.for_each(|case| counts.add(&case.outcome));
        counts
    }

    /// The cases that have failed, each with what is wrong.
    pub fn failures(&self) -> Vec<(&str, &str)> {
        let failed = self.cases.iter().filter_map(|case| match &case.outcome {
            Outcome::Failed(message) => Some((case.case.as_str(), message.as_str())),
            _ => None,
        });
        failed.collect()
    }

    /// Whether nothing has failed, and the list of expected differences is right.
    pub fn conforms(&self) -> bool {
        self.failures().is_empty() && self.wrong_differences.is_empty()
    }

    /// Fails a test where the driver does not conform, and names every case.
    ///
    /// # Panics
    ///
    /// Panics where the driver does not conform.
    #[track_caller]
    pub fn assert_conforms(&self) {
        assert!(self.conforms(), "{}", self.complaint());
    }

    fn complaint(&self) -> String {
        let failures = self.failures();
        let mut text = format!(
            "the driver `{}` does not conform: {} of {} cases have failed",
            self.driver,
            failures.len(),
            self.cases.len()
        );
        for (case, message) in failures {
            // Writing to a string does not fail.
            let _ = write!(text, "\n  {case}: {message}");
        }
        for wrong in &self.wrong_differences {
            let _ = write!(text, "\n  {wrong}");
        }
        text
    }

    /// The table of these results: a row for each driver, a column for each group, and below it
    /// why cases differ or were skipped. The same for the same results, whenever they are had.
    pub fn table(all: &[Results]) -> String {
        let mut text = String::from("| driver |");
        let mut line = String::from("|---|");
        for group in Group::ALL {
            let _ = write!(text, " {group} |");
            line.push_str("---:|");
        }
        let _ = writeln!(text, "\n{line}");
        for results in all {
            let _ = write!(text, "| {} |", results.driver);
            for group in Group::ALL {
                let _ = write!(text, " {} |", cell(results.counts(group)));
            }
            text.push('\n');
        }
        text.push_str(&reasons(all));
        text
    }

    /// Why cases differ or were skipped: how and why, and which cases.
    fn reasons(&self) -> BTreeMap<(&str, &str), Vec<&CaseResult>> {
        let mut reasons: BTreeMap<(&str, &str), Vec<&CaseResult>> = BTreeMap::new();
        for case in &self.cases {
            let key = match &case.outcome {
                Outcome::ExpectedDifference(reason) => ("differs", reason.as_str()),
                Outcome::Unsupported(reason) => ("unsupported", reason.as_str()),
                Outcome::Skipped(reason) => ("skipped", reason.as_str()),
                Outcome::Passed | Outcome::Failed(_) => continue,
            };
            reasons.entry(key).or_default().push(case);
        }
        reasons
    }
}

/// A line for each reason, with the cases and the drivers that it is about.
fn reasons(all: &[Results]) -> String {
    let mut lines: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for results in all {
        for ((how, reason), cases) in results.reasons() {
            let line = format!("{how}: {}: {reason}", names(&cases));
            lines.entry(line).or_default().push(&results.driver);
        }
    }
    let mut text = String::new();
    for (line, drivers) in lines {
        // Writing to a string does not fail.
        let _ = match drivers.len() == all.len() {
            true => write!(text, "\n- {line}"),
            false => write!(text, "\n- {line} ({})", drivers.join(", ")),
        };
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The cases in a few words.
fn names(cases: &[&CaseResult]) -> String {
    if let [only] = cases {
        return format!("`{}`", only.case);
    }
    let mut groups: Vec<&str> = cases.iter().map(|case| case.group.name()).collect();
    groups.dedup();
    format!("{} cases of {}", cases.len(), groups.join(", "))
}

/// The words of one cell: what passed, and what else there was.
fn cell(counts: Counts) -> String {
    let mut text = counts.passed.to_string();
    for (count, what) in [
        (counts.expected_differences, "differ"),
        (counts.unsupported, "unsupported"),
        (counts.skipped, "skipped"),
        (counts.failed, "FAILED"),
    ] {
        if count > 0 {
            let _ = write!(text, ", {count} {what}");
        }
    }
    text
}

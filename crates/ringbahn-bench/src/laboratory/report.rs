//! [`Report`]: everything that was measured, round by round.
//!
//! # As JSON
//!
//! A report is written as JSON, and read again to be compared with, as its types are laid out
//! here: a field has its name, and the variant of an enum its name in lower case, with hyphens.
//! For other programs:
//!
//! | where | what |
//! |---|---|
//! | `format` | 1. It is another number when something is renamed, removed or means something else; what is added does not change it |
//! | `machine`, `profile`, `command`, `seconds` | on what, how much of it, by which command, how long |
//! | `rounds`, `warm_up`, `measured` | how often each contender had its turn, and for how long: `{"secs", "nanos"}` |
//! | `contenders[]` | `name`, `about`, `family`: `raw`, `plain`, `ringbahn` or `peer` |
//! | `cases[].name`, `.figure` | a case in words; what is compared in it: `wall-time`, `processor-time` or `memory`, for each operation |
//! | `cases[].case` | the same for programs: the workload and its parameters |
//! | `cases[].missing_rounds` | how many rounds there was no time for |
//! | `cases[].rows[]` | `contender`, `family`, `rounds[]`, `counted`, `repeated`, `noisy`, `failure` |
//! | `….rounds[]`, `….counted` | `operations`, and what all of them took: `wall_nanoseconds`, `processor_nanoseconds`, `others_nanoseconds`, `system_calls`, `allocations`, `resident` (bytes), `latencies` (nanoseconds: `p50`, `p99`, `p999`, `maximum`), `backend` |
//! | `left_out[]` | cases that there was no time for |

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::case::{Case, Figure, Profile};
use super::contender::{Failure, Family};
use super::measured::Measured;
use crate::sample::Sample;

/// The number of the format that is written, and the only one that is read.
pub(crate) const FORMAT: u32 = 1;

/// Everything that was measured, round by round: all that tables, pages and comparisons are made
/// of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    /// [`FORMAT`].
    pub(crate) format: u32,
    pub(crate) machine: Machine,
    pub(crate) profile: Profile,
    /// How often each contender was to have its turn.
    pub(crate) rounds: usize,
    /// How long a trial ran before it was measured.
    pub(crate) warm_up: Duration,
    /// How long a trial was measured.
    pub(crate) measured: Duration,
    /// The command, as it was given.
    pub(crate) command: String,
    /// How long all of it took, in seconds.
    pub(crate) seconds: f64,
    pub(crate) contenders: Vec<About>,
    pub(crate) cases: Vec<CaseReport>,
    /// Cases that there was no time for.
    pub(crate) left_out: Vec<Case>,
}

/// On what it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Machine {
    /// The kernel, as it names itself.
    pub(crate) kernel: String,
    pub(crate) architecture: String,
    /// The model of the processor.
    pub(crate) model: String,
    pub(crate) processors: usize,
    /// The version of ringbahn.
    pub(crate) version: String,
    /// Whether ringbahn and all that it is compared with were built with optimisation.
    pub(crate) optimised: bool,
    /// When it began, in seconds since 1970.
    pub(crate) began: u64,
}

/// A contender, as the report introduces it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct About {
    pub(crate) name: String,
    pub(crate) about: String,
    pub(crate) family: Family,
}

/// What one case came to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CaseReport {
    pub(crate) case: Case,
    /// Its name, as [`Case`] displays it: other programs need not know how.
    pub(crate) name: String,
    pub(crate) figure: Figure,
    pub(crate) rows: Vec<Row>,
    /// How many rounds there was no time for.
    pub(crate) missing_rounds: usize,
}

impl Report {
    /// Reads what [`write`](Report::write) has written.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is no report, or one of another format.
    pub(crate) fn read(path: &Path) -> Result<Report, Failure> {
        let about = |failure: Failure| format!("{}: {failure}", path.display());
        let text = fs::read_to_string(path).map_err(|error| about(error.into()))?;
        Report::parse(&text).map_err(|failure| about(failure).into())
    }

    fn parse(text: &str) -> Result<Report, Failure> {
        #[derive(Deserialize)]
        struct Head {
            format: u32,
        }
        let head: Head = serde_json::from_str(text)?;
        if head.format != FORMAT {
            let format = head.format;
            let sentence = "measure anew with this program, or read it with the one that wrote it";
            return Err(format!("its format is {format}, not {FORMAT}: {sentence}").into());
        }
        Ok(serde_json::from_str(text)?)
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    ///
    /// Those of writing a file.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        Ok(fs::write(path, serde_json::to_string_pretty(self)?)?)
    }

    /// What is to be known before any of it is believed, in sentences.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let mut warnings = Vec::new();
        if !self.machine.optimised {
            let what = "built without optimisation: these figures say nothing of the libraries";
            warnings.push(what.to_owned());
        }
        if self.machine.processors < 2 {
            warnings.push("there is one processor only: servers share it with their load".into());
        }
        warnings
    }
}

/// What one contender came to in one case.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) contender: String,
    pub(crate) family: Family,
    /// One for each round that counts. The rounds of one case are interleaved, so those of one
    /// number belong together.
    pub(crate) rounds: Vec<Measured>,
    /// The round in which system calls and allocations were counted.
    pub(crate) counted: Option<Measured>,
    /// How many rounds were done again since somebody else used the processors meanwhile.
    pub(crate) repeated: usize,
    /// How many of the rounds that count are noisy all the same.
    pub(crate) noisy: usize,
    /// Why it has no rounds, or fewer than others.
    pub(crate) failure: Option<String>,
}

impl Row {
    /// The figures of all rounds.
    pub(crate) fn figures(&self, figure: Figure) -> Sample {
        self.sample(|round| round.figure(figure))
    }

    /// Another figure of all rounds.
    pub(crate) fn sample(&self, of: impl Fn(&Measured) -> f64) -> Sample {
        self.rounds.iter().map(of).collect()
    }
}

impl CaseReport {
    /// The row that others are compared with: the ring by hand; `None` if it has none.
    pub(crate) fn raw(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.family == Family::Raw && !row.rounds.is_empty())
    }

    /// The row of this contender, if it has figures.
    pub(crate) fn row(&self, contender: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.contender == contender && !row.rounds.is_empty())
    }

    /// The row of a family with the lowest figure.
    pub(crate) fn best(&self, family: Family) -> Option<&Row> {
        let rows = self.rows.iter().filter(|row| row.family == family);
        let median = |row: &Row| row.figures(self.figure).median();
        let rows = rows.filter(|row| median(row).is_finite());
        rows.min_by(|one, other| median(one).total_cmp(&median(other)))
    }

    /// The peer with the lowest figure.
    pub(crate) fn best_peer(&self) -> Option<&Row> {
        self.best(Family::Peer)
    }

    /// What `row` comes to over `base`: the median of the ratios round by round, and their
    /// quartiles.
    pub(crate) fn ratio(&self, row: &Row, base: &Row) -> Sample {
        row.figures(self.figure).divided_by(&base.figures(self.figure))
    }
}

#[cfg(test)]
mod tests {
    use super::super::made;
    use super::*;

    #[test]
    fn a_report_is_read_as_it_was_written() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("report.json");
        let report = made::large();
        report.write(&path).unwrap();
        let again = Report::read(&path).unwrap();
        let text = |report: &Report| serde_json::to_string(report).unwrap();
        assert_eq!(text(&again), text(&report));
    }

    #[test]
    fn a_report_of_another_format_is_refused_with_its_number() {
        let failure = Report::parse(r#"{"format": 7, "something": "else"}"#).unwrap_err();
        assert!(failure.to_string().contains("its format is 7, not 1"), "{failure}");
        assert!(Report::parse("{}").is_err());
    }

    #[test]
    fn the_best_of_a_family_has_a_figure() {
        let mut case = made::nop(1);
        case.rows.push(made::failed("broken", Family::Peer, "it has ended too soon"));
        assert!(case.best_peer().is_none());
        case.rows.push(made::row("slow", Family::Peer, &[9.0]));
        case.rows.push(made::row("fast", Family::Peer, &[8.0]));
        assert_eq!(case.best_peer().unwrap().contender, "fast");
        assert!(case.row("broken").is_none() && case.raw().is_none());
    }
}

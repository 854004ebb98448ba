//! [`Report`]: everything that was measured, round by round.

use serde::{Deserialize, Serialize};

use super::case::{Case, Figure, Profile};
use super::contender::Family;
use super::measured::Measured;
use crate::sample::Sample;

/// Everything that was measured, round by round: all that tables, pages and comparisons are made of.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    pub(crate) profile: Profile,
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
        let mut sample = Sample::default();
        for round in &self.rounds {
            sample.push(round.figure(figure));
        }
        sample
    }

    /// Another figure of all rounds.
    pub(crate) fn sample(&self, of: impl Fn(&Measured) -> f64) -> Sample {
        let mut sample = Sample::default();
        for round in &self.rounds {
            sample.push(of(round));
        }
        sample
    }
}

impl CaseReport {
    /// The row that others are compared with: the ring by hand; `None` if it has none.
    pub(crate) fn raw(&self) -> Option<&Row> {
        self.rows.iter().find(|row| row.family == Family::Raw && !row.rounds.is_empty())
    }

    /// The peer with the lowest figure.
    pub(crate) fn best_peer(&self) -> Option<&Row> {
        let peers = self.rows.iter().filter(|row| row.family == Family::Peer);
        let peers = peers.filter(|row| !row.rounds.is_empty());
        let median = |row: &Row| row.figures(self.figure).median();
        peers.min_by(|one, other| median(one).total_cmp(&median(other)))
    }

    /// What `row` comes to over `base`: the median of the ratios round by round, and their quartiles.
    pub(crate) fn ratio(&self, row: &Row, base: &Row) -> Sample {
        row.figures(self.figure).divided_by(&base.figures(self.figure))
    }
}

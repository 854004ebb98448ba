//! [`Arguments`]: what is to be measured, and where the report goes.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::case::{Case, Profile};
use super::comparison::Comparison;
use super::contender::{Contender, Failure, Family};
use super::report::Report;
use super::{contenders, csv, markdown, page};

/// What is to be measured, and where the report goes
#[derive(Args, Clone, Debug)]
pub(crate) struct Arguments {
    /// Which cases, and for how long
    #[arg(long, value_enum, default_value_t)]
    pub(crate) profile: Profile,
    /// Only these workloads: nop, read-random, echo, …
    #[arg(long, value_delimiter = ',')]
    workload: Vec<String>,
    /// Only cases whose parameters contain this, as "64 connections"
    #[arg(long)]
    only: Option<String>,
    /// Only these contenders, and the ring by hand
    #[arg(long, value_delimiter = ',')]
    contender: Vec<String>,
    /// How often each contender has its turn
    #[arg(long)]
    pub(crate) rounds: Option<usize>,
    /// How long a trial is measured, in milliseconds
    #[arg(long)]
    pub(crate) milliseconds: Option<u64>,
    /// Where files are read and written, for which there must be room
    #[arg(long)]
    pub(crate) directory: Option<PathBuf>,
    /// Tells what there is to be measured, and measures nothing
    #[arg(long)]
    pub(crate) list: bool,
    /// Everything that was measured goes to this file, as JSON
    #[arg(long)]
    json: Option<PathBuf>,
    /// Medians and quartiles of each contender in each case go to this file, as CSV
    #[arg(long)]
    csv: Option<PathBuf>,
    /// Each round by itself goes to this file, as CSV
    #[arg(long)]
    csv_rounds: Option<PathBuf>,
    /// A page to look at, with plots, goes to this file, as HTML
    #[arg(long)]
    html: Option<PathBuf>,
    /// Tables for the documentation go to this file, as Markdown
    #[arg(long)]
    markdown: Option<PathBuf>,
    /// Tells what has changed since this report, which is one of --json
    #[arg(long)]
    compare: Option<PathBuf>,
    /// Measures nothing, and makes the reports of this one, which is one of --json
    #[arg(long, conflicts_with_all = ["json", "list"])]
    pub(crate) from: Option<PathBuf>,
}

impl Arguments {
    /// The cases that are asked for.
    pub(crate) fn cases(&self) -> Vec<Case> {
        let mut cases = self.profile.cases();
        cases.retain(|case| {
            let mut workloads = self.workload.iter();
            let is_asked_for =
                self.workload.is_empty() || workloads.any(|name| name == case.workload());
            let only = |only: &String| case.parameters().contains(only.as_str());
            is_asked_for && self.only.as_ref().is_none_or(only)
        });
        cases
    }

    /// The contenders that are asked for. The ring by hand always is.
    pub(crate) fn contenders(&self) -> Vec<&'static Contender> {
        let mut contenders = contenders::all();
        contenders.retain(|contender| {
            let mut names = self.contender.iter();
            self.contender.is_empty()
                || contender.family == Family::Raw
                || names.any(|name| name == contender.name)
        });
        contenders
    }

    /// The report to compare with, and its file.
    ///
    /// # Errors
    ///
    /// It cannot be read, or is of another format.
    pub(crate) fn old(&self) -> Result<Option<(PathBuf, Report)>, Failure> {
        let Some(path) = &self.compare else { return Ok(None) };
        Ok(Some((path.clone(), Report::read(path)?)))
    }

    /// Puts the report where it is wanted.
    ///
    /// # Errors
    ///
    /// Those of writing a file.
    pub(crate) fn deliver(
        &self,
        report: &Report,
        comparison: Option<&Comparison>,
    ) -> Result<(), Failure> {
        if let Some(path) = &self.json {
            report.write(path)?;
        }
        let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| -> Result<(), Failure> {
            let Some(path) = path else { return Ok(()) };
            let about = |error| format!("{} cannot be written: {error}", path.display());
            Ok(fs::write(path, text()).map_err(about)?)
        };
        write(&self.csv, &|| csv::summary(report))?;
        write(&self.csv_rounds, &|| csv::rounds(report))?;
        write(&self.markdown, &|| markdown::report(report))?;
        write(&self.html, &|| page::report(report, comparison))
    }
}

//! [`Arguments`]: what is to be measured, and where the report goes.

use std::fs;
use std::path::PathBuf;

use clap::Args;

use super::case::{Case, Profile};
use super::contender::{Contender, Failure, Family};
use super::contenders;
use super::report::Report;

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

    /// Puts the report where it is wanted.
    ///
    /// # Errors
    ///
    /// Those of writing a file.
    pub(crate) fn deliver(&self, report: &Report) -> Result<(), Failure> {
        if let Some(path) = &self.json {
            fs::write(path, serde_json::to_string_pretty(report)?)?;
        }
        Ok(())
    }
}

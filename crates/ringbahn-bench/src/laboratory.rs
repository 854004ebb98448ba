//! The laboratory: every workload on every driver, beside the ring by hand, plain system calls and
//! other libraries.
//!
//! A [`Case`](case::Case) is a workload with its parameters, a
//! [`Contender`](contender::Contender) one way to do it. For each round of a case, each contender
//! that can has its turn, in a process of its own ([`trial`]); servers are loaded from a processor
//! of its own ([`load`]). What comes of it is a [`Report`](report::Report).

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

pub(crate) use arguments::Arguments;
use case::Case;
use comparison::Comparison;
use conduct::Plan;
use contender::Failure;
use ground::Ground;
use pace::Pace;
use progress::Progress;
use report::{About, Machine, Report};
use schedule::Schedule;
use trial::Trial;

mod arguments;
mod case;
mod columns;
mod comparison;
mod conduct;
mod contender;
mod contenders;
mod csv;
mod ground;
mod load;
#[cfg(test)]
mod made;
mod markdown;
mod measured;
mod meter;
mod pace;
mod page;
mod process;
mod processors;
mod progress;
mod report;
mod schedule;
mod server;
mod snapshot;
mod standing;
mod table;
mod targets;
mod trial;
mod units;
mod verdict;

/// The command that measures.
pub(crate) const COMMAND: &str = "run";
/// The command of a trial's process, which is for the laboratory itself.
pub(crate) const TRIAL: &str = "trial";

/// Measures, and reports.
///
/// # Errors
///
/// There is nothing to be measured, or nowhere to put its files or the report.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Failure> {
    if let Some(path) = &arguments.from {
        let report = Report::read(path)?;
        for case in &report.cases {
            print!("{}", table::case(case));
        }
        return close(arguments, &report, arguments.old()?);
    }
    let (cases, contenders) = (arguments.cases(), arguments.contenders());
    if arguments.list {
        table::list(&cases, &contenders);
        return Ok(());
    }
    if cases.is_empty() {
        return Err("there is no such case: `--list` tells which there are in a profile".into());
    }
    // Before anything is measured, lest it was for nothing.
    let old = arguments.old()?;
    let began = (Instant::now(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs());
    let profile = arguments.profile;
    allow_descriptors()?;
    let parent = arguments.directory.clone().unwrap_or_else(std::env::temp_dir);
    let directory = tempfile::tempdir_in(parent)?;
    let pair = processors::pair()?;
    let rounds = arguments.rounds.unwrap_or_else(|| profile.rounds());
    let trials = |case: &Case| (*case, conduct::trials(case, &contenders, rounds));
    let trials: Vec<(Case, usize)> = cases.iter().map(trials).collect();
    let pace = match arguments.milliseconds.map(Duration::from_millis) {
        Some(measured) => Pace { warm_up: profile.warm_up(), measured },
        None => Pace::within(profile, &trials),
    };
    let ground = Ground::new(directory.path(), profile.file());
    if cases.iter().any(Case::reads) {
        ground.make_file()?;
    }
    let planned: Duration =
        trials.iter().map(|(case, trials)| pace.of_trial(case) * *trials as u32).sum();
    let plan = Plan {
        cases,
        contenders,
        rounds,
        pace,
        schedule: Schedule::new(began.0, profile.bound(), planned),
        ground,
        processor: pair.map(|(measured, _)| measured),
    };
    let machine = machine(began.1);
    if let Some((_, load)) = pair {
        processors::stay_on(load)?;
    }
    let progress = Progress::new(plan.cases.len(), planned);
    let (mut reports, mut left_out) = (Vec::new(), Vec::<Case>::new());
    for case in &plan.cases {
        if plan.schedule.is_over() {
            left_out.push(*case);
            progress.skip(plan.of_case(case));
            continue;
        }
        progress.case(case);
        let report = plan.measure(case, &progress);
        progress.say(&table::case(&report));
        reports.push(report);
    }
    progress.end();
    let about = |contender: &&contender::Contender| About {
        name: contender.name.to_owned(),
        about: contender.about.to_owned(),
        family: contender.family,
    };
    let report = Report {
        format: report::FORMAT,
        machine,
        profile,
        rounds,
        warm_up: pace.warm_up,
        measured: pace.measured,
        command: std::env::args().collect::<Vec<_>>().join(" "),
        seconds: began.0.elapsed().as_secs_f64(),
        contenders: plan.contenders.iter().map(about).collect(),
        cases: reports,
        left_out,
    };
    close(arguments, &report, old)
}

/// Tells what all of it comes to, beside an older report if there is one, and delivers it.
fn close(
    arguments: &Arguments,
    report: &Report,
    old: Option<(PathBuf, Report)>,
) -> Result<(), Failure> {
    let comparison = old.as_ref().map(|(path, old)| Comparison::of(path, old, report));
    print!("{}", table::closing(report, comparison.as_ref()));
    arguments.deliver(report, comparison.as_ref())
}

/// Does a trial: the argument says which.
///
/// # Errors
///
/// The argument is not one of the laboratory's.
pub(crate) fn trial(argument: &str) -> Result<(), Failure> {
    let trial: Trial = serde_json::from_str(argument)?;
    trial::run(&trial);
    Ok(())
}

/// As many descriptors as may be had: there are ten thousand connections.
fn allow_descriptors() -> Result<(), Failure> {
    let limit = getrlimit(Resource::Nofile);
    Ok(setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })?)
}

fn machine(began: u64) -> Machine {
    let name = rustix::system::uname();
    let information = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = information.lines().find_map(|line| line.strip_prefix("model name"));
    let model = model.and_then(|line| line.split_once(": "));
    Machine {
        kernel: name.release().to_string_lossy().into_owned(),
        architecture: name.machine().to_string_lossy().into_owned(),
        model: model.map_or("unknown", |(_, model)| model).to_owned(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        optimised: !cfg!(debug_assertions),
        began,
    }
}

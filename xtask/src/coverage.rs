//! `cargo xtask coverage`: how many lines of each crate its tests run.
//!
//! The compiler counts, by `-Cinstrument-coverage`, and the tools of LLVM read what it has counted:
//! those of the toolchain, which rustup has as `llvm-tools`, or of the system. `cargo llvm-cov`
//! needs the same two, so they are asked directly.
//!
//! Counted are the lines of the libraries and of the command, less their unit tests. What runs are
//! all tests but those of the documentation, the fuzz targets, the benchmarks and this tool. A
//! process that is killed or leaves by `_exit` takes its counts along: what only such processes run
//! counts as not run.

mod figures;
mod tools;

use std::fs;
use std::path::PathBuf;

use crate::page::{self, Use};
use crate::process::{Failure, Outcome, Program};
use crate::skips;
use crate::workspace;
use figures::Figures;
use tools::Tools;

/// The table in the documentation, relative to the root of the workspace.
const PAGE: &str = "docs/coverage.md";

/// What is neither measured nor run.
const WITHOUT: [&str; 6] =
    ["--exclude", "xtask", "--exclude", "ringbahn-fuzz", "--exclude", "ringbahn-bench"];

/// Tests whose process cannot write what it has counted at its end, and says so: files may have no
/// such length, or it has become somebody else.
const CANNOT_COUNT: [&str; 4] = [
    "a_limit_of_the_length_is_told_and_no_part_is_left",
    "root_keeps_the_owner_and_others_do_not_run_as_somebody_else",
    "a_tree_is_copied_with_everything_that_is_in_it",
    "what_cannot_be_read_stops_nothing_else",
];

/// What the command is to do.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    /// The packages whose tests run: all of them, where none is named.
    packages: Vec<String>,
    /// Whether the figures take the place of those in the documentation.
    write: bool,
}

impl Options {
    /// What the arguments of the command ask for.
    pub(crate) fn parse(arguments: &[&str]) -> Result<Options, Failure> {
        match arguments {
            ["--write"] => Ok(Options { packages: Vec::new(), write: true }),
            names if names.iter().all(|name| !name.starts_with('-')) => {
                let packages = names.iter().map(|name| name.to_string()).collect();
                Ok(Options { packages, write: false })
            }
            _ => {
                let given = arguments.join(" ");
                let usage = "cargo xtask coverage [--write | PACKAGE…]";
                Err(Failure(format!("`{given}` is not understood; usage: {usage}")))
            }
        }
    }

    /// `cargo test`, which builds what counts. All in one directory, for it is built with flags of
    /// its own.
    fn cargo(&self, arguments: &[&str]) -> Program {
        let packages: Vec<&str> = match self.packages.is_empty() {
            true => ["--workspace"].into_iter().chain(WITHOUT).collect(),
            false => self.packages.iter().flat_map(|name| ["--package", name]).collect(),
        };
        // A few files for each program, whatever number of processes of it there are: they add to
        // them.
        let profile = profiles().join("%4m.profraw");
        let what = ["test", "--all-features", "--tests"];
        Program::cargo(&[&what[..], &packages, arguments].concat())
            .env("CARGO_TARGET_DIR", workspace::target_of("coverage"))
            .env("RUSTFLAGS", "-Cinstrument-coverage")
            .env("LLVM_PROFILE_FILE", profile)
    }
}

/// Where the programs leave what they have counted.
fn profiles() -> PathBuf {
    workspace::target_of("coverage").join("profiles")
}

/// Runs the tests, and prints what they have run.
pub(crate) fn run(options: &Options) -> Result<Outcome, Failure> {
    let tools = match Tools::find() {
        Ok(tools) => tools,
        Err(reason) => return Ok(Outcome::NotRun(reason)),
    };
    let executables = build(options)?;
    // What the build itself has counted, by scripts and macros, is of no interest.
    let _ = fs::remove_dir_all(profiles());
    // What has failed has run, too.
    let skipped = CANNOT_COUNT.iter().flat_map(|test| ["--skip", test]);
    let arguments: Vec<&str> = ["--no-fail-fast", "--"].into_iter().chain(skipped).collect();
    let tested = skips::run_tests(options.cargo(&arguments));
    let report = tools.report(&profiles(), &executables)?;
    let figures = Figures::read(&report, |path| {
        let path = path.strip_prefix(workspace::root()).ok()?.to_str()?.to_string();
        let text = workspace::read(&path).ok()?;
        Some((path, text))
    });
    if figures.is_empty() {
        return Err(Failure("nothing was counted: the tools found none of our files".to_string()));
    }
    print!("{figures}");
    tested?;
    let purpose = if options.write { Use::Write } else { Use::Print };
    page::settle(purpose, "coverage", PAGE, &text(&figures))?;
    Ok(Outcome::Done)
}

/// Builds the tests, and yields the programs that were built.
fn build(options: &Options) -> Result<Vec<PathBuf>, Failure> {
    let output = options.cargo(&["--no-run"]).run_and_read()?;
    let mut executables: Vec<PathBuf> = output.lines().filter_map(executable).collect();
    if options.packages.is_empty() || options.packages.iter().any(|name| name == "ringbahn-cli") {
        // Its tests run this one.
        executables.push(workspace::target_of("coverage").join("debug").join("ringbahn"));
    }
    Ok(executables)
}

/// The program that a line of cargo's names: `  Executable tests/a.rs (target/debug/deps/a-1)`.
fn executable(line: &str) -> Option<PathBuf> {
    let rest = line.trim_start().strip_prefix("Executable ")?;
    let (_, path) = rest.rsplit_once('(')?;
    Some(workspace::root().join(path.strip_suffix(')')?))
}

fn text(figures: &Figures) -> String {
    let word = |name: &str, arguments: &[&str]| {
        Program::new(name, arguments).output().unwrap_or_default().trim().to_string()
    };
    let (date, kernel) = (word("date", &["-u", "+%F"]), word("uname", &["-r"]));
    let kernel: Vec<&str> = kernel.split('.').take(2).collect();
    format!(
        "# Coverage\n\n\
         How many lines of each crate its tests run, unit tests not counted among the lines.\n\
         Measured on {date}, on Linux {}, by `cargo xtask coverage --write`. Not run are the\n\
         tests in the documentation and the fuzz targets; what a process runs that is killed, or\n\
         leaves by `_exit`, does not count.\n\n{figures}",
        kernel.join("."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_are_found_in_what_cargo_says() {
        let line = "  Executable tests/cp.rs (target/coverage/debug/deps/cp-1a)";
        let path = workspace::root().join("target/coverage/debug/deps/cp-1a");
        assert_eq!(executable(line), Some(path));
        let line = "  Executable unittests src/lib.rs (/elsewhere/deps/ringbahn-2b)";
        assert_eq!(executable(line), Some(PathBuf::from("/elsewhere/deps/ringbahn-2b")));
        assert_eq!(executable("    Finished `test` profile [unoptimized] (1s)"), None);
    }

    #[test]
    fn only_figures_of_everything_are_written() {
        let written = Options { packages: Vec::new(), write: true };
        assert_eq!(Options::parse(&["--write"]).expect("known"), written);
        assert_eq!(Options::parse(&[]).expect("known"), Options::default());
        assert_eq!(Options::parse(&["xtask"]).expect("known").packages, ["xtask"]);
        for wrong in [&["--check"][..], &["--write", "xtask"]] {
            assert!(Options::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}

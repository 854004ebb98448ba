//! `cargo xtask bench-op`, `bench-hot`, `bench-sim`, …: the commands of the benchmark tool.
//!
//! | command | what it measures |
//! |---|---|
//! | `bench-echo` | what an echoed message and an idle connection cost a server, over the raw ring |
//! | `bench-op` | what one operation costs over the raw ring, and how often it allocates |
//! | `bench-hot` | what data costs that is in memory already, beside std and tokio |
//! | `bench-sim` | how many operations a simulation makes in a second |
//! | `bench-timers` | what a timer costs among a million: time and memory |
//!
//! `cargo xtask bench` is the laboratory: every workload on every driver, beside the ring by hand
//! and other libraries.

use crate::process::{Failure, Outcome, Program};

/// What has other libraries built, to be measured as well.
const PEERS: &str = "--peers";

/// Runs the laboratory, with the peers if `--peers` is among the arguments, and passes the others
/// on.
pub(crate) fn laboratory(arguments: &[&str]) -> Result<Outcome, Failure> {
    let (features, arguments) = sorted(arguments);
    let tool = ["run", "--release", "--quiet", "--package", "ringbahn-bench"];
    Program::cargo(&[&tool[..], features, &["--", "run"], &arguments].concat()).run()?;
    Ok(Outcome::Done)
}

/// The arguments that are for cargo, and those that are for the laboratory.
fn sorted<'a>(arguments: &[&'a str]) -> (&'static [&'static str], Vec<&'a str>) {
    let rest: Vec<&str> = arguments.iter().copied().filter(|&word| word != PEERS).collect();
    if rest.len() == arguments.len() { (&[], rest) } else { (&["--features", "peers"], rest) }
}

/// Runs `command` of the tool, and passes `arguments` on.
pub(crate) fn run(command: &str, arguments: &[&str]) -> Result<Outcome, Failure> {
    let tool = ["run", "--release", "--quiet", "--package", "ringbahn-bench", "--", command];
    Program::cargo(&[&tool[..], arguments].concat()).run()?;
    Ok(Outcome::Done)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_are_built_only_if_asked_for() {
        let (features, rest) = sorted(&["--workload", "echo"]);
        assert_eq!((features.len(), rest), (0, vec!["--workload", "echo"]));
        let (features, rest) = sorted(&["--profile", "full", "--peers"]);
        assert_eq!((features, rest), (&["--features", "peers"][..], vec!["--profile", "full"]));
    }
}

//! Child processes, signals and the standard streams.

#[path = "support/bounded.rs"]
mod bounded;
#[path = "processes/children.rs"]
mod children;
#[path = "processes/drops.rs"]
mod drops;
#[path = "processes/output.rs"]
mod output;
#[path = "processes/signals.rs"]
mod signals;
#[path = "processes/stdio.rs"]
mod stdio;
#[path = "support/support.rs"]
mod support;

use ringbahn::process::Command;

/// A child that runs a script.
fn shell(script: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(script);
    command
}

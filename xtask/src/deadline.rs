//! When everything has to have ended.
//!
//! A test that hangs would otherwise hang whoever waits for the verdict, and nobody would learn
//! which one it was: what had been printed would be gone with the machine. So a run of all steps
//! has a deadline, at which the program under way is killed and the steps behind it fail unrun.

use std::fs;
use std::process::Command;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long a command may wait where nothing has a deadline.
const FOREVER: Duration = Duration::from_secs(1 << 30);

static DEADLINE: OnceLock<Instant> = OnceLock::new();

/// Everything is to end within `time` from now. Only the first call counts.
pub(crate) fn begin(time: Duration) {
    DEADLINE.get_or_init(|| Instant::now() + time);
}

/// How much time is left.
pub(crate) fn time_left() -> Duration {
    DEADLINE.get().map_or(FOREVER, |end| end.saturating_duration_since(Instant::now()))
}

/// Kills a process and all that it has started.
pub(crate) fn kill_tree(process: u32) {
    let mut doomed = vec![process];
    let mut next = 0;
    while let Some(&parent) = doomed.get(next) {
        doomed.extend(processes().filter(|&(_, its)| its == parent).map(|(child, _)| child));
        next += 1;
    }
    let numbers = doomed.iter().map(u32::to_string);
    // What has ended by itself meanwhile cannot be killed, and need not be.
    let _ = Command::new("kill").arg("-KILL").args(numbers).output();
}

/// The processes there are, each with its parent.
fn processes() -> impl Iterator<Item = (u32, u32)> {
    fs::read_dir("/proc").into_iter().flatten().filter_map(|entry| {
        let number = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let status = fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
        // `number (name) state parent …`, and a name may contain anything.
        let parent = status.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()?;
        Some((number, parent))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_deadline_there_is_time() {
        assert_eq!(time_left(), FOREVER);
    }

    #[test]
    fn children_are_killed_with_their_parents() {
        let mut shell = Command::new("sh").args(["-c", "sleep 600 & wait"]).spawn().expect("runs");
        let child = loop {
            let child = processes().find(|&(_, parent)| parent == shell.id());
            if let Some((child, _)) = child {
                break child;
            }
        };
        kill_tree(shell.id());
        assert!(!shell.wait().expect("it has ended").success());
        let alive = || {
            let state = fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
            !state.is_empty() && !state.contains(") Z ")
        };
        while alive() {
            std::thread::yield_now();
        }
    }
}

//! What the output of test programs says of those that failed, in few lines.
//!
//! A run of all steps prints tens of thousands of lines, and who reads its end is to learn there
//! which tests failed and how, without the rest.

use std::sync::{Mutex, PoisonError};

/// How many lines are kept of one command.
const LINES_MAX: usize = 8;

/// How long a line may become, in characters.
const LINE_LENGTH_MAX: usize = 160;

/// What there is to tell at the end of a run, of all commands that failed.
static RECAPS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Reads the output of a command, line by line.
#[derive(Default)]
pub(crate) struct Recap {
    lines: Vec<String>,
    /// Whether the output of failed tests is being read.
    is_in_failures: bool,
    /// Whether the next line is the message of a panic.
    is_at_message: bool,
}

impl Recap {
    /// Takes the next line in.
    pub(crate) fn read(&mut self, line: &str) {
        match line {
            "failures:" => self.is_in_failures = true,
            _ if line.starts_with("test result:") => self.is_in_failures = false,
            _ => {}
        }
        let is_message = std::mem::take(&mut self.is_at_message);
        let is_panic = self.is_in_failures && line.contains("panicked at ");
        self.is_at_message = is_panic;
        let is_failure = line.starts_with("test ") && line.ends_with("FAILED");
        let is_sanitizer = line.contains("ERROR: ") || line.starts_with("SUMMARY: ");
        let is_build = line.starts_with("error: ") || line.starts_with("error[");
        let is_skip = line.starts_with("SKIPPED UNEXPECTEDLY");
        if is_message || is_panic || is_failure || is_sanitizer || is_build || is_skip {
            self.keep(line);
        }
    }

    fn keep(&mut self, line: &str) {
        if self.lines.len() < LINES_MAX {
            self.lines.push(line.chars().take(LINE_LENGTH_MAX).collect());
        }
    }

    /// Keeps what was read for the end of the run.
    pub(crate) fn tell_at_the_end(self) {
        RECAPS.lock().unwrap_or_else(PoisonError::into_inner).extend(self.lines);
    }
}

/// What there is to tell at the end of a run.
pub(crate) fn all() -> Vec<String> {
    RECAPS.lock().unwrap_or_else(PoisonError::into_inner).clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(text: &str) -> Vec<String> {
        let mut recap = Recap::default();
        text.lines().for_each(|line| recap.read(line));
        recap.lines
    }

    #[test]
    fn a_failed_test_is_told_with_its_panic() {
        let text = "\
            thread 'a_panic_on_purpose' panicked at src/lib.rs:1:1:\n\
            never mind\n\
            test a_panic_on_purpose ... ok\n\
            test one::and_one_are_three ... FAILED\n\
            failures:\n\
            ---- one::and_one_are_three stdout ----\n\
            thread 'one::and_one_are_three' (7) panicked at src/lib.rs:9:5:\n\
            assertion failed: 1 + 1 == 3\n\
            note: run with `RUST_BACKTRACE=1`\n\
            test result: FAILED. 1 passed; 1 failed\n\
            error: 1 target failed:\n";
        assert_eq!(
            lines_of(text),
            [
                "test one::and_one_are_three ... FAILED",
                "thread 'one::and_one_are_three' (7) panicked at src/lib.rs:9:5:",
                "assertion failed: 1 + 1 == 3",
                "error: 1 target failed:",
            ]
        );
    }

    #[test]
    fn what_a_sanitizer_finds_is_told() {
        let text = "==7==ERROR: LeakSanitizer: detected memory leaks\n    #0 alloc\n\
                    SUMMARY: AddressSanitizer: 8 byte(s) leaked in 1 allocation(s).\n";
        assert_eq!(lines_of(text).len(), 2);
    }

    #[test]
    fn long_lines_and_many_are_cut() {
        let text = format!("error: {}\n", "é".repeat(LINE_LENGTH_MAX)).repeat(LINES_MAX + 1);
        let lines = lines_of(&text);
        assert_eq!(lines.len(), LINES_MAX);
        assert!(lines.iter().all(|line| line.chars().count() <= LINE_LENGTH_MAX));
    }
}

//! [`Progress`]: a bar on the standard error, and the lines that are printed above it.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::arguments::ProgressChoice;

const TEMPLATE: &str = "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
/// How often the bar is drawn where it is no terminal, in times a second.
const LINES_PER_SECOND: u8 = 2;
/// How wide the bar is where it is no terminal, in columns.
const LINE_WIDTH: u16 = 80;

/// How far the command has come, for people.
#[derive(Debug)]
pub(crate) struct Progress {
    bar: Option<ProgressBar>,
}

impl Progress {
    pub(crate) fn new(choice: ProgressChoice) -> Progress {
        let is_terminal = io::stderr().is_terminal();
        let target = match choice {
            ProgressChoice::Auto | ProgressChoice::Always if is_terminal => {
                ProgressDrawTarget::stderr()
            }
            ProgressChoice::Always => {
                ProgressDrawTarget::term_like_with_hz(Box::new(Lines), LINES_PER_SECOND)
            }
            ProgressChoice::Auto | ProgressChoice::Never => return Progress::none(),
        };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        let style = ProgressStyle::with_template(TEMPLATE);
        bar.set_style(style.expect("the template is well formed"));
        Progress { bar: Some(bar) }
    }

    /// One that shows nothing.
    pub(crate) fn none() -> Progress {
        Progress { bar: None }
    }

    /// So many bytes are to be copied in addition.
    pub(crate) fn expect(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc_length(bytes);
        }
    }

    /// So many bytes more have been copied.
    pub(crate) fn advance(&self, bytes: u64) {
        if let Some(bar) = &self.bar {
            bar.inc(bytes);
        }
    }

    /// Prints a line above the bar.
    pub(crate) fn print(&self, line: impl Display) {
        // Where nobody can be told any more, the exit status still says it.
        let print = || {
            let _ = writeln!(io::stderr(), "ringbahn: {line}");
        };
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Leaves the bar as it is.
    pub(crate) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.abandon();
        }
    }
}

/// The standard error as something that is not a terminal: each drawing is a line of its own.
#[derive(Debug)]
struct Lines;

impl TermLike for Lines {
    fn width(&self) -> u16 {
        LINE_WIDTH
    }

    fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        writeln!(io::stderr(), "{}", line.trim_end())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        match text.trim() {
            "" => Ok(()),
            text => writeln!(io::stderr(), "{text}"),
        }
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        io::stderr().flush()
    }
}

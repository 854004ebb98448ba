//! [`Progress`]: what a person sees while it is measured.

use indicatif::{ProgressBar, ProgressStyle};

use super::case::Case;

/// What a person sees while it is measured. Nothing where nobody looks: on no terminal.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// A bar of so many steps.
    pub(crate) fn new(steps: u64) -> Progress {
        let style = "{bar:32} {percent:>3} %  {elapsed} of {duration}  {prefix}: {msg}";
        let style = ProgressStyle::with_template(style).expect("the template is right");
        Progress(ProgressBar::new(steps).with_style(style))
    }

    /// A case begins.
    pub(crate) fn case(&self, case: &Case) {
        self.0.set_prefix(case.to_string());
    }

    /// It is the turn of this contender.
    pub(crate) fn turn(&self, contender: &'static str) {
        self.0.set_message(contender);
    }

    /// A step is done.
    pub(crate) fn step(&self) {
        self.0.inc(1);
    }

    /// So many steps are left out.
    pub(crate) fn skip(&self, steps: u64) {
        self.0.inc(steps);
    }

    /// Prints a line beside the bar.
    pub(crate) fn say(&self, line: &str) {
        self.0.suspend(|| println!("{line}"));
    }

    pub(crate) fn end(&self) {
        self.0.finish_and_clear();
    }
}

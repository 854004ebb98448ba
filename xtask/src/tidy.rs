//! `cargo xtask tidy`: the project's own rules that neither rustc nor clippy knows.
//!
//! Each rule is a file of `tidy/` whose documentation states it, with a test that shows it fail
//! and one that shows it pass. A problem is printed as `path:line: what is wrong and what to do`.

mod dependencies;
mod driver_pages;
mod events;
mod layout;
mod lexer;
mod rustdoc;
mod safety;
mod source;
mod unsafe_modules;
mod words;

use std::fmt;

use crate::process::{Failure, Outcome};
use crate::workspace;

use source::Source;

/// One breach of a rule.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Problem {
    path: String,
    line: usize,
    message: String,
}

impl Problem {
    fn new(path: &str, line: usize, message: impl Into<String>) -> Problem {
        Problem { path: path.to_string(), line, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// Checks every Rust file, every manifest, and the lists that must agree with them.
pub(crate) fn run() -> Result<Outcome, Failure> {
    let mut problems = Vec::new();
    let mut sources = Vec::new();
    for path in workspace::files(".rs")? {
        match Source::new(&path, &workspace::read(&path)?) {
            Ok(source) => sources.push(source),
            Err(problem) => problems.push(problem),
        }
    }
    Source::mark_test_modules(&mut sources);
    let mut manifests = Vec::new();
    for path in workspace::files("Cargo.toml")? {
        let text = workspace::read(&path)?;
        manifests.push((path, text));
    }
    let mut pages = Vec::new();
    for path in workspace::files(".md")? {
        if path.starts_with(driver_pages::FOLDER) {
            let text = workspace::read(&path)?;
            pages.push((path, text));
        }
    }
    let allowed = workspace::read(unsafe_modules::LIST)?;
    let reasons = workspace::read(dependencies::LIST)?;

    problems.extend(unsafe_modules::check(&sources, &allowed));
    problems.extend(safety::check(&sources));
    problems.extend(rustdoc::check(&sources));
    problems.extend(events::check(&sources));
    problems.extend(driver_pages::check(&sources, &pages));
    problems.extend(dependencies::check(&manifests, &reasons));
    for source in &sources {
        problems.extend(layout::check(source));
        problems.extend(words::check(source));
    }

    problems.sort();
    for problem in &problems {
        println!("{problem}");
    }
    match problems.len() {
        0 => {
            println!("tidy: {} files, no problem", sources.len());
            Ok(Outcome::Done)
        }
        1 => Err(Failure("tidy: 1 problem".to_string())),
        count => Err(Failure(format!("tidy: {count} problems"))),
    }
}

//! `cargo xtask opcodes`: the operations of io_uring as a table: which events ask for each, which
//! tests mention these, and what becomes of it on the kernel, the fallback and the simulation.
//!
//! Nothing is built for it. It is read from what the program itself is made of: the registry of
//! events, the list of operations of the survey, what the fallback and the simulation know, the
//! rows of the lifecycle matrix, and the tests.

mod lists;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::page::{self, Use};
use crate::process::{Failure, Outcome};
use crate::workspace;
use lists::{Event, Operation};

/// The table in the documentation, relative to the root of the workspace.
const PAGE: &str = "docs/opcodes.md";

/// The last operation whose entries have 64 bytes.
const SMALL_MAX: u8 = 62;

/// What a test names that registers buffers.
const REGISTERED: &str = "RegisteredBuffer";

/// How many test programs are named.
const PROGRAMS_MAX: usize = 3;

const HEAD: &str = "\
# The operations of io_uring

One row for each opcode: the events that ask for it, the Linux that brought it, the test programs
that mention them, and what becomes of it where. *Executed* by the kernel means that tests do so
on a real ring; what the fallback or the simulation does not execute ends there with an error that
says so. An event *with registered buffers* asks for another opcode where its buffer is registered
with the ring. The page is written by `cargo xtask opcodes --write`, from the registry of events.

";

const LARGE_HEAD: &str = "
Two more have entries of 128 bytes. No driver has a ring of such so far, so they are refused before
they get anywhere, by an error that says so.

";

/// Makes the table, prints it, and does with it what `purpose` says.
pub(crate) fn run(purpose: Use) -> Result<Outcome, Failure> {
    let wanted = table()?;
    print!("{wanted}");
    page::settle(purpose, "opcodes", PAGE, &wanted).map(|()| Outcome::Done)
}

/// A file of tests: the program that it belongs to, and its text.
struct TestFile {
    program: String,
    text: String,
}

/// The whole page.
fn table() -> Result<String, Failure> {
    let operations = lists::operations(&workspace::read(lists::SURVEY)?);
    let events = lists::events(&workspace::read(lists::REGISTRY)?);
    let registered = lists::registered(&workspace::read(lists::ENTRY)?);
    let registering = registering(&events)?;
    let fallback = lists::known(&workspace::read(lists::FALLBACK)?);
    let simulated = lists::known(&workspace::read(lists::SIMULATION)?);
    let apart = lists::apart(&workspace::read(lists::ROWS)?);
    let tests = tests()?;
    let mut page = HEAD.to_string();
    let title = "| | opcode | events | since | tests | kernel | fallback | sim |";
    let rule = "|--:|---|---|---|---|---|---|---|";
    for large in [false, true] {
        if large {
            page += LARGE_HEAD;
        }
        let _ = writeln!(page, "{title}\n{rule}");
        for operation in operations.iter().filter(|it| (it.number > SMALL_MAX) == large) {
            let source = registered.iter().find(|(_, fixed)| *fixed == operation.name);
            let source = source.map(|(plain, _)| plain.as_str());
            let own: Vec<_> = events.iter().filter(|event| event.is_of(operation)).collect();
            let of_registered = registering.iter().copied();
            let of_registered =
                of_registered.filter(|event| source == Some(event.opcode.as_str())).collect();
            let row = Row { operation, own, of_registered, tests: &tests, apart: &apart, large };
            let does = |known: &BTreeSet<String>| known.contains(&operation.name);
            let _ = writeln!(page, "{}", row.line(does(&fallback), does(&simulated)));
        }
    }
    Ok(page)
}

/// The events that say where their buffer is registered.
fn registering(events: &[Event]) -> Result<Vec<&Event>, Failure> {
    let mut registering = Vec::new();
    for event in events {
        let source = workspace::read(&format!("{}/{}.rs", lists::EVENTS, event.file))?;
        if source.contains("push_with(") {
            registering.push(event);
        }
    }
    Ok(registering)
}

/// A row of the table, before it is written.
struct Row<'a> {
    operation: &'a Operation,
    own: Vec<&'a Event>,
    of_registered: Vec<&'a Event>,
    tests: &'a [TestFile],
    /// The events that the lifecycle matrix leaves to a test program.
    apart: &'a BTreeSet<String>,
    large: bool,
}

impl Row<'_> {
    fn line(&self, fallback: bool, simulated: bool) -> String {
        let Operation { number, name, since } = self.operation;
        let events: Vec<&Event> = self.own.iter().chain(&self.of_registered).copied().collect();
        let tests = self.programs(&events);
        let matrix = self.own.iter().any(|event| !self.apart.contains(&event.name));
        let kernel = match () {
            () if events.is_empty() => "no event",
            () if self.large => "refused",
            () if matrix || !tests.is_empty() => "executed",
            () => "not tested",
        };
        let elsewhere = |does: bool| match does {
            _ if self.large => "refused",
            true => "executed",
            false => "unsupported",
        };
        let (fallback, simulated) = (elsewhere(fallback), elsewhere(simulated));
        let events = self.names();
        let mut cells = tests;
        if matrix {
            cells.insert(0, "lifecycle matrix".to_string());
        }
        let tests = if cells.is_empty() { "–".to_string() } else { cells.join(", ") };
        format!(
            "| {number} | {name} | {events} | {since} | {tests} | {kernel} | {fallback} | \
             {simulated} |"
        )
    }

    fn names(&self) -> String {
        let own = self.own.iter().map(|event| event.name.clone());
        let registered = self.of_registered.iter();
        let registered = registered.map(|event| format!("{} with registered buffers", event.name));
        let names: Vec<String> = own.chain(registered).collect();
        if names.is_empty() { "**none**".to_string() } else { names.join(", ") }
    }

    /// The test programs that mention one of the events: the first few, and how many more.
    fn programs(&self, events: &[&Event]) -> Vec<String> {
        // Where there are no events but those, a test that registers nothing does not get here.
        let registers = self.own.is_empty();
        let mentions = |file: &&TestFile| {
            let names = lists::mentioned(&file.text);
            let may_be = !registers || file.text.contains(REGISTERED);
            may_be && events.iter().any(|event| names.contains(event.name.as_str()))
        };
        let files = self.tests.iter().filter(mentions);
        let programs: BTreeSet<&str> = files.map(|file| file.program.as_str()).collect();
        let mut shown: Vec<String> =
            programs.iter().take(PROGRAMS_MAX).map(|program| format!("`{program}`")).collect();
        if programs.len() > PROGRAMS_MAX {
            shown.push(format!("{} more", programs.len() - PROGRAMS_MAX));
        }
        shown
    }
}

/// The test programs that run operations: those of the library, its drivers and the simulation.
fn tests() -> Result<Vec<TestFile>, Failure> {
    let mut files = Vec::new();
    for path in workspace::files(".rs")? {
        let Some((member, rest)) = path.strip_prefix("crates/").and_then(|it| it.split_once('/'))
        else {
            continue;
        };
        let Some(name) = rest.strip_prefix("tests/") else { continue };
        // Those of the core have no kernel, and what is shared is mentioned where it is used.
        if member == "ringbahn-core" || name.starts_with("support/") {
            continue;
        }
        let program = name.split('/').next().unwrap_or(name).trim_end_matches(".rs").to_string();
        files.push(TestFile { program, text: workspace::read(&path)? });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_opcode_has_its_row_and_the_page_is_as_it_should_be_read() {
        let page = table().expect("the lists are where they should be");
        assert!(page.starts_with(HEAD));
        for number in 0..=SMALL_MAX + 2 {
            let rows = page.lines().filter(|line| line.starts_with(&format!("| {number} | ")));
            assert_eq!(rows.count(), 1, "{number}");
        }
        let row = |start: &str| page.lines().find(|line| line.starts_with(start)).expect("a row");
        let nop = row("| 0 | NOP | ");
        assert!(
            nop.contains("Nop") && nop.ends_with("| executed | executed | executed |"),
            "{nop}"
        );
        let fixed = row("| 4 | READ_FIXED | ");
        assert!(fixed.contains("Read with registered buffers"), "{fixed}");
        assert!(row("| 63 | NOP128 | ").ends_with("| refused | refused | refused |"));
    }

    #[test]
    fn an_opcode_without_an_event_is_shown_as_such() {
        let operation = Operation { number: 9, name: "FLY".into(), since: "9.9".into() };
        let row = Row {
            operation: &operation,
            own: Vec::new(),
            of_registered: Vec::new(),
            tests: &[],
            apart: &BTreeSet::new(),
            large: false,
        };
        let line = row.line(false, false);
        assert_eq!(line, "| 9 | FLY | **none** | 9.9 | – | no event | unsupported | unsupported |");
    }

    #[test]
    fn tests_that_mention_an_event_are_named_and_the_rest_are_counted() {
        let operation = Operation { number: 9, name: "FLY".into(), since: "9.9".into() };
        let event = Event { name: "Fly".into(), file: "fly".into(), opcode: "FLY".into() };
        let files = ["a", "b", "c", "d", "e"].map(|program| {
            let text = if program == "b" { "event::Flying" } else { "event::{Fly, Nop}" };
            TestFile { program: program.into(), text: text.into() }
        });
        let row = Row {
            operation: &operation,
            own: vec![&event],
            of_registered: Vec::new(),
            tests: &files,
            apart: &BTreeSet::from(["Fly".to_string()]),
            large: false,
        };
        let line = row.line(true, false);
        let wanted = "| 9 | FLY | Fly | 9.9 | `a`, `c`, `d`, 1 more | executed | executed | \
                      unsupported |";
        assert_eq!(line, wanted);
    }
}

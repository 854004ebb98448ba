//! What the table of operations is made from: lists in the source of the program, read as text.
//!
//! Each has one item to a line, or to a few, in a form of its own; that it is found is what the
//! test of the table shows.

use std::collections::BTreeSet;

/// Where the lists are, relative to the root of the workspace.
pub(super) const SURVEY: &str = "crates/ringbahn-drivers/src/survey/opcodes.rs";
pub(super) const EVENTS: &str = "crates/ringbahn-core/src/event";
pub(super) const REGISTRY: &str = "crates/ringbahn-core/src/event/registry.rs";
pub(super) const ENTRY: &str = "crates/ringbahn-core/src/sqe.rs";
pub(super) const FALLBACK: &str = "crates/ringbahn-drivers/src/fallback/opcodes.rs";
pub(super) const SIMULATION: &str = "crates/ringbahn-sim/src/kernel/execute.rs";
pub(super) const ROWS: &str = "crates/ringbahn-conformance/src/lifecycle/rows.rs";

/// An operation of io_uring.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Operation {
    pub(super) number: u8,
    pub(super) name: String,
    pub(super) since: String,
}

/// An event of the registry that has an opcode of its own.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) name: String,
    /// The file in the folder of events.
    pub(super) file: String,
    pub(super) opcode: String,
}

impl Event {
    pub(super) fn is_of(&self, operation: &Operation) -> bool {
        self.opcode == operation.name
    }
}

/// The operations in the survey's list: `Listing::new(0, "NOP", (5, 1), …`.
pub(super) fn operations(text: &str) -> Vec<Operation> {
    let mut operations = Vec::new();
    for item in text.split("Listing::new(").skip(1) {
        let words: Vec<&str> = item.split([',', '(', ')']).map(str::trim).collect();
        let mut words = words.iter().filter(|word| !word.is_empty());
        let (Some(number), Some(name), Some(major), Some(minor)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            continue;
        };
        if let Ok(number) = number.parse() {
            let (name, since) = (name.trim_matches('"').to_string(), format!("{major}.{minor}"));
            operations.push(Operation { number, name, since });
        }
    }
    operations
}

/// The events of the registry: `read::Read: Some(opcode::READ), (5, 6), "2/read.2";`.
pub(super) fn events(text: &str) -> Vec<Event> {
    let mut events = Vec::new();
    let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = code.map(|line| format!("{line}\n")).collect();
    for item in code.split(';') {
        let Some((head, rest)) = item.rsplit_once(": Some(opcode::") else { continue };
        let Some((opcode, _)) = rest.split_once(')') else { continue };
        let Some((file, name)) = head.rsplit_once("::") else { continue };
        let file = file.rsplit(char::is_whitespace).next().unwrap_or(file);
        if name.chars().all(char::is_alphanumeric) {
            let (name, file, opcode) = (name.to_string(), file.to_string(), opcode.to_string());
            events.push(Event { name, file, opcode });
        }
    }
    events
}

/// Which opcode an entry has in place of its own where its buffer is registered:
/// `opcode::READ => self.opcode = opcode::READ_FIXED,`.
pub(super) fn registered(text: &str) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (plain, fixed) = line.trim().split_once(" => self.opcode = opcode::")?;
        let plain = plain.strip_prefix("opcode::")?;
        Some((plain.to_string(), fixed.trim_end_matches(',').to_string()))
    };
    text.lines().filter_map(pair).collect()
}

/// The opcodes in the list `KNOWN`, with `opcode::` before them or without.
pub(super) fn known(text: &str) -> BTreeSet<String> {
    let Some((_, list)) = text.split_once("KNOWN: &[u8] = &[") else { return BTreeSet::new() };
    let list = list.split_once(']').map_or(list, |(list, _)| list);
    let names = list.split(',').map(str::trim).filter(|name| !name.is_empty());
    names.map(|name| name.trim_start_matches("opcode::").to_string()).collect()
}

/// The events that the lifecycle matrix leaves to a test program: `Tee: "splice of …";`.
pub(super) fn apart(text: &str) -> BTreeSet<String> {
    let name = |line: &str| {
        let (name, rest) = line.trim().split_once(": ")?;
        (rest.starts_with('"') && rest.ends_with(';')).then(|| name.to_string())
    };
    text.lines().filter_map(name).collect()
}

/// The names that a text takes out of a module `event`: by `event::Name`, or by
/// `event::{Name, Other}`.
pub(super) fn mentioned(text: &str) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for (at, path) in text.match_indices("event::") {
        let rest = &text[at + path.len()..];
        match rest.strip_prefix('{') {
            Some(list) => {
                let list = list.split_once('}').map_or(list, |(list, _)| list);
                names.extend(list.split(',').map(|item| first_word(item.trim())));
            }
            None => {
                names.insert(first_word(rest));
            }
        }
    }
    // What stands behind the last comma of a list.
    names.remove("");
    names
}

fn first_word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_read_on_one_line_or_on_several() {
        let text = "[Listing::new(0, \"NOP\", (5, 1), Required, \"nothing\"),\n\
                    Listing::new(\n  64,\n  \"URING_CMD128\",\n  (6, 19),\n  Unused, \"\")];\n\
                    fn other() { Listing::new(number, name) }";
        let numbers = operations(text).into_iter().map(|it| (it.number, it.name));
        let numbers: Vec<_> = numbers.collect();
        assert_eq!(numbers, [(0, "NOP".to_string()), (64, "URING_CMD128".to_string())]);
        assert_eq!(operations(text)[1].since, "6.19");
    }

    #[test]
    fn events_are_read_with_their_opcodes_and_others_left_out() {
        let text = "/// such as `x::Y: Some(opcode::Z);`\nevents! {\n  link::Link: None, (5, 3), \
                    \"2/x.2\";\n    read::Read: Some(opcode::READ), (5, 6), \"2/read.2\";\n    \
                    a::B: Some(opcode::C), (6, 8),\n  \"3/long.3\";\n}";
        let events: Vec<_> = events(text).into_iter().map(|it| (it.name, it.opcode)).collect();
        let pair = |name: &str, opcode: &str| (name.to_string(), opcode.to_string());
        assert_eq!(events, [pair("Read", "READ"), pair("B", "C")]);
    }

    #[test]
    fn lists_are_read_whatever_stands_before_their_names() {
        let text = "const KNOWN: &[u8] = &[\n opcode::NOP,\n TEE,\n];\nconst MORE: &[u8] = &[X];";
        assert_eq!(known(text), BTreeSet::from(["NOP".to_string(), "TEE".to_string()]));
        assert_eq!(known("nothing"), BTreeSet::new());
        let text = "    opcode::READ => self.opcode = opcode::READ_FIXED,\n    _ => return,\n";
        assert_eq!(registered(text), [("READ".to_string(), "READ_FIXED".to_string())]);
        let text = "    Nop: others::nop;\n    Pipe: \"direct of drivers\";\n";
        assert_eq!(apart(text), BTreeSet::from(["Pipe".to_string()]));
    }

    #[test]
    fn what_a_test_takes_out_of_the_events_is_mentioned_and_nothing_else() {
        let text = "use ringbahn_core::event::{\n    EventExt as _, Nop, Read,\n};\n\
                    use std::io::{Write};\nevent::Fsync::new(file); some_event: Send";
        let names = mentioned(text);
        assert_eq!(names, BTreeSet::from(["EventExt", "Fsync", "Nop", "Read"]));
    }
}

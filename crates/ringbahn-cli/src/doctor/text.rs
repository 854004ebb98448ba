//! The report as text: the verdict, what to change, and then the tables.

use std::io::{self, Write};

use super::report::Report;
use super::rows::{EventRow, LimitReport, LimitsReport, Row};

/// Where lines of prose are broken.
const WIDTH: usize = 96;

const LEGEND: &str = "In the tables: * is what ringbahn uses; number, name, how it stands with it, \
                      since which\nLinux, what it is for. What \"works\" was tried; what is \
                      \"known\" the kernel says it has.";

const GREEN: u8 = 32;
const RED: u8 = 31;
const YELLOW: u8 = 33;

/// Writes the whole report.
pub(super) fn write(output: &mut impl Write, report: &Report, colours: bool) -> io::Result<()> {
    let paint = |colour: u8, text: &str| {
        if colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    };
    let colour = if report.status == 0 { GREEN } else { RED };
    writeln!(output, "{}", paint(colour, &report.verdict))?;
    let machine = &report.machine;
    write!(output, "ringbahn {} on Linux {}", report.version, machine.release)?;
    write!(output, " {}", machine.architecture)?;
    for within in [machine.substitute, machine.container].into_iter().flatten() {
        write!(output, ", {within}")?;
    }
    match &report.driver.backend {
        Some(backend) => writeln!(output, "; the default driver works, on {backend}")?,
        None => writeln!(output, "; the default driver does not work")?,
    }
    write_advice(output, report, paint)?;
    write_limits(output, &report.limits)?;
    writeln!(output, "\n{LEGEND}")?;
    for (title, rows) in [
        ("system calls", &report.system_calls),
        ("setup flags", &report.setup_flags),
        ("features", &report.features),
        ("operations", &report.opcodes),
        ("operations of io_uring_register", &report.register_operations),
    ] {
        write_table(output, title, rows, paint)?;
    }
    write_events(output, &report.missing_events)
}

/// The events that the kernel cannot execute.
fn write_events(output: &mut impl Write, events: &[EventRow]) -> io::Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    writeln!(output, "\nevents of ringbahn that this kernel cannot execute: {}\n", events.len())?;
    let names = events.iter().map(|event| event.name.len()).max().unwrap_or_default();
    for event in events {
        let outcome = match event.outcome {
            "beside" => "executed by the drivers themselves, beside the ring",
            "in_part" => "the operation is there, but not all that it asks for: it may fail",
            _ => "it fails",
        };
        let (name, since, operation) = (event.name, &event.since, &event.operation);
        writeln!(output, "    {name:names$}  {since:>4}  {operation}: {outcome}")?;
    }
    Ok(())
}

fn write_advice(
    output: &mut impl Write,
    report: &Report,
    paint: impl Fn(u8, &str) -> String,
) -> io::Result<()> {
    if report.advice.is_empty() {
        return writeln!(output, "\nnothing that ringbahn uses is missing");
    }
    writeln!(output, "\nwhat is missing, and what to do")?;
    for (number, advice) in (1..).zip(&report.advice) {
        let colour = if advice.weight == "fatal" { RED } else { YELLOW };
        let mut lines = wrap(&advice.what, WIDTH - 6).into_iter();
        let first = lines.next().unwrap_or_default();
        writeln!(output, "\n  {number}. {}", paint(colour, &first))?;
        for line in lines {
            writeln!(output, "     {}", paint(colour, &line))?;
        }
        for (label, text) in [("matters", &advice.matters), ("change", &advice.change)] {
            let mut label = format!("{label}:");
            for line in wrap(text, WIDTH - 14) {
                writeln!(output, "     {label:8} {line}")?;
                label.clear();
            }
        }
    }
    Ok(())
}

fn write_limits(output: &mut impl Write, limits: &LimitsReport) -> io::Result<()> {
    let limit = |limit: LimitReport, unit: &str, divisor: u64| {
        let amount = |limit: Option<u64>| {
            let amount = limit.map(|limit| format!("{}{unit}", limit / divisor));
            amount.unwrap_or_else(|| "unlimited".to_owned())
        };
        format!("{}, at most {}", amount(limit.soft), amount(limit.hard))
    };
    let mut memory = limit(limits.locked_memory_bytes, " KiB", 1024);
    if limits.cap_ipc_lock == Some(true) {
        memory += "; does not count, with CAP_IPC_LOCK";
    }
    let unknown = || "not there".to_owned();
    let disabled = limits.io_uring_disabled.map_or_else(unknown, |mode| {
        let meaning = ["allowed", "only with a privilege", "forbidden"].get(usize::from(mode));
        format!("{mode}: {}", meaning.unwrap_or(&"unknown"))
    });
    let group = limits.io_uring_group.map_or_else(unknown, |group| match group {
        -1 => "-1: nobody".to_owned(),
        group if limits.in_io_uring_group => format!("{group}: this process is in it"),
        group => format!("{group}: this process is not in it"),
    });
    let admin = match limits.cap_sys_admin {
        Some(true) => "yes",
        Some(false) => "no",
        None => "unknown",
    };
    let seccomp = match (limits.seccomp, limits.seccomp_filters) {
        (Some(mode), Some(count)) => format!("{mode}, {count} of them"),
        (Some(mode), None) => mode.to_owned(),
        (None, _) => "unknown".to_owned(),
    };
    writeln!(output, "\nlimits\n")?;
    for (name, value) in [
        ("RLIMIT_MEMLOCK", memory),
        ("RLIMIT_NOFILE", limit(limits.descriptors, "", 1)),
        ("kernel.io_uring_disabled", disabled),
        ("kernel.io_uring_group", group),
        ("CAP_SYS_ADMIN", admin.to_owned()),
        ("seccomp", seccomp),
    ] {
        writeln!(output, "  {name:24}  {value}")?;
    }
    Ok(())
}

fn write_table(
    output: &mut impl Write,
    title: &str,
    rows: &[Row],
    paint: impl Fn(u8, &str) -> String,
) -> io::Result<()> {
    let available = |row: &&Row| matches!(row.standing, "works" | "known");
    let count = rows.iter().filter(available).count();
    writeln!(output, "\n{title}: {count} of {}\n", rows.len())?;
    let width = |cell: fn(&Row) -> usize| rows.iter().map(cell).max().unwrap_or_default();
    let names = width(|row| row.name.len());
    for row in rows {
        let colour = match (row.standing, row.usage) {
            ("works" | "known", _) => GREEN,
            ("missing" | "refused", "required" | "used") => RED,
            _ => YELLOW,
        };
        // Padded first: colours have no width.
        let standing = paint(colour, &format!("{:8}", row.standing));
        let since = row.since.as_deref().unwrap_or("?");
        let mark = if matches!(row.usage, "unused" | "offered") { ' ' } else { '*' };
        write!(output, "  {mark} {:3}  {:names$}  {standing}", row.number, row.name)?;
        writeln!(output, "  {since:>4}  {}{}", row.purpose, remark(row))?;
    }
    Ok(())
}

/// What there is to be said about a row that is not as it should be.
fn remark(row: &Row) -> String {
    let mut remark = String::new();
    if let Some(errno) = row.errno {
        remark += &format!(" [{}]", io::Error::from_raw_os_error(errno));
    }
    if let Some(needs) = row.needs
        && matches!(row.standing, "known" | "refused")
    {
        remark += &format!("; needs {needs}");
    }
    remark
}

/// `text` in lines of at most `width` characters, as far as its words allow.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_broken_between_words_and_lose_none() {
        let text = "one two three four";
        assert_eq!(wrap(text, 9), ["one two", "three", "four"]);
        assert_eq!(wrap(text, 100), [text]);
        assert_eq!(wrap("immeasurable", 4), ["immeasurable"]);
        assert!(wrap("", 4).is_empty());
    }
}

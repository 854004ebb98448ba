//! The report of a tour as text.

use std::io::{self, Write};

use super::report::{DriverReport, Report, StopReport, Tally, Verdict};

/// How the text is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Style {
    pub(crate) colours: bool,
}

const HEADINGS: [&str; 5] = ["stop", "what was done", "time", "backend", "verdict"];

/// Writes the whole report.
pub(crate) fn write(output: &mut impl Write, report: &Report, style: Style) -> io::Result<()> {
    let directory = report.directory.display();
    writeln!(output, "ringbahn {} on {}, in {directory}", report.version, report.kernel)?;
    for driver in &report.drivers {
        writeln!(output, "\ndriver {}: {}", driver.name, driver.audience)?;
        write_driver(output, driver, style)?;
    }
    writeln!(output, "\n{}", report.summary)
}

fn write_driver(output: &mut impl Write, driver: &DriverReport, style: Style) -> io::Result<()> {
    if driver.unavailable.is_some() {
        // The reason goes where errors go.
        writeln!(output, "\n  not available here")?;
    }
    if driver.stops.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> = driver.stops.iter().map(row).collect();
    let width = |column: usize| {
        let cells = rows.iter().map(|row| row[column].chars().count());
        cells.max().unwrap_or_default().max(HEADINGS[column].len())
    };
    let widths = [width(0), width(1), width(2), width(3)];
    writeln!(output)?;
    write_row(output, &HEADINGS.map(str::to_owned), widths, HEADINGS[4])?;
    for (row, stop) in rows.iter().zip(&driver.stops) {
        write_row(output, row, widths, &style.paint(stop.verdict, &row[4]))?;
    }
    if let Some(tally) = &driver.counters {
        write_tally(output, tally)?;
    }
    Ok(())
}

fn row(stop: &StopReport) -> [String; 5] {
    let verdict = match stop.verdict {
        Verdict::Held => "held",
        Verdict::Broken => "DID NOT HOLD",
        Verdict::Impossible => "not possible here",
    };
    // In tenths of a millisecond: more digits differ from run to run.
    let tenths = stop.duration_us / 100;
    let time = format!("{}.{} ms", tenths / 10, tenths % 10);
    [stop.name.to_owned(), stop.detail.clone(), time, stop.backend.clone(), verdict.to_owned()]
}

fn write_row(
    output: &mut impl Write,
    [name, detail, time, backend, _]: &[String; 5],
    widths: [usize; 4],
    verdict: &str,
) -> io::Result<()> {
    let [of_name, of_detail, of_time, of_backend] = widths;
    write!(output, "  {name:of_name$}  {detail:of_detail$}  {time:>of_time$}")?;
    writeln!(output, "  {backend:of_backend$}  {verdict}")
}

fn write_tally(output: &mut impl Write, tally: &Tally) -> io::Result<()> {
    let descriptors = |count: Option<usize>| {
        count.map_or_else(|| "unknown".to_owned(), |count| count.to_string())
    };
    let (before, after) = (tally.descriptors_before, tally.descriptors_after);
    writeln!(
        output,
        "\n  operations: {} submitted, {} completed, {} in flight; {} cancelled, {} disposed of, \
         {} repeated, {} served at once",
        tally.submitted,
        tally.completed,
        tally.in_flight,
        tally.cancelled,
        tally.disposed,
        tally.repeated,
        tally.served_at_once,
    )?;
    writeln!(
        output,
        "  ring: {} enters, {} of them failed; {} waits for room, {} overflows, {} unknown CQEs, \
         {} panics",
        tally.enters,
        tally.failed_enters,
        tally.full_queue_waits,
        tally.overflows,
        tally.unknown_cqes,
        tally.panics,
    )?;
    writeln!(output, "  descriptors: {} before, {} after", descriptors(before), descriptors(after),)
}

impl Style {
    fn paint(self, verdict: Verdict, text: &str) -> String {
        let colour = match verdict {
            Verdict::Held => 32,
            Verdict::Broken => 31,
            Verdict::Impossible => 33,
        };
        if self.colours { format!("\x1b[{colour}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::tour::finding::Failure;

    fn text(colours: bool) -> String {
        let found = Err(Failure::Broken("byte 7 is wrong".to_owned()));
        let stops = vec![
            StopReport::new(
                "one",
                "io_uring".to_owned(),
                Duration::ZERO,
                Ok("1 MiB written".to_owned()),
            ),
            StopReport::new("another", "io_uring".to_owned(), Duration::from_micros(12_345), found),
        ];
        let driver =
            DriverReport { name: "a", audience: "tests", unavailable: None, stops, counters: None };
        let mut output = Vec::new();
        write(&mut output, &Report::new(Path::new("/tmp"), vec![driver]), Style { colours })
            .unwrap();
        String::from_utf8(output).unwrap()
    }

    #[test]
    fn the_columns_are_aligned() {
        let text = text(false);
        for line in [
            "  stop     what was done       time  backend   verdict\n",
            "  one      1 MiB written     0.0 ms  io_uring  held\n",
            "  another  byte 7 is wrong  12.3 ms  io_uring  DID NOT HOLD\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        assert!(text.ends_with("\n2 stops on 1 driver, 1 did not hold: another on a\n"));
    }

    #[test]
    fn only_colours_differ_in_colour() {
        let painted = text(true);
        assert!(painted.contains("\x1b[31mDID NOT HOLD\x1b[0m"));
        let plain = ["\x1b[31m", "\x1b[32m", "\x1b[0m"]
            .iter()
            .fold(painted, |text, code| text.replace(code, ""));
        assert_eq!(plain, text(false));
    }
}

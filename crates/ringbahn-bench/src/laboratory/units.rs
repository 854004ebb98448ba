//! Figures as people read them: three digits, and a unit that fits.

use super::case::Figure;

/// What stands where there is no figure.
pub(crate) const NOTHING: &str = "–";

/// A step from one unit to the next, and how they are called, the smallest first.
struct Units {
    step: f64,
    names: &'static [&'static str],
}

const TIME: Units = Units { step: 1000.0, names: &["ns", "µs", "ms"] };
const RATE: Units = Units { step: 1000.0, names: &["/s", "k/s", "M/s"] };
const BYTES: Units = Units { step: 1024.0, names: &["B", "KiB", "MiB", "GiB"] };

/// Nanoseconds.
pub(crate) fn time(nanoseconds: f64) -> String {
    TIME.text(nanoseconds)
}

/// Operations in a second.
pub(crate) fn rate(of_a_second: f64) -> String {
    RATE.text(of_a_second)
}

/// Bytes.
pub(crate) fn bytes(number: f64) -> String {
    BYTES.text(number)
}

/// How often something happens for each operation.
pub(crate) fn count(number: f64) -> String {
    if !number.is_finite() {
        NOTHING.to_owned()
    } else if number != 0.0 && number.abs() < 0.005 {
        "< 0.01".to_owned()
    } else if number == number.round() && number.abs() < 1e6 {
        format!("{number:.0}")
    } else {
        digits(number)
    }
}

/// A ratio. Those near 1 are what matters, to a thousandth.
pub(crate) fn ratio(number: f64) -> String {
    if !number.is_finite() {
        NOTHING.to_owned()
    } else if number < 9.9995 {
        format!("{number:.3}")
    } else {
        digits(number)
    }
}

/// A ratio as what it is more or less than 1, in per cent.
pub(crate) fn change(ratio: f64) -> String {
    if !ratio.is_finite() {
        return NOTHING.to_owned();
    }
    let percent = (ratio - 1.0) * 100.0;
    if percent.abs() < 99.95 { format!("{percent:+.1} %") } else { format!("{percent:+.0} %") }
}

/// What is compared in a case, for one operation.
pub(crate) fn figure(figure: Figure, number: f64) -> String {
    match figure {
        Figure::WallTime | Figure::ProcessorTime => time(number),
        Figure::Memory => bytes(number),
    }
}

/// A median and its quartiles, all in the unit of the median.
pub(crate) fn figure_with_spread(of: Figure, [low, median, high]: [f64; 3]) -> String {
    let units = match of {
        Figure::WallTime | Figure::ProcessorTime => &TIME,
        Figure::Memory => &BYTES,
    };
    let (scale, _) = units.scale(median);
    let (low, high) = (digits(low / scale), digits(high / scale));
    format!("{} [{low}, {high}]", units.text(median))
}

/// A moment, given in seconds since 1970: the day and the minute.
pub(crate) fn date(seconds: u64) -> String {
    let is_leap = |year: u64| {
        year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
    };
    let (mut day, mut year) = (seconds / 86_400, 1970);
    while day >= 365 + u64::from(is_leap(year)) {
        day -= 365 + u64::from(is_leap(year));
        year += 1;
    }
    let february = 28 + u64::from(is_leap(year));
    let mut month = 1;
    for days in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if day < days {
            break;
        }
        day -= days;
        month += 1;
    }
    let (hour, minute) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{year}-{month:02}-{:02} {hour:02}:{minute:02} UTC", day + 1)
}

/// What is compared in a case, in words.
pub(crate) fn name_of(figure: Figure) -> &'static str {
    match figure {
        Figure::WallTime => "time per operation",
        Figure::ProcessorTime => "CPU per operation",
        Figure::Memory => "memory per connection",
    }
}

impl Units {
    /// What one of the unit that fits `number` is, and its name.
    fn scale(&self, number: f64) -> (f64, &'static str) {
        let mut scale = 1.0;
        for name in self.names {
            // 999.6 would be written as 1000.
            if number.abs() / scale < self.step - 0.5 {
                return (scale, name);
            }
            scale *= self.step;
        }
        (scale / self.step, self.names.last().copied().unwrap_or_default())
    }

    fn text(&self, number: f64) -> String {
        if !number.is_finite() {
            return NOTHING.to_owned();
        }
        let (scale, name) = self.scale(number);
        format!("{} {name}", digits(number / scale))
    }
}

/// Three digits, or all of those before the point.
fn digits(number: f64) -> String {
    match number.abs() {
        size if !size.is_finite() => NOTHING.to_owned(),
        0.0 => "0".to_owned(),
        size if size < 9.995 => format!("{number:.2}"),
        size if size < 99.95 => format!("{number:.1}"),
        _ => format!("{number:.0}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_has_three_digits_and_a_unit_that_fits() {
        assert_eq!(time(68.0), "68.0 ns");
        assert_eq!(time(363.2), "363 ns");
        assert_eq!(time(999.7), "1.00 µs");
        assert_eq!(time(4012.0), "4.01 µs");
        assert_eq!(time(3.2e10), "32000 ms");
        assert_eq!(rate(2_754_000.0), "2.75 M/s");
        assert_eq!(bytes(1228.8), "1.20 KiB");
        assert_eq!(bytes(0.0), "0 B");
    }

    #[test]
    fn counts_that_are_whole_have_no_fraction() {
        assert_eq!(count(0.0), "0");
        assert_eq!(count(2.0), "2");
        assert_eq!(count(0.125), "0.12");
        assert_eq!(count(0.0001), "< 0.01");
    }

    #[test]
    fn quartiles_are_in_the_unit_of_the_median() {
        let text = figure_with_spread(Figure::WallTime, [980.0, 1010.0, 1100.0]);
        assert_eq!(text, "1.01 µs [0.98, 1.10]");
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(date(0), "1970-01-01 00:00 UTC");
        assert_eq!(date(951_782_400), "2000-02-29 00:00 UTC");
        assert_eq!(date(1_796_057_087), "2026-11-30 16:44 UTC");
        assert_eq!(date(4_102_444_799), "2099-12-31 23:59 UTC");
    }

    #[test]
    fn what_is_no_number_is_not_written_as_one() {
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for text in [time(number), rate(number), bytes(number), count(number), ratio(number)] {
                assert_eq!(text, NOTHING);
            }
            assert_eq!(change(number), NOTHING);
            let text = figure_with_spread(Figure::Memory, [number; 3]);
            assert!(!text.contains("NaN") && !text.contains("inf"), "{text}");
        }
    }
}

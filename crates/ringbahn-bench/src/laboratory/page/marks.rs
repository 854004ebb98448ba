//! What plots are drawn with: marks, lines, and the colours of families.

use super::super::contender::Family;
use super::element::Element;

/// The shape of a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Circle,
    Diamond,
    Triangle,
    Square,
    /// An upright stroke.
    Bar,
}

/// By which those of a family are told apart.
pub(super) const MARKS: [Mark; 4] = [Mark::Circle, Mark::Square, Mark::Triangle, Mark::Diamond];
/// Dashes of lines, with which there are more of them than marks alone would give.
pub(super) const DASHES: [&str; 3] = ["none", "6 3", "2 3"];

/// The class of a family, which has a colour in the style sheet.
pub(super) fn class(family: Family) -> &'static str {
    match family {
        Family::Raw => "raw",
        Family::Plain => "plain",
        Family::Ringbahn => "ringbahn",
        Family::Peer => "peer",
    }
}

/// Whose a family is, for a legend.
pub(super) fn legend(family: Family) -> &'static str {
    match family {
        Family::Raw => "the ring by hand",
        Family::Plain => "system calls by hand",
        Family::Ringbahn => "ringbahn",
        Family::Peer => "other libraries",
    }
}

impl Mark {
    /// The mark at a place, of such a radius.
    pub(super) fn draw(self, class: &str, (x, y): (f64, f64), radius: f64) -> Element {
        let points = |points: &[(f64, f64)]| {
            let place =
                |(dx, dy): &(f64, f64)| format!("{:.1},{:.1}", x + dx * radius, y + dy * radius);
            let places: Vec<String> = points.iter().map(place).collect();
            Element::new("polygon").set("points", places.join(" "))
        };
        let mark = match self {
            Mark::Circle => Element::new("circle").at("cx", x).at("cy", y).at("r", radius * 0.9),
            Mark::Diamond => points(&[(0.0, -1.15), (1.15, 0.0), (0.0, 1.15), (-1.15, 0.0)]),
            Mark::Triangle => points(&[(0.0, -1.1), (1.05, 0.85), (-1.05, 0.85)]),
            Mark::Square => points(&[(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)]),
            Mark::Bar => points(&[(-0.25, -1.1), (0.25, -1.1), (0.25, 1.1), (-0.25, 1.1)]),
        };
        mark.set("class", format_args!("mark {class}"))
    }
}

pub(super) fn line(class: &str, start: (f64, f64), end: (f64, f64)) -> Element {
    Element::new("line")
        .set("class", class)
        .at("x1", start.0)
        .at("y1", start.1)
        .at("x2", end.0)
        .at("y2", end.1)
}

/// A figure without zeros that say nothing: ticks are round.
pub(super) fn short(figure: &str) -> String {
    let (number, unit) = figure.split_once(' ').unwrap_or((figure, ""));
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => number,
    };
    format!("{number} {unit}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn round_figures_are_written_without_a_fraction() {
        assert_eq!(short("1.00 µs"), "1 µs");
        assert_eq!(short("2.50 KiB"), "2.5 KiB");
        assert_eq!(short("100 ns"), "100 ns");
        assert_eq!(short("1.500"), "1.5");
        assert_eq!(short("0"), "0");
    }
}

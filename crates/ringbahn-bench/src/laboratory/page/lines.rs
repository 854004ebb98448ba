//! The plot of a series: ratios to the ring by hand, along a parameter, one line for each
//! contender.

use super::super::contender::Family;
use super::super::standing::Standing;
use super::super::units;
use super::element::Element;
use super::marks::{self, DASHES, MARKS, Mark};
use super::scale::Scale;
use super::series::Series;

const WIDTH: f64 = 960.0;
const LEFT: f64 = 44.0;
/// Where the lines end, and their names begin.
const RIGHT: f64 = 740.0;
const NAMES: f64 = 784.0;
const TOP: f64 = 14.0;
const BOTTOM: f64 = 36.0;
/// From one name to the next at least.
const APART: f64 = 14.0;
/// What is so many times as slow is drawn at the edge.
const GREATEST: f64 = 12.0;

/// A line.
struct Line<'a> {
    name: &'a str,
    family: Family,
    mark: Mark,
    dash: &'static str,
    /// The values of the parameter, and the ratios.
    points: Vec<(u64, f64)>,
}

/// The plot; `None` if there is no ring by hand to compare with, or nobody beside it.
pub(super) fn plot(series: &Series<'_>) -> Option<Element> {
    let lines = lines(series);
    if lines.is_empty() {
        return None;
    }
    let height = (APART * lines.len() as f64).max(230.0);
    let bottom = TOP + height;
    let ratios = lines.iter().flat_map(|line| line.points.iter().map(|(_, ratio)| *ratio));
    let ratios = ratios.map(|ratio| ratio.min(GREATEST)).chain([1.0]);
    let vertical = Scale::logarithmic(ratios, (bottom, TOP))?;
    let values = series.cases.iter().map(|(value, _)| *value as f64);
    let horizontal = Scale::logarithmic(values, (LEFT + 8.0, RIGHT))?;
    let mut svg = Element::new("svg")
        .set("viewBox", format_args!("0 0 {WIDTH} {}", bottom + BOTTOM))
        .set("role", "img")
        .set("aria-label", format_args!("ratio to the ring by hand by {}", series.parameter));
    for tick in vertical.ticks(22.0) {
        let y = vertical.at(tick);
        let class = if tick == 1.0 { "reference" } else { "grid" };
        svg = svg.add(marks::line(class, (LEFT, y), (RIGHT, y)));
        let text = Element::of_text("text", marks::short(&units::ratio(tick)));
        svg = svg.add(text.set("class", "tick end").at("x", LEFT - 6.0).at("y", y + 4.0));
    }
    for (value, _) in &series.cases {
        let x = horizontal.at(*value as f64);
        svg = svg.add(marks::line("grid", (x, TOP), (x, bottom)));
        let text = Element::of_text("text", value.to_string()).set("class", "tick");
        svg = svg.add(text.at("x", x).at("y", bottom + 15.0));
    }
    let parameter = Element::of_text("text", series.parameter).set("class", "tick");
    svg = svg.add(parameter.at("x", (LEFT + RIGHT) / 2.0).at("y", bottom + 31.0));
    let place = |&(value, ratio): &(u64, f64)| (horizontal.at(value as f64), vertical.at(ratio));
    let ends: Vec<f64> = lines.iter().filter_map(|it| Some(place(it.points.last()?).1)).collect();
    let labels = apart(&ends, (TOP + 4.0, bottom));
    // Ours are drawn last, above the others.
    let (ours, others): (Vec<usize>, Vec<usize>) =
        (0..lines.len()).partition(|&number| lines[number].family == Family::Ringbahn);
    for number in others.into_iter().chain(ours) {
        svg = svg.add(draw(&lines[number], &place, labels[number]));
    }
    Some(svg)
}

/// Where a value of the parameter and a ratio are drawn.
type Place<'a> = &'a dyn Fn(&(u64, f64)) -> (f64, f64);

/// All who have a ratio to the ring by hand. Those of a family differ in their marks, and then
/// their dashes.
fn lines<'a>(series: &Series<'a>) -> Vec<Line<'a>> {
    let mut lines = Vec::<Line<'a>>::new();
    for &(value, case) in &series.cases {
        for standing in Standing::all(case) {
            let (name, family) = (&*standing.row.contender, standing.row.family);
            let Some(ratio) = standing.to_raw.map(|it| it.median).filter(|it| *it > 0.0) else {
                continue;
            };
            if family == Family::Raw {
                continue;
            }
            if let Some(line) = lines.iter_mut().find(|line| line.name == name) {
                line.points.push((value, ratio));
                continue;
            }
            let number = lines.iter().filter(|line| line.family == family).count();
            let mark = MARKS[number % MARKS.len()];
            let dash = DASHES[number / MARKS.len() % DASHES.len()];
            lines.push(Line { name, family, mark, dash, points: vec![(value, ratio)] });
        }
    }
    lines
}

fn draw(line: &Line<'_>, place: Place<'_>, label: f64) -> Element {
    let class = marks::class(line.family);
    let places: Vec<(f64, f64)> = line.points.iter().map(place).collect();
    let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
    let mut group = Element::new("g").add(
        Element::new("polyline")
            .set("class", format_args!("line {class}"))
            .set("stroke-dasharray", line.dash)
            .set("points", path.join(" ")),
    );
    for (&place, (value, ratio)) in places.iter().zip(&line.points) {
        let words = format!("{} at {value}: {}", line.name, units::ratio(*ratio));
        let title = Element::of_text("title", words);
        group = group.add(line.mark.draw(class, place, 4.0).add(title));
    }
    if let Some(&end) = places.last() {
        let leader = (NAMES - 14.0, label);
        group = group.add(marks::line(&format!("leader {class}"), (end.0 + 6.0, end.1), leader));
    }
    let last = line.points.last().map_or(String::new(), |(_, ratio)| format!("{ratio:.2}"));
    let name = Element::of_text("text", format!("{} {last}", line.name));
    let name = name.set("class", format_args!("label {class}"));
    group = group.add(line.mark.draw(class, (NAMES - 6.0, label), 4.0));
    group.add(name.at("x", NAMES + 4.0).at("y", label + 4.0))
}

/// Places near these, none of which is upon another, between two bounds. There is room for all.
fn apart(wanted: &[f64], (first, last): (f64, f64)) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&one, &other| wanted[one].total_cmp(&wanted[other]));
    let mut places = wanted.to_vec();
    let mut least = first;
    for &number in &order {
        places[number] = places[number].max(least);
        least = places[number] + APART;
    }
    let mut greatest = last;
    for &number in order.iter().rev() {
        places[number] = places[number].min(greatest);
        greatest = places[number] - APART;
    }
    places
}

#[cfg(test)]
mod tests {
    use super::super::super::made;
    use super::*;

    #[test]
    fn names_are_apart_and_in_the_order_of_their_lines() {
        let places = apart(&[100.0, 101.0, 20.0, 99.0, 200.0], (0.0, 200.0));
        let mut sorted = places.clone();
        sorted.sort_by(f64::total_cmp);
        assert!(sorted.windows(2).all(|pair| pair[1] - pair[0] >= APART), "{places:?}");
        assert!(places[3] < places[0] && places[0] < places[1], "{places:?}");
        assert_eq!((places[2], places[4]), (20.0, 200.0));
    }

    #[test]
    fn without_a_ring_by_hand_there_is_no_plot_of_ratios() {
        let mut cases = [made::nop(1), made::nop(8)];
        for case in &mut cases {
            case.rows.push(made::row("local", Family::Ringbahn, &[100.0]));
        }
        let cases: Vec<_> = cases.iter().collect();
        assert!(plot(&Series::all(&cases)[0]).is_none());
    }
}

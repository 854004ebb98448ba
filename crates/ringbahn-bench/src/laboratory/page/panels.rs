//! The plot of a case: one line for each contender, through panels that lie side by side.
//!
//! The figure is a bar with its quartiles, throughput a bar, latencies are marks on a logarithmic
//! scale. All have the same order, so that a contender is followed with the eye.

use super::super::report::CaseReport;
use super::super::standing::{Quartiles, Standing};
use super::super::units;
use super::element::Element;
use super::marks::{self, Mark};
use super::scale::Scale;

const WIDTH: f64 = 960.0;
/// Where names end.
const NAMES: f64 = 132.0;
/// A line.
const LINE: f64 = 19.0;
/// What is above the first line, and below the last.
const TOP: f64 = 24.0;
const BOTTOM: f64 = 22.0;
const GAP: f64 = 28.0;
/// Room for a figure behind its bar.
const LABEL: f64 = 74.0;
/// A bar that is so many times as long as the one in the middle is cut off, lest others are
/// dwarfed.
const LONGEST: f64 = 3.0;

/// What a panel is made of.
struct Frame {
    left: f64,
    right: f64,
    bottom: f64,
}

/// The plot; `None` if there is nothing to draw.
pub(super) fn plot(report: &CaseReport, standings: &[Standing<'_>]) -> Option<Element> {
    let standings: Vec<&Standing<'_>> = standings.iter().filter(|it| it.figure.is_some()).collect();
    if standings.is_empty() {
        return None;
    }
    let bottom = TOP + LINE * standings.len() as f64;
    let mut svg = Element::new("svg")
        .set("viewBox", format_args!("0 0 {WIDTH} {}", bottom + BOTTOM))
        .set("role", "img")
        .set("aria-label", format_args!("{}: contenders compared", report.name));
    for (number, standing) in standings.iter().enumerate() {
        svg = svg.add(name(standing, middle(number)));
    }
    let has_throughput = standings.iter().any(|it| it.throughput.is_some());
    let has_latencies = standings.iter().any(|it| it.p50.is_some());
    let parts = [(true, 10.0), (has_throughput, 5.5), (has_latencies, 9.0)];
    let all: f64 = parts.iter().filter(|part| part.0).map(|part| part.1).sum();
    let mut left = NAMES + 10.0;
    let width = WIDTH - left - GAP * parts.iter().filter(|part| part.0).count() as f64;
    let mut next = |weight: f64| {
        let frame = Frame { left, right: left + width * weight / all, bottom };
        left = frame.right + GAP;
        frame
    };
    svg = svg.add(figures(report, &standings, &next(parts[0].1)));
    if has_throughput {
        svg = svg.add(throughput(&standings, &next(parts[1].1)));
    }
    if has_latencies {
        svg = svg.all(latencies(&standings, &next(parts[2].1)));
    }
    Some(svg)
}

fn middle(number: usize) -> f64 {
    TOP + LINE * (number as f64 + 0.5)
}

fn name(standing: &Standing<'_>, y: f64) -> Element {
    Element::of_text("text", &*standing.row.contender)
        .set("class", format_args!("name {}", marks::class(standing.row.family)))
        .at("x", NAMES)
        .at("y", y + 4.0)
}

fn figures(report: &CaseReport, standings: &[&Standing<'_>], frame: &Frame) -> Element {
    let figures = || standings.iter().filter_map(|it| it.figure);
    let medians: crate::sample::Sample = figures().map(|it| it.median).collect();
    let longest = medians.median() * LONGEST;
    let greatest = figures().map(|it| it.high).filter(|it| *it <= longest).fold(0.0, f64::max);
    // Where all are as long as that, none is cut off.
    let greatest = if greatest > 0.0 { greatest } else { longest };
    let scale = Scale::linear(greatest, (frame.left, frame.right - LABEL));
    let mut group = heading(units::name_of(report.figure), frame);
    group = group.all(grid(&scale, frame, &|value| units::figure(report.figure, value)));
    if let Some(raw) = report.raw().and_then(|row| Quartiles::of(&row.figures(report.figure))) {
        let x = scale.at(raw.median);
        group = group.add(marks::line("reference", (x, TOP), (x, frame.bottom)));
    }
    for (number, standing) in standings.iter().enumerate() {
        let Some(figure) = standing.figure else { continue };
        let y = middle(number);
        let class = marks::class(standing.row.family);
        let is_cut_off = figure.median > greatest;
        let end = scale.at(figure.median);
        let mut bar = bar(class, (frame.left, end), y);
        let words = units::figure_with_spread(report.figure, figure.all());
        bar = bar.add(Element::of_text("title", format!("{}: {words}", standing.row.contender)));
        group = group.add(bar);
        let mut label = end;
        if is_cut_off {
            // Two strokes of the background through the bar: it goes on.
            for x in [end - 12.0, end - 8.0] {
                group = group.add(marks::line("cut", (x - 2.0, y + 7.0), (x + 2.0, y - 7.0)));
            }
        } else {
            let (low, high) = (scale.at(figure.low), scale.at(figure.high));
            group = group.add(marks::line("whisker", (low, y), (high, y)));
            for x in [low, high] {
                group = group.add(marks::line("whisker", (x, y - 3.0), (x, y + 3.0)));
            }
            label = label.max(high);
        }
        let text = units::figure(report.figure, figure.median);
        group = group.add(value(text, label + 6.0, y));
    }
    group
}

fn throughput(standings: &[&Standing<'_>], frame: &Frame) -> Element {
    let medians = standings.iter().filter_map(|it| Some(it.throughput?.median));
    let scale = Scale::linear(medians.fold(0.0, f64::max), (frame.left, frame.right - LABEL));
    let mut group = heading("throughput", frame);
    group = group.all(grid(&scale, frame, &units::rate));
    for (number, standing) in standings.iter().enumerate() {
        let Some(throughput) = standing.throughput else { continue };
        let (y, end) = (middle(number), scale.at(throughput.median));
        let class = marks::class(standing.row.family);
        group = group.add(bar(&format!("{class} light"), (frame.left, end), y));
        group = group.add(value(units::rate(throughput.median), end + 6.0, y));
    }
    group
}

fn latencies(standings: &[&Standing<'_>], frame: &Frame) -> Option<Element> {
    let quantiles = |standing: &Standing<'_>| {
        [
            (Mark::Circle, standing.p50, "p50"),
            (Mark::Diamond, standing.p99, "p99"),
            (Mark::Triangle, standing.p999, "p99.9"),
            (Mark::Bar, standing.maximum, "max"),
        ]
    };
    let medians = standings.iter().flat_map(|it| quantiles(it));
    let medians = medians.filter_map(|(_, quartiles, _)| Some(quartiles?.median));
    let scale = Scale::logarithmic(medians, (frame.left, frame.right - 4.0))?;
    let mut group = heading("latency: ● p50  ◆ p99  ▲ p99.9  | max", frame);
    group = group.all(grid(&scale, frame, &units::time));
    for (number, standing) in standings.iter().enumerate() {
        let y = middle(number);
        let class = marks::class(standing.row.family);
        let quantiles = quantiles(standing).into_iter();
        let quantiles: Vec<(Mark, f64, &str)> = quantiles
            .filter_map(|(mark, quartiles, name)| Some((mark, quartiles?.median, name)))
            .collect();
        let Some((first, last)) = quantiles.first().zip(quantiles.last()) else { continue };
        let (start, end) = ((scale.at(first.1), y), (scale.at(last.1), y));
        group = group.add(marks::line(&format!("range {class}"), start, end));
        for (mark, median, name) in quantiles {
            let words = format!("{}: {name} {}", standing.row.contender, units::time(median));
            let title = Element::of_text("title", words);
            group = group.add(mark.draw(class, (scale.at(median), y), 4.0).add(title));
        }
    }
    Some(group)
}

fn heading(text: &str, frame: &Frame) -> Element {
    let text = Element::of_text("text", text).set("class", "heading");
    Element::new("g").add(text.at("x", frame.left).at("y", 12.0))
}

/// Lines at round values, which are written below.
fn grid(scale: &Scale, frame: &Frame, text: &dyn Fn(f64) -> String) -> Vec<Element> {
    let mut elements = Vec::new();
    for tick in scale.ticks(62.0) {
        let x = scale.at(tick);
        elements.push(marks::line("grid", (x, TOP), (x, frame.bottom)));
        let text = marks::short(&text(tick));
        let text = Element::of_text("text", text).set("class", "tick");
        elements.push(text.at("x", x).at("y", frame.bottom + 14.0));
    }
    elements
}

fn bar(class: &str, (left, right): (f64, f64), y: f64) -> Element {
    Element::new("rect")
        .set("class", format_args!("bar {class}"))
        .at("x", left)
        .at("y", y - 6.0)
        .at("width", (right - left).max(1.0))
        .at("height", 12.0)
        .set("rx", 1.5)
}

fn value(text: String, x: f64, y: f64) -> Element {
    Element::of_text("text", text).set("class", "value").at("x", x).at("y", y + 4.0)
}

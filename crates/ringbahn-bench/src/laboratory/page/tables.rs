//! The tables of the page.

use super::super::columns::Column;
use super::super::comparison::Comparison;
use super::super::report::{CaseReport, Report};
use super::super::standing::Standing;
use super::super::targets;
use super::super::units::{self, NOTHING};
use super::super::verdict::{Order, Verdict};
use super::element::Element;
use super::marks;

/// The figures of a case.
pub(super) fn case(report: &CaseReport, standings: &[Standing<'_>]) -> Element {
    let columns = Column::all(report, standings);
    let headings = columns.iter().map(|column| {
        Element::of_text("th", &*column.heading).set("title", column.about).set("scope", "col")
    });
    let headings: Vec<Element> = headings.collect();
    let rows = standings.iter().enumerate().map(|(number, standing)| {
        let class = format!("contender {}", marks::class(standing.row.family));
        let name = Element::of_text("td", &*standing.row.contender).set("class", class);
        let cells = columns.iter().map(|column| Element::of_text("td", &*column.cells[number]));
        Element::new("tr").add(name).all(cells)
    });
    table([Element::of_text("th", "contender")].into_iter().chain(headings), rows)
}

/// Who is the best in each case.
pub(super) fn verdicts(verdicts: &[Verdict<'_>]) -> Element {
    let headings = [
        left("th", "case"),
        left("th", "best"),
        left("th", "best of ringbahn"),
        Element::of_text("th", "× ring by hand"),
        Element::new("th"),
        Element::of_text("th", "× best peer"),
        Element::new("th"),
        left("th", "which is"),
    ];
    let rows = verdicts.iter().map(|verdict| {
        let ours = verdict.ours.as_ref();
        let to_peer = ours.and_then(|ours| ours.to_best_peer);
        let ratio = |ratio: Option<_>| match ratio {
            Some(ratio) => [quantity(&ratio), order(Order::of(&ratio))],
            None => [Element::of_text("td", NOTHING), Element::new("td")],
        };
        let text = |text: Option<&str>| left("td", text.unwrap_or(NOTHING));
        Element::new("tr")
            .add(left("td", &verdict.case.name))
            .add(text(Some(verdict.best)))
            .add(text(ours.map(|ours| ours.name)))
            .all(ratio(ours.and_then(|ours| ours.to_raw)))
            .all(ratio(to_peer.map(|(_, ratio)| ratio)))
            .add(text(to_peer.map(|(name, _)| name)))
    });
    table(headings, rows)
}

fn left(name: &'static str, text: &str) -> Element {
    Element::of_text(name, text).set("class", "left")
}

fn quantity(ratio: &super::super::standing::Quartiles) -> Element {
    let [low, median, high] = ratio.all();
    let text = format!("{} [{low:.2}, {high:.2}]", units::ratio(median));
    Element::of_text("td", text)
}

fn order(order: Order) -> Element {
    Element::of_text("td", order.word()).set("class", format_args!("left {}", order.word()))
}

/// Whether targets are met. Those of which the report shows nothing are listed below.
pub(super) fn targets(report: &Report) -> Vec<Element> {
    let (outcomes, unknown) = targets::outcomes(report);
    let mut elements = Vec::new();
    if !outcomes.is_empty() {
        let rows = outcomes.iter().enumerate().map(|(number, outcome)| {
            // What is said in the line above is not said again.
            let begins = number == 0 || outcomes[number - 1].text != outcome.text;
            let goes_on = outcomes.get(number + 1).is_some_and(|it| it.text == outcome.text);
            let word = if outcome.is_met { "met" } else { "missed" };
            let text = if begins { outcome.text } else { "" };
            Element::new("tr")
                .set("class", if goes_on { "goes-on" } else { "ends" })
                .add(Element::of_text("td", text).set("class", "words"))
                .add(Element::of_text("td", &*outcome.about).set("class", "words"))
                .add(Element::of_text("td", &*outcome.measured))
                .add(Element::of_text("td", word).set("class", format_args!("left {word}")))
        });
        let headings = [
            left("th", "target"),
            left("th", "case"),
            Element::of_text("th", "measured"),
            Element::new("th"),
        ];
        elements.push(table(headings, rows));
    }
    if !unknown.is_empty() {
        let text = format!("Not measured in this run: {}.", unknown.join("; "));
        elements.push(Element::of_text("p", text).set("class", "remarks"));
    }
    elements
}

/// What has changed since an older report.
pub(super) fn changes(comparison: &Comparison) -> Vec<Element> {
    let mut elements = vec![Element::of_text("p", format!("{}.", comparison.sentence()))];
    for warning in &comparison.warnings {
        elements.push(Element::of_text("p", warning).set("class", "warning"));
    }
    if !comparison.changes.is_empty() {
        let rows = comparison.changes.iter().map(|change| {
            let class = if change.ratio < 1.0 { "better" } else { "worse" };
            let beside = change.ratio_beside_raw.map_or_else(|| NOTHING.to_owned(), units::change);
            Element::new("tr")
                .add(left("td", &change.case))
                .add(left("td", &change.contender))
                .add(Element::of_text("td", &*change.old))
                .add(Element::of_text("td", &*change.new))
                .add(Element::of_text("td", units::change(change.ratio)).set("class", class))
                .add(Element::of_text("td", beside))
        });
        let headings = ["then", "now", "change", "beside the ring by hand"];
        let headings = headings.map(|heading| Element::of_text("th", heading));
        let headings = [left("th", "case"), left("th", "contender")].into_iter().chain(headings);
        elements.push(table(headings, rows));
    }
    for (what, rows) in [("Only now", &comparison.added), ("Only then", &comparison.removed)] {
        if !rows.is_empty() {
            let text = format!("{what}: {}.", rows.join("; "));
            elements.push(Element::of_text("p", text).set("class", "remarks"));
        }
    }
    elements
}

fn table(
    headings: impl IntoIterator<Item = Element>,
    rows: impl IntoIterator<Item = Element>,
) -> Element {
    let head = Element::new("thead").add(Element::new("tr").all(headings));
    let table = Element::new("table").add(head).add(Element::new("tbody").all(rows));
    Element::new("div").set("class", "scroll").add(table)
}

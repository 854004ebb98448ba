//! Reports as a page to look at, which needs nothing but itself: no script, no other file.

use super::case::Case;
use super::columns;
use super::comparison::Comparison;
use super::contender::Family;
use super::report::{CaseReport, Report};
use super::standing::Standing;
use super::units;
use super::verdict::{self, Verdict};
use element::Element;
use series::Series;

mod element;
mod lines;
mod marks;
mod panels;
mod scale;
mod series;
mod tables;

const STYLE: &str = include_str!("page/style.css");

/// The page.
pub(crate) fn report(report: &Report, comparison: Option<&Comparison>) -> String {
    let title = "The laboratory of ringbahn";
    let head = Element::new("head")
        .add(Element::new("meta").set("charset", "utf-8"))
        .add(
            Element::new("meta")
                .set("name", "viewport")
                .set("content", "width=device-width, initial-scale=1"),
        )
        .add(Element::of_text("title", title))
        .add(Element::of_text("style", STYLE));
    let mut body =
        Element::new("body").add(Element::of_text("h1", title)).all(introduction(report));
    let workloads = workloads(report);
    let links = workloads
        .iter()
        .map(|(name, _)| Element::of_text("a", *name).set("href", format_args!("#{name}")));
    body = body.add(Element::new("nav").all(links)).all(summary(report));
    if let Some(comparison) = comparison {
        body = body.add(Element::of_text("h2", "What has changed"));
        body = body.all(tables::changes(comparison));
    }
    for (name, cases) in &workloads {
        body = body.add(Element::of_text("h2", *name).set("id", *name));
        for series in Series::all(cases) {
            body = body.all(ratios(&series));
        }
        for case in cases {
            body = body.all(figures(case));
        }
    }
    body = body.all(closing(report));
    let html = Element::new("html").set("lang", "en").add(head).add(body);
    format!("<!DOCTYPE html>\n{html}")
}

/// The cases of each workload, in the order of the report.
fn workloads(report: &Report) -> Vec<(&'static str, Vec<&CaseReport>)> {
    let mut workloads = Vec::<(&str, Vec<&CaseReport>)>::new();
    for case in &report.cases {
        let name = case.case.workload();
        match workloads.iter_mut().find(|(it, _)| *it == name) {
            Some((_, cases)) => cases.push(case),
            None => workloads.push((name, vec![case])),
        }
    }
    workloads
}

fn introduction(report: &Report) -> Vec<Element> {
    let machine = &report.machine;
    let milliseconds = report.measured.as_millis();
    let facts = [
        ("when", format!("{}, for {:.0} s", units::date(machine.began), report.seconds)),
        ("processor", format!("{}, {} of them", machine.model, machine.processors)),
        ("kernel", format!("Linux {} on {}", machine.kernel, machine.architecture)),
        ("ringbahn", machine.version.clone()),
        (
            "profile",
            format!(
                "{}: {} in turns, {milliseconds} ms each",
                report.profile,
                columns::rounds(report.rounds)
            ),
        ),
    ];
    let mut list = Element::new("dl");
    for (name, fact) in facts {
        list = list.add(Element::of_text("dt", name)).add(Element::of_text("dd", fact));
    }
    let command = Element::new("dd").add(Element::of_text("code", &*report.command));
    list = list.add(Element::of_text("dt", "command")).add(command);
    let mut elements = vec![list];
    for warning in report.warnings() {
        elements.push(Element::of_text("p", warning).set("class", "warning"));
    }
    let families = [Family::Raw, Family::Plain, Family::Ringbahn, Family::Peer].into_iter();
    let families =
        families.filter(|family| report.contenders.iter().any(|it| it.family == *family));
    let legend = families.map(|family| {
        Element::of_text("li", marks::legend(family)).set("class", marks::class(family))
    });
    elements.push(Element::new("ul").set("class", "legend").all(legend));
    elements.push(Element::of_text(
        "p",
        "In each round of a case every contender has its turn, in a process of its own, on a \
         processor of its own; servers are loaded from another. Bars are medians of the rounds, \
         with a whisker from quartile to quartile: less is better, but for throughput. A bar \
         with two cuts goes on beyond the plot. The dashed line is the ring by hand, in its \
         best form, and a ratio is the median of what each round came to over the ring’s figure \
         of the same round. What lies within the whiskers of another, or within 3 %, is level \
         with it.",
    ));
    elements
}

fn summary(report: &Report) -> Vec<Element> {
    let verdicts = Verdict::all(report);
    let mut elements = vec![Element::of_text("h2", "Summary")];
    let sentences = verdict::sentences(&verdicts).into_iter();
    elements
        .push(Element::new("ul").all(sentences.map(|it| Element::of_text("li", format!("{it}.")))));
    elements.push(Element::of_text("h3", "The best of each"));
    elements.push(tables::verdicts(&verdicts));
    elements.push(Element::of_text("h3", "Targets"));
    elements.extend(tables::targets(report));
    elements
}

/// A series, as a figure.
fn ratios(series: &Series<'_>) -> Vec<Element> {
    let Some(plot) = lines::plot(series) else { return Vec::new() };
    let name = if series.name.is_empty() { String::new() } else { format!("{}: ", series.name) };
    let caption = format!(
        "{name}ratio to the ring by hand by {}, on logarithmic scales; numbers are the last",
        series.parameter
    );
    vec![figure(caption, plot)]
}

/// A case: its plot, its table and what is to be said.
fn figures(case: &CaseReport) -> Vec<Element> {
    let standings = Standing::sorted(case);
    let mut elements = vec![Element::of_text("h3", &*case.name)];
    match panels::plot(case, &standings) {
        Some(plot) => {
            let caption = format!("{}, the best first", units::name_of(case.figure));
            elements.push(figure(caption, plot));
            elements.push(tables::case(case, &standings));
        }
        None => {
            let text = "There are no figures.";
            elements.push(Element::of_text("p", text).set("class", "quiet"));
        }
    }
    let remarks = columns::remarks(case);
    if !remarks.is_empty() {
        let remarks = remarks.into_iter().map(|remark| Element::of_text("li", remark));
        elements.push(Element::new("ul").set("class", "remarks").all(remarks));
    }
    elements
}

fn figure(caption: String, plot: Element) -> Element {
    let caption = Element::of_text("figcaption", caption);
    let plot = Element::new("div").set("class", "scroll").add(plot);
    Element::new("figure").add(caption).add(plot)
}

/// What was left out, and who the contenders are.
fn closing(report: &Report) -> Vec<Element> {
    let mut elements = Vec::new();
    if !report.left_out.is_empty() {
        elements.push(Element::of_text("h2", "Left out, for the time was up"));
        let cases = report.left_out.iter().map(Case::to_string);
        elements.push(Element::new("ul").all(cases.map(|case| Element::of_text("li", case))));
    }
    elements.push(Element::of_text("h2", "Contenders"));
    let mut list = Element::new("dl");
    for about in &report.contenders {
        list = list.add(Element::of_text("dt", &*about.name));
        list = list.add(Element::of_text("dd", &*about.about));
    }
    elements.push(list);
    elements
}

#[cfg(test)]
mod tests;

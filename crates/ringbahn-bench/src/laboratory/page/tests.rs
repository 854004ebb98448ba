//! The page as a whole, of reports that were made up.

use std::path::Path;

use super::super::made;
use super::*;

/// Panics if a tag has no partner, or text that should be escaped is not.
fn assert_well_formed(page: &str) {
    let page = page.strip_prefix("<!DOCTYPE html>\n").expect("it begins as HTML does");
    let mut open = Vec::new();
    for part in page.split('<').skip(1) {
        let (tag, text) = part.split_once('>').expect("a tag ends");
        assert!(!text.contains('>'), "unescaped: {text}");
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap_or_default();
            assert!(["amp", "lt", "gt", "quot"].contains(&name), "unescaped: {text}");
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "unescaped: {tag}");
        let name = tag.split([' ', '\n']).next().unwrap_or_default();
        match name.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop(), Some(name), "a tag without a partner"),
            None if name == "meta" => {}
            None => open.push(name),
        }
    }
    assert!(open.is_empty(), "tags that do not end: {open:?}");
}

#[test]
fn the_page_is_well_formed_and_needs_nothing_but_itself() {
    let (old, mut new) = (made::large(), made::large());
    for (number, factor) in [(2, 120), (3, 85)] {
        for round in &mut new.cases[number].rows[2].rounds {
            round.wall_nanoseconds = round.wall_nanoseconds * factor / 100;
        }
    }
    let comparison = Comparison::of(Path::new("<old>.json"), &old, &new);
    assert!(!STYLE.contains(['"', '<', '>', '&']), "a browser reads the style as it stands");
    let page = report(&new, Some(&comparison));
    assert_well_formed(&page);
    for words in ["http:", "https:", "url(", "@import", "<script", "src=", "NaN", "inf\""] {
        assert!(!page.contains(words), "{words}");
    }
    assert!(page.contains("&lt;and &quot;more&quot;&gt;"), "a failure is told, and escaped");
    // One plot for each case, and one for each series.
    assert_eq!(page.matches("<svg").count(), new.cases.len() + 6);
    if let Some(path) = std::env::var_os("RINGBAHN_SAMPLE_PAGE") {
        std::fs::write(path, page).expect("the page can be written");
    }
}

#[test]
fn reports_of_which_little_can_be_told_are_told_all_the_same() {
    let mut no_raw = made::nop(8);
    no_raw.rows.push(made::row("local", Family::Ringbahn, &[100.0, 0.0]));
    let mut failures = made::nop(32);
    failures.rows.push(made::failed("raw", Family::Raw, "it has ended too soon"));
    let mut nothing_done = made::echo(1, 64);
    for (name, family) in [("raw", Family::Raw), ("peer", Family::Peer)] {
        let mut row = made::row(name, family, &[100.0, 100.0]);
        for round in row.rounds.iter_mut().chain(&mut row.counted) {
            (round.operations, round.wall_nanoseconds, round.processor_nanoseconds) = (0, 0, 0);
        }
        nothing_done.rows.push(row);
    }
    let mut costs_nothing = made::echo(64, 64);
    for (name, family) in [("raw", Family::Raw), ("local", Family::Ringbahn), ("p", Family::Peer)] {
        costs_nothing.rows.push(made::row(name, family, &[0.0, 0.0]));
    }
    let odd = made::report(vec![no_raw, failures, nothing_done, costs_nothing, made::idle(10)]);
    for told in [&odd, &made::report(Vec::new())] {
        let comparison = Comparison::of(Path::new("old.json"), &odd, told);
        let page = report(told, Some(&comparison));
        assert_well_formed(&page);
        let mut texts = vec![page, super::super::markdown::report(told)];
        texts.push(super::super::csv::summary(told));
        texts.push(super::super::csv::rounds(told));
        texts.push(super::super::table::closing(told, Some(&comparison)));
        texts.extend(told.cases.iter().map(super::super::table::case));
        for text in texts {
            assert!(!text.contains("NaN") && !text.contains(" inf"), "{text}");
        }
    }
}

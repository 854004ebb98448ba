//! The text for Prometheus, read back as Prometheus reads it.

use std::collections::{BTreeMap, BTreeSet};

use ringbahn_core::event::Nop;
use ringbahn_core::{Drive, Metering};
use ringbahn_drivers::{LocalDriver, PrometheusText};

use crate::skip::skip;

/// A sample: its labels, and its value.
type Sample = (BTreeMap<String, String>, f64);

/// What a text says of one metric.
#[derive(Debug, Default)]
struct Family {
    kind: String,
    /// By the name of the sample, which for a histogram has something behind that of the metric.
    samples: Vec<(String, Sample)>,
}

/// Reads a text, and holds it to the rules of the format.
fn read(text: &str) -> BTreeMap<String, Family> {
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let mut current = String::new();
    assert!(text.is_empty() || text.ends_with('\n'));
    for line in text.lines() {
        if let Some(help) = line.strip_prefix("# HELP ") {
            let (name, help) = help.split_once(' ').unwrap();
            assert!(!help.is_empty() && !families.contains_key(name), "{line}");
            current = name.to_owned();
            families.insert(current.clone(), Family::default());
        } else if let Some(kind) = line.strip_prefix("# TYPE ") {
            let (name, kind) = kind.split_once(' ').unwrap();
            assert_eq!(name, current);
            assert!(["counter", "gauge", "histogram"].contains(&kind), "{line}");
            families.get_mut(name).unwrap().kind = kind.to_owned();
        } else {
            let (name, rest) = line.split_once('{').unwrap();
            let family = families.get_mut(&current).unwrap();
            let end = name.strip_prefix(&current).unwrap();
            let ends: &[&str] = match &family.kind[..] {
                "histogram" => &["_bucket", "_sum", "_count"],
                _ => &[""],
            };
            assert!(ends.contains(&end), "{line}");
            family.samples.push((name.to_owned(), read_sample(rest)));
        }
    }
    families
}

/// Reads what follows a `{`.
fn read_sample(mut rest: &str) -> Sample {
    let mut labels = BTreeMap::new();
    loop {
        let (label, after) = rest.split_once("=\"").unwrap();
        assert!(label.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'), "{label}");
        let mut value = String::new();
        let mut characters = after.char_indices();
        let end = loop {
            match characters.next().unwrap() {
                (end, '"') => break end,
                (_, '\\') => value.push(match characters.next().unwrap().1 {
                    'n' => '\n',
                    escaped @ ('"' | '\\') => escaped,
                    other => panic!("\\{other} means nothing"),
                }),
                (_, other) => value.push(other),
            }
        };
        assert!(labels.insert(label.to_owned(), value).is_none(), "{label} is there twice");
        rest = &after[end + 1..];
        match rest.strip_prefix(',') {
            Some(more) => rest = more,
            None => break,
        }
    }
    let value = rest.strip_prefix("} ").unwrap();
    (labels, value.parse().unwrap())
}

#[test]
fn what_is_written_can_be_read_and_is_what_was_counted() {
    let test = "prometheus::what_is_written_can_be_read_and_is_what_was_counted";
    let builder = LocalDriver::builder().entries(4).metering(Metering::Latencies);
    let driver = match builder.build() {
        Ok(driver) => driver,
        Err(error) => return skip(test, &format!("no io_uring: {error}")),
    };
    for _ in 0..7 {
        driver.block_on(driver.clone().submit(Nop)).unwrap();
    }
    let (counters, metrics) = (driver.counters(), driver.metrics().unwrap());
    let latencies = metrics.of(ringbahn_core::opcode::NOP).latencies.unwrap();
    let odd = "a \"driver\" of C:\\\nand of Köln";
    let text = PrometheusText::new()
        .counters("main", counters)
        .metrics("main", metrics.clone())
        .metrics(odd, metrics);
    let families = read(&text.to_string());

    let submitted = &families["ringbahn_operations_submitted_total"];
    assert_eq!(submitted.kind, "counter");
    let drivers: Vec<_> =
        submitted.samples.iter().map(|(_, it)| (&it.0["driver"][..], it.1)).collect();
    assert_eq!(drivers, [("main", 7.0), (odd, 7.0)]);
    assert!(submitted.samples.iter().all(|(_, it)| it.0["opcode"] == "NOP"));
    let completed = &families["ringbahn_operations_completed_total"];
    let results: Vec<_> =
        completed.samples.iter().map(|(_, it)| (&it.0["result"][..], it.1)).collect();
    assert_eq!(results[..3], [("succeeded", 7.0), ("failed", 0.0), ("cancelled", 0.0)]);
    assert_eq!(families["ringbahn_operations_in_flight"].kind, "gauge");
    let enters = &families["ringbahn_driver_enters_total"].samples;
    assert_eq!((enters.len(), enters[0].1.1), (1, counters.enters as f64));

    let duration = &families["ringbahn_operation_duration_seconds"];
    assert_eq!(duration.kind, "histogram");
    let of = |end: &str| {
        let name = format!("ringbahn_operation_duration_seconds{end}");
        let samples = duration.samples.iter().filter(move |(known, _)| *known == name);
        samples.map(|(_, sample)| sample).filter(|it| it.0["driver"] == "main").collect::<Vec<_>>()
    };
    let ends: Vec<f64> = of("_bucket").iter().map(|it| it.0["le"].parse().unwrap()).collect();
    assert!(ends.windows(2).all(|pair| pair[0] < pair[1]), "{ends:?}");
    assert_eq!(ends.last(), Some(&f64::INFINITY));
    let counts: Vec<f64> = of("_bucket").iter().map(|it| it.1).collect();
    assert!(counts.windows(2).all(|pair| pair[0] <= pair[1]), "{counts:?}");
    assert_eq!((counts.last(), of("_count")[0].1), (Some(&7.0), 7.0));
    assert_eq!(of("_sum")[0].1, latencies.sum().as_secs_f64());
}

#[test]
fn each_metric_is_explained_once_and_only_where_it_is_told() {
    let nothing = PrometheusText::new().to_string();
    assert_eq!(nothing, "");
    let counters = ringbahn_drivers::Counters::default();
    let text = PrometheusText::new().counters("a", counters).counters("b", counters).to_string();
    let families = read(&text);
    assert!(families.keys().all(|name| name.starts_with("ringbahn_driver_")), "{families:#?}");
    for (name, family) in families {
        let drivers: BTreeSet<_> = family.samples.iter().map(|(_, it)| &it.0["driver"]).collect();
        assert_eq!((drivers.len(), family.samples.len()), (2, 2), "{name}");
    }
}

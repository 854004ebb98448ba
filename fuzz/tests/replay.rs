//! Every input of every corpus, and some random bytes besides, through its target.

use std::collections::BTreeSet;
use std::fs;

use ringbahn_fuzz::{CANARY, TARGETS, Target, corpora};

/// The longest file of a corpus, and how many there are at most.
const LENGTH_MAX: usize = 4096;
const FILES_MAX: usize = 20;

/// How many random inputs each target gets, and how long they are at most.
const RANDOM_INPUTS: u64 = 300;
const RANDOM_LENGTH_MAX: u64 = 400;

/// The generator `splitmix64`.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ mixed >> 31
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.next() % (RANDOM_LENGTH_MAX + 1);
        (0..length).map(|_| (self.next() >> 32) as u8).collect()
    }
}

/// Replays the corpus of `target`, and says which files have failed and with what.
fn failures(target: Target) -> Vec<String> {
    let corpus = target.corpus().unwrap_or_else(|error| panic!("{}: {error}", target.name));
    let failed = corpus.iter().filter_map(|(path, bytes)| {
        let message = target.replay(bytes).err()?;
        Some(format!("{}: {message}", path.display()))
    });
    failed.collect()
}

/// Runs `target` with the inputs of its corpus and with random ones.
fn replay(name: &str) {
    let target = Target::named(name).expect("it is in the table");
    assert_eq!(failures(target), Vec::<String>::new());
    for seed in 0..RANDOM_INPUTS {
        let bytes = Random(seed).bytes();
        let replayed = target.replay(&bytes);
        assert_eq!(replayed, Ok(()), "{name} with the bytes of the seed {seed}: {bytes:?}");
    }
}

#[test]
fn operations() {
    replay("operations");
}

#[test]
fn decoders() {
    replay("decoders");
}

#[test]
fn parts() {
    replay("parts");
}

#[test]
fn completions() {
    replay("completions");
}

#[test]
fn indices() {
    replay("indices");
}

#[test]
fn settings() {
    replay("settings");
}

#[test]
fn the_canary_is_seen_to_fail() {
    let failed = failures(CANARY);
    assert_eq!(failed.len(), 1, "{failed:?}");
    assert!(failed[0].contains("as it was asked to"), "{failed:?}");
}

#[test]
fn every_target_has_a_test_here_and_a_corpus_of_small_files() {
    let tests = include_str!("replay.rs");
    for target in TARGETS.iter().chain([&CANARY]) {
        let name = target.name;
        let test = format!("fn {name}() {{\n    replay(\"{name}\");\n}}");
        assert!(tests.contains(&test) || name == CANARY.name, "{name} has no test");
        let corpus = target.corpus().unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!((1..=FILES_MAX).contains(&corpus.len()), "{name}: {} files", corpus.len());
        for (path, bytes) in corpus {
            assert!(bytes.len() < LENGTH_MAX, "{}: {} bytes", path.display(), bytes.len());
        }
    }
}

#[test]
fn every_corpus_has_a_target() {
    let folders = fs::read_dir(corpora()).expect("there are corpora");
    let folders = folders.map(|entry| entry.expect("it can be read").file_name());
    let folders: BTreeSet<_> = folders.collect();
    let targets = TARGETS.iter().chain([&CANARY]).map(|target| target.name.into());
    assert_eq!(folders, targets.collect());
}

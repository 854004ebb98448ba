//! The same seed does the same, and another one something else.

use std::time::Duration;

use ringbahn_sim::{Fault, Faults, Sim};

use crate::workload;

fn run(seed: u64) -> (u64, Vec<String>, Duration) {
    let faults = Faults::swarm(seed).with(Fault::Defer, 0.2);
    let sim = Sim::builder(seed).faults(faults).entries(8).trace_length(100_000).build();
    sim.block_on(workload::run(&sim));
    (sim.fingerprint(), sim.trace(), sim.now())
}

#[test]
fn one_seed_is_one_run_down_to_the_last_note() {
    for seed in ringbahn_sim::seeds(0..10) {
        let first = run(seed);
        // Descriptors have other numbers now.
        let others: Vec<_> = (0..7).map(|_| std::fs::File::open("/dev/null").unwrap()).collect();
        let second = run(seed);
        drop(others);
        assert!(first.1.len() > 100);
        for (index, (before, after)) in first.1.iter().zip(&second.1).enumerate() {
            assert_eq!(before, after, "seed {seed}, line {index}");
        }
        assert_eq!((first.0, first.2), (second.0, second.2), "seed {seed}");
    }
}

#[test]
fn another_seed_is_another_run() {
    let mut fingerprints: Vec<u64> = (0..20).map(|seed| run(seed).0).collect();
    fingerprints.sort_unstable();
    fingerprints.dedup();
    assert_eq!(fingerprints.len(), 20);
}

#[test]
fn no_place_of_the_counters_matters() {
    for first in [0, 1, u32::MAX - 3, u32::MAX, 1 << 31] {
        let sim = Sim::builder(1).entries(4).first_index(first).build();
        sim.block_on(workload::run(&sim));
        let reference = Sim::builder(1).entries(4).build();
        reference.block_on(workload::run(&reference));
        assert_eq!(sim.fingerprint(), reference.fingerprint(), "from {first}");
    }
}

//! Random operations under random faults, with an account of everything.
//!
//! First nothing may go wrong: operations are awaited, dropped, cancelled and timed out while the
//! kernel does its worst. Then everything must get done: the faults are switched off, and what is
//! left comes to its end. What is counted:
//!
//! | count | of what |
//! |---|---|
//! | lost | events that have begun and were never given back; bytes of a stream that never arrived |
//! | duplicated | events given back twice; bytes of a stream that arrived out of their order |
//! | leaked | descriptors, files of the kernel, records, buffers |
//! | late | bytes of a buffer that changed after it had been given back |
//!
//! `RINGBAHN_SIM_OPERATIONS` says how many operations there are to be in all, and
//! `RINGBAHN_SIM_SEEDS` on how many seeds, from `RINGBAHN_SIM_FIRST_SEED` on.

use std::fmt;

use ringbahn_sim::{Fault, Faults, Sim};

use crate::support::number_from;

#[path = "swarm/account.rs"]
mod account;
#[path = "swarm/regions.rs"]
mod regions;
#[path = "swarm/streams.rs"]
mod streams;
#[path = "swarm/tasks.rs"]
mod tasks;

use account::Account;

/// How many operations, and on how many seeds, an ordinary test run makes.
const OPERATIONS: u64 = 20_000;
const SEEDS: u64 = 20;

/// How many tasks run side by side.
const TASKS: usize = 16;

#[derive(Debug, Default)]
struct Totals {
    operations: u64,
    faults: u64,
    cancelled: u64,
    repeated: u64,
    lost: u64,
    duplicated: u64,
    leaked: u64,
    late: u64,
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Totals { operations, faults, cancelled, repeated, .. } = self;
        writeln!(
            f,
            "{operations} operations, {faults} faults, {cancelled} cancels, {repeated} repeated"
        )?;
        let Totals { lost, duplicated, leaked, late, .. } = self;
        write!(f, "{lost} lost, {duplicated} duplicated, {leaked} leaked, {late} late")
    }
}

#[test]
fn swarm() {
    let operations = number_from("RINGBAHN_SIM_OPERATIONS", OPERATIONS);
    let seeds = number_from("RINGBAHN_SIM_SEEDS", SEEDS).max(1);
    let first = number_from("RINGBAHN_SIM_FIRST_SEED", 0);
    let mut totals = Totals::default();
    let mut ran = 0;
    for seed in ringbahn_sim::seeds(first..first + seeds) {
        run(seed, operations / seeds, &mut totals);
        ran += 1;
    }
    println!("swarm: seeds {first} to {}: {totals}", first + ran - 1);
    assert!(totals.faults > totals.operations / 100, "{totals}");
}

/// What goes wrong with this seed: a swarm, and sometimes errors, which are then expected.
fn faults(seed: u64) -> Faults {
    let faults = Faults::swarm(seed);
    match seed % 4 {
        0 => faults.with(Fault::DiskError, 0.02).with(Fault::DiskFull, 0.02),
        1 => faults.with(Fault::DescriptorsExhausted, 0.05).with(Fault::ClockJump, 0.01),
        _ => faults,
    }
}

fn run(seed: u64, operations: u64, totals: &mut Totals) {
    let sim = Sim::builder(seed)
        .faults(faults(seed))
        .entries(1 << (seed % 6))
        .completion_entries(2 << (seed % 5))
        .stream_capacity(64 << (seed % 7))
        .build();
    let account = Account::new();
    let world = tasks::World::new(&sim, &account, operations);

    // Safety.
    let streams = sim.block_on(async {
        let streams = streams::Streams::new(&sim, &account);
        world.run(TASKS, &streams).await;
        streams
    });
    // Liveness.
    sim.set_faults(Faults::none());
    sim.block_on(streams.finish());
    drop(world);
    sim.block_on(tasks::settle(&sim));

    let counters = sim.driver().counters();
    assert_eq!(counters.submitted, counters.completed, "seed {seed}: {counters:?}");
    assert_eq!(counters.panics, 0, "seed {seed}");
    totals.operations += counters.submitted;
    totals.cancelled += counters.cancelled;
    totals.repeated += counters.repeated;
    totals.faults += Fault::ALL.iter().map(|&fault| sim.injected(fault)).sum::<u64>();

    let balance = account.balance();
    let leaked = [
        counters.in_flight,
        sim.running() as u64,
        sim.open_descriptors() as u64,
        sim.open_files() as u64,
        balance.buffers,
    ];
    assert_eq!(leaked, [0; 5], "seed {seed}: operations, requests, descriptors, files, buffers");
    // Only what waits for room may be dropped without having been given back.
    assert!(balance.discarded <= counters.full_queue_waits, "seed {seed}: {counters:?}");
    let sums = (balance.lost, balance.duplicated, balance.late);
    assert_eq!(sums, (0, 0, 0), "seed {seed}: lost, duplicated, late");
    assert!(counters.submitted >= operations, "seed {seed}: {counters:?}");
    totals.leaked += leaked.iter().sum::<u64>();
    totals.lost += balance.lost;
    totals.duplicated += balance.duplicated;
    totals.late += balance.late;
}

#[test]
fn an_account_that_does_not_balance_is_noticed() {
    account::assert_it_counts();
}

//! `operations`: a script of operations on the simulated kernel, under faults.
//!
//! The bytes say how large the queues are and where their counters begin, what goes wrong, and then
//! step by step what is submitted, polled, dropped, detached and cancelled. In the end the faults
//! are switched off, and everything must be accounted for, as after the swarm of ringbahn-sim.

use std::time::Duration;

use ringbahn_core::Drive;
use ringbahn_core::event::Timeout;
use ringbahn_sim::{Fault, Faults, Sim};

use crate::input::Input;

#[path = "../../../crates/ringbahn-sim/tests/sim/swarm/account.rs"]
#[allow(dead_code, reason = "the account of the swarm, of which a part is used here")]
mod account;
mod held;
mod stream;
mod world;

use account::Account;
use world::World;

/// How many steps a script has at most.
const STEPS_MAX: usize = 300;

/// How probable each fault is that the bytes switch on: at most as probable as in the swarm.
const PROBABILITIES: [f64; 4] = [0.01, 0.05, 0.15, 0.3];

/// How long operations that were detached may go on in the end, in virtual time.
const PATIENCE: Duration = Duration::from_secs(1);

/// Plays the script.
pub(super) fn run(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let sim = simulation(&mut input);
    let faults = faults(&mut input);
    let account = Account::new();
    let mut world = World::new(&sim, &account);

    // First nothing may get lost, whatever goes wrong.
    sim.set_faults(faults);
    sim.block_on(async {
        for _ in 0..STEPS_MAX {
            if input.is_empty() {
                break;
            }
            world.step(&mut input).await;
        }
    });
    // Then nothing goes wrong any more, and everything comes to its end.
    sim.set_faults(Faults::none());
    sim.block_on(world.finish());
    drop(world);
    sim.block_on(settle(&sim));
    // What was detached may wait for what never comes, and is then cancelled.
    assert_eq!(sim.driver().shutdown(PATIENCE).leaked, 0);
    check(&sim, &account);
}

fn simulation(input: &mut Input<'_>) -> Sim {
    let seed = input.u16().into();
    let entries = 1 << input.below(7);
    let completion_entries = 1 << input.below(8);
    let first_index = match input.byte() {
        small @ 0..0x40 => u32::MAX - u32::from(small),
        _ => input.u32(),
    };
    Sim::builder(seed)
        .entries(entries)
        .completion_entries(completion_entries)
        .first_index(first_index)
        .stream_capacity(16 << input.below(8))
        .trace_length(0)
        .build()
}

fn faults(input: &mut Input<'_>) -> Faults {
    let (chosen, how) = (input.u32(), input.u64());
    // A crash there is only where one is asked for.
    let all = Fault::ALL.iter().filter(|fault| **fault != Fault::Crash).enumerate();
    all.filter(|(number, _)| chosen >> (number % 32) & 1 == 1).fold(
        Faults::none(),
        |faults, (number, &fault)| {
            faults.with(fault, PROBABILITIES[(how >> (2 * (number % 32)) & 3) as usize])
        },
    )
}

/// Waits until the kernel has nothing left to do, or only what was detached.
async fn settle(sim: &Sim) {
    for _ in 0..20 {
        let rest = Timeout::new(Duration::from_secs(1));
        sim.driver().submit(rest).await.expect("nothing goes wrong any more");
        if sim.driver().counters().in_flight == 0 && sim.running() == 0 {
            return;
        }
    }
}

fn check(sim: &Sim, account: &Account) {
    let counters = sim.driver().counters();
    assert_eq!(counters.submitted, counters.completed, "{counters:?}");
    assert_eq!(counters.panics, 0, "{counters:?}");
    let balance = account.balance();
    let leaked = [
        counters.in_flight,
        sim.running() as u64,
        sim.open_descriptors() as u64,
        sim.open_files() as u64,
        balance.buffers,
    ];
    assert_eq!(leaked, [0; 5], "operations, requests, descriptors, files, buffers");
    assert!(balance.discarded <= counters.full_queue_waits, "{counters:?}");
    let sums = (balance.lost, balance.duplicated, balance.late);
    assert_eq!(sums, (0, 0, 0), "lost, duplicated, late");
}

//! What the simulated driver tells of itself, opcode by opcode, in virtual time.

use std::time::Duration;

use futures::future::join_all;
use ringbahn_core::event::{Nop, Position, Read, Timeout};
use ringbahn_core::{Drive, Metering, opcode};
use ringbahn_sim::{Faults, Sim};

use crate::support::{assert_nothing_left, shared};

#[test]
fn a_timer_of_a_day_has_taken_a_day() {
    let sim = Sim::builder(1).metering(Metering::Latencies).build();
    let day = Duration::from_secs(86_400);
    sim.block_on(async {
        sim.driver().submit(Nop).await.unwrap();
        sim.driver().submit(Timeout::new(day)).await.unwrap();
    });
    let metrics = sim.driver().metrics().unwrap();
    let timer = metrics.of(opcode::TIMEOUT);
    assert_eq!((timer.submitted, timer.succeeded, timer.in_flight), (1, 1, 0));
    let latencies = timer.latencies.unwrap();
    assert!((day..day + Duration::from_secs(1)).contains(&latencies.max()), "{latencies:?}");
    assert_eq!(metrics.of(opcode::NOP).executed_inside, 0);
    assert_nothing_left(&sim);
}

#[test]
fn the_books_balance_under_every_fault() {
    for seed in 0..30 {
        let sim = Sim::builder(seed)
            .entries(2)
            .completion_entries(4)
            .faults(Faults::swarm(seed))
            .metering(Metering::Latencies)
            .build();
        let (reader, writer) = shared(sim.pipe().unwrap());
        sim.block_on(async {
            let read = || Read::new(reader.clone(), [0; 4], Position::Current);
            let reads = (0..10_u32).map(|n| {
                let read = sim.driver().submit(read());
                async move {
                    match n % 2 {
                        0 => drop(read.cancel().await),
                        _ => drop(read.timeout(Duration::from_secs(1)).await),
                    }
                }
            });
            join_all(reads).await;
            let _ = sim.driver().submit(Nop).await;
        });
        drop(writer);
        sim.driver().shutdown(Duration::from_secs(60));
        let (metrics, counters) = (sim.driver().metrics().unwrap(), sim.driver().counters());
        let total = metrics.total();
        assert_eq!(total.submitted, total.completed() + total.in_flight, "seed {seed}");
        assert_eq!(total.in_flight, counters.in_flight, "seed {seed}");
        assert_eq!(total.submitted - total.repeated, counters.submitted, "seed {seed}");
    }
}

#[test]
fn the_same_seed_tells_the_same() {
    let run = || {
        let sim = Sim::builder(7).faults(Faults::swarm(7)).metering(Metering::Latencies).build();
        sim.block_on(async {
            for _ in 0..50 {
                let _ = sim.driver().submit(Nop).await;
            }
        });
        sim.driver().metrics().unwrap()
    };
    assert_eq!(run(), run());
}

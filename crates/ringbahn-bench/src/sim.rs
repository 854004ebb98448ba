//! How many operations a simulation makes in a second, on one core.
//!
//! Each figure is made of simulations with seeds of their own, without faults and with a swarm of
//! them. What is measured is the time that the thread has run.

use std::error::Error;

use futures::future::join_all;
use ringbahn_core::event::{Nop, Position, Read, Recv, Send, Write};
use ringbahn_core::{Drive, SharedFd};
use ringbahn_sim::{Faults, Sim};
use rustix::time::{ClockId, clock_gettime};

use crate::sample::Sample;

const ROUNDS: usize = 15;

/// How many operations one figure is made of, at the least.
const OPERATIONS: u64 = 100_000;

/// How many operations are in flight at once.
const BATCH: usize = 32;

pub(crate) fn run() -> Result<(), Box<dyn Error>> {
    println!("operations in a second on one core, median of {ROUNDS} rounds [quartiles]");
    println!("batches of {BATCH}, at least {OPERATIONS} operations in a round");
    for (faults, swarm) in [("without faults", false), ("in a swarm of faults", true)] {
        println!("\n{faults}");
        measure("NOP", swarm, nops);
        measure("write and read of a file, 512 bytes", swarm, files);
        measure("send and receive, 64 bytes", swarm, streams);
    }
    Ok(())
}

fn measure(task: &str, swarm: bool, run: impl Fn(&Sim)) {
    let mut sample = Sample::default();
    // The first round warms up.
    for round in 0..=ROUNDS {
        let faults = if swarm { Faults::swarm(round as u64) } else { Faults::none() };
        let sim = Sim::builder(round as u64).faults(faults).trace_length(0).build();
        let start = thread_time();
        while sim.driver().counters().submitted < OPERATIONS {
            run(&sim);
        }
        let seconds = thread_time() - start;
        if round > 0 {
            sample.push(sim.driver().counters().submitted as f64 / seconds);
        }
    }
    let (median, (low, high)) = (sample.median(), sample.spread());
    println!("  {task:<38} {median:>10.0} [{low:>9.0}, {high:>9.0}]");
}

/// Seconds that this thread has run.
fn thread_time() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

fn nops(sim: &Sim) {
    let batch = (0..BATCH).map(|_| sim.driver().submit(Nop));
    sim.block_on(join_all(batch)).into_iter().for_each(|result| result.expect("a NOP"));
}

fn files(sim: &Sim) {
    sim.put("/file", &[0; 1 << 16]).expect("a file");
    let mut options = ringbahn_core::event::OpenOptions::new();
    let open = ringbahn_core::event::OpenAt::new("/file", options.read(true).write(true));
    let open = sim.driver().submit(open.expect("a path"));
    let file = SharedFd::from(sim.block_on(open).expect("an open file"));
    let work = (0..BATCH as u64).map(|number| {
        let (file, position) = (file.clone(), Position::At(number * 512));
        async move {
            let mut buffer = vec![1; 512];
            for _ in 0..20 {
                let write = Write::new(file.clone(), buffer, position);
                buffer = sim.driver().submit(write).await.1;
                let read = Read::new(file.clone(), buffer, position);
                buffer = sim.driver().submit(read).await.1;
                buffer.resize(512, 1);
            }
        }
    });
    sim.block_on(join_all(work));
}

fn streams(sim: &Sim) {
    let pairs: Vec<(SharedFd, SharedFd)> = (0..BATCH / 2)
        .map(|_| {
            let (a, b) = sim.stream_pair().expect("a pair");
            (a.into(), b.into())
        })
        .collect();
    let work = pairs.iter().map(|(near, far)| async {
        let (mut message, mut buffer) = (vec![1; 64], vec![0; 64]);
        for _ in 0..40 {
            let send = sim.driver().submit(Send::new(near.clone(), message));
            message = send.await.1;
            let receive = sim.driver().submit(Recv::new(far.clone(), buffer));
            buffer = receive.await.1;
        }
    });
    sim.block_on(join_all(work));
}

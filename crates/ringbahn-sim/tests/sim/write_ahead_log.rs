//! The example: its bug is found, and the mended log survives.

use std::time::{Duration, Instant};

#[path = "../../examples/write_ahead_log/log.rs"]
mod log;

use log::{Append, simulate};

#[test]
fn a_log_that_believes_every_write_to_be_whole_is_found_out_in_a_second() {
    let begin = Instant::now();
    let (seed, lost) = (0..10_000)
        .find_map(|seed| simulate(seed, Append::Believing).err().map(|lost| (seed, lost)))
        .expect("a seed shows the bug");
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?} to seed {seed}", begin.elapsed());
    assert!(lost.contains("acknowledged records"), "{lost}");
    // The same seed shows the same.
    assert_eq!(simulate(seed, Append::Believing), Err(lost));
}

#[test]
fn a_log_that_writes_all_survives_thousands_of_seeds() {
    for seed in ringbahn_sim::seeds(0..3000) {
        assert_eq!(simulate(seed, Append::Whole), Ok(()), "seed {seed}");
    }
}

//! Who executes an operation: the ring, a system call at once, or the process beside the ring.

use std::io::Read as _;
use std::os::unix::net::UnixStream;

use ringbahn_core::event::{Nop, Position, Read, Send};
use ringbahn_core::{Drive, Metering, opcode};
use ringbahn_drivers::{Backend, ShardedDriver};

use crate::home::{Home, end, home_of, quiet, until_idle};
use crate::scene::{run, shared};
use crate::skip::skip;

on_every_driver! {
    what_is_served_at_once_is_counted_and_measured,
    what_the_kernel_is_not_to_have_is_executed_inside,
}

fn what_is_served_at_once_is_counted_and_measured<H: Home>(test: &'static str) {
    let metered = |setup: ringbahn_drivers::Setup| setup.metering(Metering::Latencies);
    let Some(home) = home_of::<H>(test, true, metered) else { return };
    let (near, mut far) = UnixStream::pair().unwrap();
    let near = shared(near);
    for _ in 0..3 {
        assert_eq!(home.run(home.driver().submit(Send::new(near.clone(), "ping"))).0.unwrap(), 4);
    }
    far.read_exact(&mut [0; 12]).unwrap();
    drop(far);
    // Nobody will ever read this one.
    home.run(home.driver().submit(Send::new(near, "ping"))).0.unwrap_err();
    home.run(home.driver().submit(Nop)).unwrap();
    until_idle(&home);
    let metrics = end(&home);
    let send = metrics.of(opcode::SEND);
    assert_eq!((send.submitted, send.succeeded, send.failed), (4, 3, 1));
    assert!(send.served_at_once >= 3, "{send:#?}");
    assert_eq!(send.latencies.unwrap().count(), 4);
    assert_eq!(metrics.of(opcode::NOP).served_at_once, 0);
}

fn what_the_kernel_is_not_to_have_is_executed_inside<H: Home>(test: &'static str) {
    let without =
        |setup: ringbahn_drivers::Setup| setup.metering(Metering::Counts).without(opcode::READ);
    let Some(home) = home_of::<H>(test, false, without) else { return };
    let file = shared(tempfile::tempfile().unwrap());
    for _ in 0..3 {
        let read = Read::new(file.clone(), [0; 1], Position::At(0));
        assert_eq!(home.run(home.driver().submit(read)).0.unwrap(), 0);
        home.run(home.driver().submit(Nop)).unwrap();
    }
    until_idle(&home);
    let metrics = quiet(&home);
    assert_eq!(metrics.of(opcode::READ).executed_inside, 3);
    let nops = if home.backend() == Backend::Fallback { 3 } else { 0 };
    assert_eq!(metrics.of(opcode::NOP).executed_inside, nops);
    end(&home);
}

#[test]
fn a_sharded_driver_tells_of_each_shard_and_of_all() {
    let builder = ShardedDriver::builder().shards(2).entries(4).metering(Metering::Counts);
    let driver = match builder.build() {
        Ok(driver) => driver,
        Err(error) => {
            return skip(
                "ways::a_sharded_driver_tells_of_each_shard_and_of_all",
                &format!("no io_uring: {error}"),
            );
        }
    };
    for (shard, count) in [(0, 1), (1, 2)] {
        for _ in 0..count {
            run(driver.shard(shard).submit(Nop)).unwrap();
        }
    }
    let nops = |metrics: &ringbahn_core::Metrics| metrics.of(opcode::NOP).submitted;
    assert_eq!(driver.shard_metrics().iter().map(nops).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(driver.metrics().as_ref().map(nops), Some(3));
}

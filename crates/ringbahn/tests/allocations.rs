//! How often an operation allocates: once, for its record; not at all where it is served at once,
//! or on a handle that has been used before. And what a handle keeps that idles.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::net::UnixStream;

use allocation_counter::{AllocationInfo, measure};
use futures::executor::block_on;
use futures::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, FutureExt};
use ringbahn::{BufResultExt, Drive, LocalDriver, Metering, Provided, Ring, SharedDriver, opcode};

#[path = "support/support.rs"]
mod support;
use support::{driver, local_driver, skip};

const TIMES: u64 = 100;

/// What `TIMES` runs allocate, after some that make buffers grow.
fn counted(mut run: impl FnMut()) -> AllocationInfo {
    (0..100).for_each(|_| run());
    measure(|| (0..TIMES).for_each(|_| run()))
}

/// A message to oneself through the poll traits, which use the memory of the handle.
async fn message<D: Drive + Clone + Unpin>(
    near: &mut Ring<UnixStream, D>,
    far: &mut Ring<UnixStream, D>,
) {
    let mut buffer = [0; 64];
    near.write_all(&[7; 64]).await.unwrap();
    far.read_exact(&mut buffer).await.unwrap();
    assert_eq!(buffer, [7; 64]);
}

fn pair<D: Drive + Clone + Unpin>(driver: &D) -> [Ring<UnixStream, D>; 2] {
    let (near, far) = UnixStream::pair().unwrap();
    [near, far].map(|end| Ring::new_on_driver(end, driver.clone()))
}

/// Drivers that serve at once, and such that leave all to the ring.
fn drivers(test: &str) -> Option<([SharedDriver; 2], [LocalDriver; 2])> {
    let shared = SharedDriver::builder().entries(4).serve_at_once(false).build();
    let local = LocalDriver::builder().entries(4).serve_at_once(false).build();
    let (Ok(shared), Ok(local)) = (shared, local) else {
        skip(test, "no io_uring");
        return None;
    };
    Some(([driver(test)?, shared], [local_driver(test)?, local]))
}

#[test]
fn reading_and_writing_a_handle_again_allocates_nothing() {
    let test = "reading_and_writing_a_handle_again_allocates_nothing";
    let Some((shared, local)) = drivers(test) else { return };
    for driver in shared {
        let [mut near, mut far] = pair(&driver);
        let counted = counted(|| block_on(message(&mut near, &mut far)));
        assert_eq!(counted.count_total, 0, "{counted:?} {:?}", driver.counters());
    }
    for driver in local {
        let [mut near, mut far] = pair(&driver);
        let counted = counted(|| driver.block_on(message(&mut near, &mut far)));
        assert_eq!(counted.count_total, 0, "{counted:?} {:?}", driver.counters());
    }
}

#[test]
fn keeping_metrics_allocates_nothing_once_every_opcode_has_been_seen() {
    let test = "keeping_metrics_allocates_nothing_once_every_opcode_has_been_seen";
    let shared = SharedDriver::builder().entries(4).metering(Metering::Latencies).build();
    let local = LocalDriver::builder().entries(4).metering(Metering::Latencies).build();
    let (Ok(shared), Ok(local)) = (shared, local) else { return skip(test, "no io_uring") };
    let [mut near, mut far] = pair(&shared);
    let counted_shared = counted(|| block_on(message(&mut near, &mut far)));
    assert_eq!(counted_shared.count_total, 0, "{counted_shared:?} {:?}", shared.counters());
    let [mut near, mut far] = pair(&local);
    let counted_local = counted(|| local.block_on(message(&mut near, &mut far)));
    assert_eq!(counted_local.count_total, 0, "{counted_local:?} {:?}", local.counters());
    assert!(local.metrics().unwrap().of(opcode::SEND).succeeded >= 2 * TIMES);
}

#[test]
fn an_operation_with_a_buffer_of_the_caller_allocates_once_at_the_most() {
    let test = "an_operation_with_a_buffer_of_the_caller_allocates_once_at_the_most";
    let Some((shared, local)) = drivers(test) else { return };
    fn zero<D: Drive + Clone + Unpin>(driver: &D) -> Ring<File, D> {
        Ring::new_on_driver(File::open("/dev/zero").unwrap(), driver.clone())
    }
    // What is served at once has no record.
    for driver in shared {
        let zero = zero(&driver);
        let read = || assert_eq!(block_on(zero.read_at([1; 64], 0)).both().unwrap().0, 64);
        (0..TIMES).for_each(|_| read());
        let before = driver.counters().served_at_once;
        let counted = measure(|| (0..TIMES).for_each(|_| read()));
        let served = driver.counters().served_at_once - before;
        assert_eq!(counted.count_total, TIMES - served, "{counted:?} {:?}", driver.counters());
    }
    // A record of a local ring is kept for the next operation.
    let for_each = u64::from(cfg!(ringbahn_no_shelf));
    for driver in local {
        let zero = zero(&driver);
        let read = || assert_eq!(driver.block_on(zero.read_at([1; 64], 0)).both().unwrap().0, 64);
        (0..TIMES).for_each(|_| read());
        let before = driver.counters().served_at_once;
        let counted = measure(|| (0..TIMES).for_each(|_| read()));
        let expected = for_each * (TIMES - (driver.counters().served_at_once - before));
        assert_eq!(counted.count_total, expected, "{counted:?} {:?}", driver.counters());
    }
}

#[test]
fn a_handle_whose_buffers_the_kernel_chooses_keeps_none_when_it_idles() {
    let test = "a_handle_whose_buffers_the_kernel_chooses_keeps_none_when_it_idles";
    const LENGTH: usize = 16 * 1024;
    let Some(driver) = local_driver(test) else { return };
    let Ok(group) = driver.buffer_group(4, LENGTH as u32) else {
        return skip(test, "no io_uring: no groups of buffers");
    };
    let [near, mut far] = pair(&driver);
    let mut near = near.buffered(Provided::new(group));
    driver.block_on(far.write_all(&[7; LENGTH])).unwrap();
    let mut message = vec![0; LENGTH];
    let kept = measure(|| {
        driver.block_on(async {
            near.read_exact(&mut message).await.unwrap();
            near.write_all(&message).await.unwrap();
            near.flush().await.unwrap();
            assert!(near.fill_buf().now_or_never().is_none());
        });
    });
    assert!(kept.bytes_max < 4096, "it has written out of the caller's own memory: {kept:?}");
    assert!(kept.bytes_current < 4096, "{kept:?}");
}

/// So that the counter is known to count.
#[test]
fn the_counter_sees_an_allocation() {
    let mut sink = std::io::sink();
    let counted = measure(|| sink.write_all(&Vec::<u8>::with_capacity(64)).unwrap());
    assert_eq!(counted.count_total, 1);
}

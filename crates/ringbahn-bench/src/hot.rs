//! What data costs that is in memory already, and whether a ring is ever slower than none.
//!
//! | task | ways |
//! |---|---|
//! | a 4 KiB read of a cached file | `pread`; each driver, serving at once or leaving it to its ring |
//! | a message of 64 bytes there and back over a socket | `send` and `recv`; the same |
//! | a whole file of 64 KiB or 1 MiB | `std::fs::read`, `tokio::fs::read`; ringbahn in tokio, and locally |
//!
//! Wall-clock time, since other threads do a part of the work of some. The last column is the ratio
//! to the first way.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Instant;

use futures::executor::block_on;
use ringbahn::{BufResultExt, Drive, LocalDriver, Ring, SharedDriver};

use crate::sample::Sample;

const ROUNDS: usize = 15;

/// One way of doing a task: so many times.
type Way<'a> = (&'static str, Box<dyn FnMut(usize) + 'a>);

pub(crate) fn run() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    println!("wall-clock nanoseconds, median of {ROUNDS} rounds [quartiles], in turns");
    let path = directory.path().join("file");
    std::fs::write(&path, vec![7; 1 << 20])?;
    compare("4 KiB read of a cached file", 20_000, reads(&path)?);
    compare("64 bytes there and back", 20_000, round_trips()?);
    for (name, length, times) in [("64 KiB", 64 << 10, 2_000), ("1 MiB", 1 << 20, 200)] {
        std::fs::write(&path, vec![7; length])?;
        compare(&format!("a whole file of {name}"), times, whole_files(&path)?);
    }
    Ok(())
}

fn compare(task: &str, times: usize, mut ways: Vec<Way<'_>>) {
    let mut samples = vec![Sample::default(); ways.len()];
    for round in 0..=ROUNDS {
        for ((_, way), sample) in ways.iter_mut().zip(&mut samples) {
            let start = Instant::now();
            way(times);
            // The first round warms up.
            if round > 0 {
                sample.push(start.elapsed().as_nanos() as f64 / times as f64);
            }
        }
    }
    println!("\n{task}");
    let base = samples[0].median();
    for ((name, _), sample) in ways.iter().zip(&samples) {
        let (median, (low, high)) = (sample.median(), sample.spread());
        let ratio = median / base;
        println!("  {name:<34} {median:>10.0} [{low:>8.0}, {high:>8.0}] {ratio:>6.2}");
    }
}

/// The drivers that are compared.
struct Drivers {
    shared: SharedDriver,
    shared_ring: SharedDriver,
    local: LocalDriver,
    local_ring: LocalDriver,
}

impl Drivers {
    fn new() -> io::Result<Drivers> {
        Ok(Drivers {
            shared: SharedDriver::new()?,
            shared_ring: SharedDriver::builder().serve_at_once(false).build()?,
            local: LocalDriver::new()?,
            local_ring: LocalDriver::builder().serve_at_once(false).build()?,
        })
    }
}

fn reads(path: &Path) -> io::Result<Vec<Way<'static>>> {
    let drivers = Drivers::new()?;
    let file = File::open(path)?;
    let mut buffer = vec![0; 4096];
    let pread = move |times| {
        for number in 0..times {
            file.read_exact_at(&mut buffer, offset(number)).expect("the file is there");
        }
    };
    let open = || File::open(path);
    let shared = Ring::new_on_driver(open()?, drivers.shared);
    let shared_ring = Ring::new_on_driver(open()?, drivers.shared_ring);
    let local = Ring::new_on_driver(open()?, drivers.local.clone());
    let local_ring = Ring::new_on_driver(open()?, drivers.local_ring.clone());
    Ok(vec![
        ("pread", Box::new(pread)),
        ("shared", Box::new(move |times| block_on(read(&shared, times)))),
        ("shared, by the ring", Box::new(move |times| block_on(read(&shared_ring, times)))),
        ("local", Box::new(move |times| drivers.local.block_on(read(&local, times)))),
        (
            "local, by the ring",
            Box::new(move |times| drivers.local_ring.block_on(read(&local_ring, times))),
        ),
    ])
}

/// A place of the file, never the same twice in a row.
fn offset(number: usize) -> u64 {
    (number * 37 % 256) as u64 * 4096
}

async fn read<D: Drive + Clone + Unpin>(file: &Ring<File, D>, times: usize) {
    let mut buffer = vec![0; 4096];
    for number in 0..times {
        let (count, used) = file.read_at(buffer, offset(number)).await.both().expect("a read");
        assert_eq!(count, 4096);
        buffer = used;
    }
}

fn round_trips() -> io::Result<Vec<Way<'static>>> {
    let drivers = Drivers::new()?;
    let (mut near, mut far) = UnixStream::pair()?;
    let plain = move |times| {
        let mut buffer = [0; 64];
        for _ in 0..times {
            near.write_all(&[1; 64]).expect("a send");
            far.read_exact(&mut buffer).expect("a receive");
        }
    };
    Ok(vec![
        ("send, recv", Box::new(plain)),
        ("shared", on_pair(drivers.shared, |future| block_on(future))?),
        ("shared, by the ring", on_pair(drivers.shared_ring, |future| block_on(future))?),
        ("local", on_local_pair(drivers.local)?),
        ("local, by the ring", on_local_pair(drivers.local_ring)?),
    ])
}

type Boxed<'a> = std::pin::Pin<Box<dyn Future<Output = ()> + 'a>>;

fn on_pair<D: Drive + Clone + Unpin + 'static>(
    driver: D,
    block_on: impl Fn(Boxed<'_>) + 'static,
) -> io::Result<Box<dyn FnMut(usize)>> {
    let (near, far) = UnixStream::pair()?;
    let near = Ring::new_on_driver(near, driver.clone());
    let far = Ring::new_on_driver(far, driver);
    Ok(Box::new(move |times| block_on(Box::pin(ping(&near, &far, times)))))
}

fn on_local_pair(driver: LocalDriver) -> io::Result<Box<dyn FnMut(usize)>> {
    on_pair(driver.clone(), move |future| driver.block_on(future))
}

async fn ping<D: Drive + Clone + Unpin>(
    near: &Ring<UnixStream, D>,
    far: &Ring<UnixStream, D>,
    times: usize,
) {
    let (mut message, mut buffer) = (vec![1; 64], vec![0; 64]);
    for _ in 0..times {
        message = near.send_all(message).await.both().expect("a send").1;
        let (count, used) = far.recv(buffer).await.both().expect("a receive");
        assert_eq!(count, 64);
        buffer = used;
    }
}

fn whole_files(path: &Path) -> io::Result<Vec<Way<'_>>> {
    let runtime = || tokio::runtime::Builder::new_multi_thread().worker_threads(1).build();
    let (with_tokio, with_ringbahn) = (runtime()?, runtime()?);
    let local = LocalDriver::new()?;
    ringbahn::DefaultDriver::shared()?;
    Ok(vec![
        (
            "std::fs::read",
            Box::new(move |times| {
                for _ in 0..times {
                    std::fs::read(path).expect("the file is there");
                }
            }),
        ),
        (
            "tokio::fs::read",
            Box::new(move |times| {
                let path = path.to_owned();
                let task = with_tokio.spawn(async move {
                    for _ in 0..times {
                        tokio::fs::read(&path).await.expect("the file is there");
                    }
                });
                with_tokio.block_on(task).expect("the task ends");
            }),
        ),
        (
            "ringbahn::fs::read inside tokio",
            Box::new(move |times| {
                let path = path.to_owned();
                let task = with_ringbahn.spawn(async move {
                    for _ in 0..times {
                        ringbahn::fs::read(&path).await.expect("the file is there");
                    }
                });
                with_ringbahn.block_on(task).expect("the task ends");
            }),
        ),
        (
            "ringbahn, local driver",
            Box::new(move |times| {
                local.block_on(async {
                    for _ in 0..times {
                        let read = ringbahn::fs::read_on_driver(path, local.clone());
                        read.await.expect("the file is there");
                    }
                });
            }),
        ),
    ])
}

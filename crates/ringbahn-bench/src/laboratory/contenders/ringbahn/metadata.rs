//! Small files that are made, asked about, renamed and removed: a task for each at a time.

use std::fs::create_dir_all;
use std::future::Future;
use std::sync::Arc;

use ringbahn::Drive;
use ringbahn::fs::Dir;

use super::{DriverOf, Spawn, together};
use crate::laboratory::case::Metadata;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

/// What a task has, which deals with one file after the other.
pub(super) struct Lane<D: Drive + Clone + Unpin> {
    directory: Arc<Dir<D>>,
    names: [String; 2],
    stopwatch: Stopwatch,
    operations: u64,
}

pub(super) fn run<H, F>(
    host: &H,
    case: &Metadata,
    meter: &mut Meter,
    task: impl Fn(Lane<DriverOf<H>>) -> F,
) -> Result<(), Failure>
where
    H: Spawn<F>,
    F: Future<Output = Result<Lane<DriverOf<H>>, Failure>>,
{
    let path = meter.ground().directory().join("metadata");
    create_dir_all(&path)?;
    let here = Dir::current_on_driver(host.driver());
    let directory = Arc::new(host.block_on(here.open_dir(path))?);
    let lane = |number| Lane {
        directory: directory.clone(),
        names: ["before", "after"].map(|name| format!("{name}-{number}")),
        stopwatch: meter.stopwatch(),
        operations: case.lap(),
    };
    let mut lanes: Vec<_> = (0..case.depth).map(lane).collect();
    while meter.goes_on() {
        lanes = together(host, lanes.into_iter().map(&task))?;
        meter.did(case.lap() * u64::from(case.depth));
        for lane in &mut lanes {
            meter.took(&mut lane.stopwatch);
        }
    }
    Ok(())
}

/// A lap of one task.
pub(super) async fn files<D: Drive + Clone + Unpin>(mut lane: Lane<D>) -> Result<Lane<D>, Failure> {
    let (directory, [before, after]) = (&lane.directory, &lane.names);
    for _ in 0..lane.operations {
        let start = lane.stopwatch.start();
        directory.create_file(before).await?.close().await?;
        if !directory.metadata(before).await?.is_file() {
            return Err("what was made is no file".into());
        }
        directory.rename(before, after).await?;
        directory.remove_file(after).await?;
        lane.stopwatch.stop(start);
    }
    Ok(lane)
}

//! Small files that come and go, several at a time.

use std::path::PathBuf;

use super::library::Names;
use crate::laboratory::case::Metadata;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::{Meter, Stopwatch};

pub(super) fn metadata<L: Names>(case: &Metadata, meter: &mut Meter) -> Result<(), Failure> {
    let directory = meter.ground().directory().to_owned();
    L::run(async |library: L| {
        let mut stopwatches: Vec<_> = (0..case.depth).map(|_| meter.stopwatch()).collect();
        while meter.goes_on() {
            let spawn = |(number, stopwatch)| {
                let path = directory.join(format!("file-{number}"));
                library.spawn(lap(library.clone(), path, case.lap(), stopwatch))
            };
            let tasks: Vec<_> = stopwatches.drain(..).enumerate().map(spawn).collect();
            for task in tasks {
                let mut stopwatch = task.await?;
                meter.took(&mut stopwatch);
                stopwatches.push(stopwatch);
            }
            meter.did(u64::from(case.depth) * case.lap());
        }
        Ok(())
    })
}

async fn lap<L: Names>(
    library: L,
    path: PathBuf,
    files: u64,
    mut stopwatch: Stopwatch,
) -> Result<Stopwatch, Failure> {
    let new = path.with_extension("new");
    for _ in 0..files {
        let start = stopwatch.start();
        library.come_and_go(path.clone(), new.clone()).await?;
        stopwatch.stop(start);
    }
    Ok(stopwatch)
}

//! The four calls of each small file by `tokio::fs`, which hands each to a thread by itself.

use std::io;

use tokio::fs::{self, File};

use crate::laboratory::case::Metadata;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::runtime::{Hand, Names, Runtime, hands, lap};
use crate::laboratory::contenders::tokio::OneThread;
use crate::laboratory::meter::Meter;

pub(super) fn metadata(case: &Metadata, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = OneThread::new()?;
    let mut hands = hands(meter, case.depth, |number| Names::of(meter, number));
    let files = case.lap();
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: names } = hand;
            for _ in 0..files {
                let start = stopwatch.start();
                make_and_remove(&names).await?;
                stopwatch.stop(start);
            }
            Ok(Hand { stopwatch, has: names })
        })?;
        meter.did(files * u64::from(case.depth));
    }
    Ok(())
}

async fn make_and_remove(names: &Names) -> io::Result<()> {
    drop(File::create(&names.first).await?);
    if fs::metadata(&names.first).await?.len() != 0 {
        return Err(io::Error::other("a new file is not empty"));
    }
    fs::rename(&names.first, &names.second).await?;
    fs::remove_file(&names.second).await
}

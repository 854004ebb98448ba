//! The four calls of each small file, by std, one after the other on a thread that may block.

use std::fs::{self, File};
use std::io;
use std::path::PathBuf;

use super::{Hand, Runtime, hands, lap};
use crate::laboratory::case::Metadata;
use crate::laboratory::contender::Failure;
use crate::laboratory::meter::Meter;

/// The names of the file that a task deals with.
pub(crate) struct Names {
    pub(crate) first: PathBuf,
    pub(crate) second: PathBuf,
}

impl Names {
    pub(crate) fn of(meter: &Meter, number: u32) -> Names {
        let directory = meter.ground().directory();
        Names {
            first: directory.join(format!("small-{number}")),
            second: directory.join(format!("renamed-{number}")),
        }
    }

    fn make_and_remove(&self) -> io::Result<()> {
        drop(File::create(&self.first)?);
        if fs::metadata(&self.first)?.len() != 0 {
            return Err(io::Error::other("a new file is not empty"));
        }
        fs::rename(&self.first, &self.second)?;
        fs::remove_file(&self.second)
    }
}

pub(crate) fn metadata<R: Runtime>(case: &Metadata, meter: &mut Meter) -> Result<(), Failure> {
    let runtime = R::new()?;
    let mut hands = hands(meter, case.depth, |number| Names::of(meter, number));
    let files = case.lap();
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: mut names } = hand;
            for _ in 0..files {
                let start = stopwatch.start();
                names = R::block(move || names.make_and_remove().map(|()| names)).await??;
                stopwatch.stop(start);
            }
            Ok(Hand { stopwatch, has: names })
        })?;
        meter.did(files * u64::from(case.depth));
    }
    Ok(())
}

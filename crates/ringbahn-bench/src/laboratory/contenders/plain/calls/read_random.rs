//! Reads at random: by this thread if there is one at a time, or by as many threads as there are
//! reads.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Barrier, Mutex, PoisonError};
use std::thread;

use crate::laboratory::case::{BLOCK, ReadRandom};
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::{files, memory};
use crate::laboratory::ground::Places;
use crate::laboratory::meter::{Meter, Stopwatch};

pub(super) fn read_random(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let file = files::to_read(meter.ground(), case.direct)?;
    let length = meter.ground().length();
    let reader = |seed| Reader {
        file: &file,
        places: Places::new(length, BLOCK, seed),
        block: memory::pages(BLOCK as usize),
        reads: case.lap(),
        stopwatch: meter.stopwatch(),
    };
    let mut readers: Vec<Reader<'_>> = (0..u64::from(case.depth)).map(reader).collect();
    let operations = case.lap() * u64::from(case.depth);
    match readers.as_mut_slice() {
        [reader] => {
            while meter.goes_on() {
                reader.lap()?;
                meter.did(operations);
                meter.took(&mut reader.stopwatch);
            }
            Ok(())
        }
        readers => in_threads(readers, operations, meter),
    }
}

struct Reader<'file> {
    file: &'file File,
    places: Places,
    block: &'static mut [u8],
    /// How many there are in a lap.
    reads: u64,
    stopwatch: Stopwatch,
}

impl Reader<'_> {
    fn lap(&mut self) -> Result<(), Failure> {
        for _ in 0..self.reads {
            let start = self.stopwatch.start();
            if self.file.read_at(self.block, self.places.draw())? != self.block.len() {
                return Err("a read is too short".into());
            }
            self.stopwatch.stop(start);
        }
        Ok(())
    }
}

/// The threads, and the one that measures, meet at the beginning and at the end of each lap.
fn in_threads(
    readers: &mut [Reader<'_>],
    operations: u64,
    meter: &mut Meter,
) -> Result<(), Failure> {
    let barrier = Barrier::new(readers.len() + 1);
    let is_over = AtomicBool::new(false);
    let failure = Mutex::new(None);
    thread::scope(|scope| {
        for reader in &mut *readers {
            scope.spawn(|| {
                loop {
                    barrier.wait();
                    // The barrier is what orders it.
                    if is_over.load(Ordering::Relaxed) {
                        break;
                    }
                    if let Err(error) = reader.lap() {
                        *failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    }
                    barrier.wait();
                }
            });
        }
        while meter.goes_on() {
            barrier.wait();
            barrier.wait();
            meter.did(operations);
            if failure.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
                break;
            }
        }
        is_over.store(true, Ordering::Relaxed);
        barrier.wait();
    });
    for reader in readers {
        meter.took(&mut reader.stopwatch);
    }
    let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
    failure.map_or(Ok(()), Err)
}

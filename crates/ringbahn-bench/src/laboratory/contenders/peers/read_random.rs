//! Reads at places that are drawn, by as many tasks as are to be in flight.

use std::rc::Rc;

use super::library::{Access, Library, PeerFile, whole};
use crate::laboratory::case::{BLOCK, ReadRandom};
use crate::laboratory::contender::Failure;
use crate::laboratory::ground::Places;
use crate::laboratory::meter::{Meter, Stopwatch};

/// A task that reads one block after the other, between two laps.
struct Reader<F: PeerFile> {
    file: Rc<F>,
    buffer: F::Buffer,
    places: Places,
    stopwatch: Stopwatch,
}

pub(super) fn read_random<L: Library>(case: &ReadRandom, meter: &mut Meter) -> Result<(), Failure> {
    let ground = meter.ground().clone();
    L::run(async |library: L| {
        let access = if case.direct { Access::ReadDirect } else { Access::Read };
        let file = Rc::new(library.open(&ground.file(), access).await?);
        let reader = |number| Reader {
            file: Rc::clone(&file),
            buffer: file.buffer(BLOCK as usize),
            places: Places::new(ground.length(), BLOCK, u64::from(number)),
            stopwatch: meter.stopwatch(),
        };
        let mut readers: Vec<_> = (0..case.depth).map(reader).collect();
        while meter.goes_on() {
            let spawn = |reader: Reader<_>| library.spawn(reader.lap(case.lap()));
            let tasks: Vec<_> = readers.drain(..).map(spawn).collect();
            for task in tasks {
                let mut reader = task.await?;
                meter.took(&mut reader.stopwatch);
                readers.push(reader);
            }
            meter.did(u64::from(case.depth) * case.lap());
        }
        Ok(())
    })
}

impl<F: PeerFile> Reader<F> {
    async fn lap(mut self, blocks: u64) -> Result<Self, Failure> {
        for _ in 0..blocks {
            let start = self.stopwatch.start();
            let (length, buffer) = self.file.read(self.buffer, self.places.draw()).await?;
            self.stopwatch.stop(start);
            whole(length, BLOCK as usize)?;
            self.buffer = buffer;
        }
        Ok(self)
    }
}

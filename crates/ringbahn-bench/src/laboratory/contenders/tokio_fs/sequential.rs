//! A file from its beginning to its end, piece by piece: a file does one thing at a time, so there
//! is one piece in flight.

use std::io::{self, SeekFrom};

use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _, AsyncWriteExt as _};

use crate::laboratory::case::Sequential;
use crate::laboratory::contender::Failure;
use crate::laboratory::contenders::runtime::{Hand, Runtime, lap};
use crate::laboratory::contenders::tokio::OneThread;
use crate::laboratory::meter::Meter;

/// How many pieces a lap moves.
const LAP: u64 = 32;

/// A file, a piece of it, and how many pieces are left until its end.
struct Pieces {
    file: File,
    piece: Vec<u8>,
    left: u64,
    all: u64,
}

pub(super) fn read_sequential(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let file = std::fs::File::open(meter.ground().file())?;
    move_pieces(meter, Pieces::new(file, case, meter.ground().length()), false)
}

pub(super) fn write_sequential(case: &Sequential, meter: &mut Meter) -> Result<(), Failure> {
    let file = std::fs::File::create(meter.ground().directory().join("written"))?;
    let length = case.written(meter.ground().length());
    move_pieces(meter, Pieces::new(file, case, length), true)
}

fn move_pieces(meter: &mut Meter, pieces: Pieces, writes: bool) -> Result<(), Failure> {
    let runtime = OneThread::new()?;
    let mut hands = vec![Hand { stopwatch: meter.stopwatch(), has: pieces }];
    while meter.goes_on() {
        lap(&runtime, meter, &mut hands, |hand| async move {
            let Hand { mut stopwatch, has: mut pieces } = hand;
            for _ in 0..LAP {
                let start = stopwatch.start();
                pieces.move_one(writes).await?;
                stopwatch.stop(start);
            }
            // A write has been taken into the buffer only; whether it succeeds is told here.
            pieces.file.flush().await?;
            Ok(Hand { stopwatch, has: pieces })
        })?;
        meter.did(LAP);
    }
    Ok(())
}

impl Pieces {
    fn new(file: std::fs::File, case: &Sequential, length: u64) -> Pieces {
        let all = length / case.piece;
        Pieces { file: File::from_std(file), piece: vec![1; case.piece as usize], left: all, all }
    }

    async fn move_one(&mut self, writes: bool) -> io::Result<()> {
        if self.left == 0 {
            self.file.seek(SeekFrom::Start(0)).await?;
            self.left = self.all;
        }
        self.left -= 1;
        if writes {
            self.file.write_all(&self.piece).await
        } else {
            self.file.read_exact(&mut self.piece).await.map(|_| ())
        }
    }
}

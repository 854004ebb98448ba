//! Threads that submit operations, and are gone before these end.
//!
//! The kernel stops what a thread had begun when it exits; nobody is to see that.

use std::io::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Drive, SharedFd};

use crate::canary::{self, SIZE};
use crate::direct;
use crate::home::{Home, end, home};
use crate::scene::{pipe, poll_once, shared, until};
use crate::watched::Watched;

const PIPES: u8 = 4;

fn lose_nothing<H>(test: &'static str)
where
    H: Home<Driver: Drive<Sharing = ringbahn_core::Shared> + Send + Sync>,
{
    let Some(home) = home::<H>(test, 16, 32) else { return };
    let Some(file) = direct::file(test) else { return };
    let file = shared(file);
    let ends = Arc::new(AtomicUsize::new(0));
    for round in 1..=8 {
        let (readers, writers): (Vec<SharedFd>, Vec<_>) = (0..PIPES).map(|_| pipe()).unzip();
        let (driver, of_file, counted) = (home.driver(), file.clone(), ends.clone());
        let begin = move || {
            let blocks = (0..direct::BLOCKS).map(|block| block * SIZE as u64);
            let blocks = blocks.map(|at| (of_file.clone(), Position::At(at)));
            let pipes = readers.into_iter().map(|reader| (reader, Position::Current));
            let reads = blocks.chain(pipes).map(|(file, position)| {
                let event = Read::new(file, Watched::new(&counted), position);
                let mut read = Box::pin(driver.clone().submit(event));
                let mut output = None;
                until("the driver has taken it", || {
                    if let std::task::Poll::Ready(ended) = poll_once(read.as_mut()) {
                        output = Some(ended);
                    }
                    output.is_some() || read.is_in_flight()
                });
                (read, output)
            });
            reads.collect::<Vec<_>>()
        };
        let mut reads = thread::spawn(begin).join().unwrap();
        for (number, mut writer) in (0..).zip(writers) {
            writer.write_all(&[number; 3]).unwrap();
        }
        let of_pipes = reads.split_off(direct::BLOCKS as usize);
        let ended = |(read, output): (_, Option<_>)| match output {
            Some(output) => output,
            None => home.run(read),
        };
        for read in reads {
            let (count, buffer) = ended(read);
            assert_eq!(count.unwrap(), SIZE);
            assert!(buffer.filled().iter().all(|byte| *byte == 7));
        }
        for (number, read) in (0..).zip(of_pipes) {
            let (count, buffer) = ended(read);
            assert_eq!((count.unwrap(), buffer.filled()), (3, &[number; 3][..]));
        }
        let buffers = direct::BLOCKS as usize + usize::from(PIPES);
        assert_eq!(ends.load(Ordering::SeqCst), round * buffers);
    }
    end(&home);
    canary::inspect();
}

on_every_driver_that_threads_share!(
    operations_of_a_thread_that_has_exited_end_as_any_others,
    lose_nothing
);

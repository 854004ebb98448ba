//! How long registered buffers live, and that their table goes when nobody has one.

use std::io::Write as _;
use std::pin::Pin;
use std::thread;
use std::time::Duration;

use ringbahn_core::event::{Position, Read};
use ringbahn_core::{Cancelled, Drive, IoBufMut};

use crate::ring_tables::filled;
use crate::scene::{end, in_child, pipe, run, start, until, until_idle};
use crate::{driver, local_driver};

#[test]
fn a_table_dropped_while_an_operation_runs_lasts_until_its_end() {
    let test = "lifetimes::a_table_dropped_while_an_operation_runs_lasts_until_its_end";
    in_child(test, || {
        let driver = driver(test, 1, 2).unwrap();
        let buffers = driver.register_buffers(4, 4096).unwrap();
        assert_eq!(filled().buffers, 4);
        let (reader, mut writer) = pipe();
        let buffer = buffers.take().unwrap();
        drop(buffers);
        let mut read = driver.clone().submit(Read::new(reader, buffer, Position::Current));
        start(&mut read);
        assert_eq!(filled().buffers, 4, "an operation has one of them");
        writer.write_all(b"late").unwrap();
        let (count, buffer) = run(read);
        assert_eq!((count.unwrap(), &buffer[..]), (4, &b"late"[..]));
        assert_eq!(filled().buffers, 4, "somebody has one of them");
        drop(buffer);
        assert_eq!(filled().buffers, 0);
        end(&driver);
    });
}

#[test]
fn a_buffer_of_an_abandoned_operation_goes_back_when_the_kernel_has_let_go() {
    let test = "a_buffer_of_an_abandoned_operation_goes_back_when_the_kernel_has_let_go";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(1, 4096).unwrap();
    let (reader, _writer) = pipe();
    let new = || Read::new(reader.clone(), buffers.take().unwrap(), Position::Current);
    let mut read = driver.clone().submit(new());
    start(&mut read);
    assert!(buffers.take().is_none());
    drop(read);
    until("the buffer is back", || buffers.available() == 1);

    let mut read = driver.clone().submit(new());
    start(&mut read);
    let Cancelled::Cancelled((_, buffer)) = run(read.cancel()) else { panic!("nothing to read") };
    assert_eq!((buffer.len(), buffers.available()), (0, 0));
    drop(buffer);

    let mut read = driver.clone().submit(new());
    start(&mut read);
    std::mem::forget(read);
    assert!(buffers.take().is_none(), "it is the kernel's, whoever forgets it");
    run(driver.shutdown(Duration::from_secs(10)));
    assert!(buffers.take().is_none(), "its output waits for a future that is never polled");
}

#[test]
fn buffers_outlive_their_driver_as_ordinary_memory() {
    let test = "lifetimes::buffers_outlive_their_driver_as_ordinary_memory";
    in_child(test, || {
        let [first, second] = [driver(test, 1, 2).unwrap(), driver(test, 1, 2).unwrap()];
        let buffers = first.register_buffers(2, 64).unwrap();
        let mut kept = buffers.take().unwrap();
        kept.fill_from(b"kept");
        end(&first);
        drop(first);
        until("the ring has gone, and with it what was registered", || filled().buffers == 0);
        assert_eq!(&kept[..], b"kept");
        let (reader, mut writer) = pipe();
        writer.write_all(b"used").unwrap();
        let (count, kept) = run(second.clone().submit(Read::new(reader, kept, Position::Current)));
        assert_eq!((count.unwrap(), &kept[..]), (4, &b"used"[..]));
        drop(kept);
        assert_eq!(buffers.available(), 2);
        drop(buffers);
        end(&second);
    });
}

#[test]
fn buffers_go_back_on_any_thread() {
    let test = "buffers_go_back_on_any_thread";
    let Some(driver) = driver(test, 1, 2) else { return };
    let buffers = driver.register_buffers(8, 64).unwrap();
    let taken: Vec<_> = std::iter::from_fn(|| buffers.take()).collect();
    assert_eq!((taken.len(), buffers.available()), (8, 0));
    thread::spawn(move || drop(taken)).join().unwrap();
    assert_eq!(buffers.available(), 8);
    end(&driver);
}

#[test]
fn a_table_of_a_ring_of_one_thread_dropped_by_another_is_let_go_of_by_its_own() {
    let test =
        "lifetimes::a_table_of_a_ring_of_one_thread_dropped_by_another_is_let_go_of_by_its_own";
    in_child(test, || {
        let driver = local_driver(test, 1, 2).unwrap();
        let buffers = driver.register_buffers(4, 64).unwrap();
        let buffer = buffers.take().unwrap();
        drop(buffers);
        assert_eq!(filled().buffers, 4);
        let (reader, mut writer) = pipe();
        let mut read =
            Box::pin(driver.clone().submit(Read::new(reader, [0; 8], Position::Current)));
        let other = thread::spawn(move || {
            drop(buffer);
            // The thread sleeps in its ring, and is called for this.
            until("its own thread has let go", || filled().buffers == 0);
            writer.write_all(b"done").unwrap();
        });
        let (count, _) = driver.block_on(Pin::new(&mut read));
        assert_eq!(count.unwrap(), 4);
        other.join().unwrap();
        // The slots are free again: all of them fit in.
        drop(driver.register_buffers(16_384, 64).unwrap());
        assert_eq!(filled().buffers, 0);
    });
}

#[test]
fn tables_come_and_go_on_one_ring() {
    let test = "lifetimes::tables_come_and_go_on_one_ring";
    in_child(test, || {
        let driver = driver(test, 1, 2).unwrap();
        let mut tables = std::collections::VecDeque::new();
        for round in 1..200_u16 {
            tables.push_back((round % 7 + 1, driver.register_buffers(round % 7 + 1, 100).unwrap()));
            if tables.len() > 5 {
                tables.pop_front();
            }
            let count: u16 = tables.iter().map(|(count, _)| count).sum();
            assert_eq!(filled().buffers, count.into());
        }
        // No two of them share an index.
        let buffers: Vec<_> = tables.iter().filter_map(|(_, table)| table.take()).collect();
        let mut indices: Vec<_> = buffers.iter().map(|buffer| buffer.index()).collect();
        indices.sort_unstable();
        indices.dedup();
        assert_eq!(indices.len(), tables.len());
        drop((buffers, tables));
        assert_eq!(filled().buffers, 0);
        until_idle(&driver);
    });
}

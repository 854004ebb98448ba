//! Groups with too few buffers: nobody fails, nobody spins, and nobody starves.

use std::os::unix::net::UnixDatagram;
use std::thread;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use ringbahn_core::{BufferGroup, Multishot, ProvidedBuffer, event::RecvMulti};

use crate::subject::{Subject, assert_full, begin, datagrams, until_starved};

fn receiver<D: Subject>(
    driver: &D,
    group: &BufferGroup,
) -> (Multishot<RecvMulti, D>, UnixDatagram) {
    let (near, far) = datagrams();
    (driver.clone().stream(RecvMulti::new(near, group)), far)
}

on_both_drivers! {
    one_buffer_serves_a_burst,
    a_reader_that_holds_all_buffers_goes_on_when_it_lets_go,
    a_stream_that_waits_does_not_try_in_vain,
    a_buffer_that_comes_back_elsewhere_wakes_who_waits,
    those_who_wait_may_go,
    those_who_wait_go_before_the_one_that_lets_go,
    a_greedy_connection_starves_none_of_its_neighbours,
}

fn one_buffer_serves_a_burst<S: Subject>() {
    let driver = S::make(1, 4).unwrap();
    let group = driver.buffers(1, 16);
    let (mut data, far) = receiver(&driver, &group);
    begin(&driver, &mut data);
    for round in 0..20_u8 {
        for number in 0..8 {
            far.send(&[round, number]).unwrap();
        }
        for number in 0..8 {
            assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], [round, number]);
        }
    }
    drop(data);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_reader_that_holds_all_buffers_goes_on_when_it_lets_go<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let group = driver.buffers(4, 16);
    let (mut data, far) = receiver(&driver, &group);
    begin(&driver, &mut data);
    for number in 0..10_u8 {
        far.send(&[number]).unwrap();
    }
    let mut held: Vec<ProvidedBuffer> = Vec::new();
    for number in 0..10_u8 {
        if held.len() == 4 {
            until_starved(&driver, &mut data);
            let submitted = driver.so_far().submitted;
            begin(&driver, &mut data);
            assert_eq!(driver.so_far().submitted, submitted, "it tries in vain");
            held.remove(0);
        }
        let buffer = driver.run(data.next()).unwrap().unwrap();
        assert_eq!(buffer[..], [number]);
        held.push(buffer);
    }
    drop((held, data));
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_stream_that_waits_does_not_try_in_vain<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let group = driver.buffers(1, 16);
    let (mut first, far) = receiver(&driver, &group);
    far.send(b"x").unwrap();
    let kept = driver.run(first.next()).unwrap().unwrap();
    drop(first);
    let mut waiting: Vec<_> = (0..10).map(|_| receiver(&driver, &group)).collect();
    // Each tries once; the kernel refuses though there is no data for it.
    for (data, _) in &mut waiting {
        begin(&driver, data);
    }
    for (data, _) in &mut waiting {
        until_starved(&driver, data);
    }
    driver.until("nothing is in flight", || driver.so_far().in_flight == 0);
    let submitted = driver.so_far().submitted;
    for (data, _) in &mut waiting {
        begin(&driver, data);
    }
    assert_eq!(driver.so_far().submitted, submitted, "they try in vain");
    // One buffer is enough for all of them to wait in the kernel.
    drop(kept);
    for (data, _) in &mut waiting {
        begin(&driver, data);
    }
    driver.until("all are in flight", || driver.so_far().in_flight == 10);
    for (number, (data, far)) in waiting.iter_mut().enumerate() {
        far.send(&[number as u8]).unwrap();
        assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], [number as u8]);
    }
    drop(waiting);
    driver.until("all is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_buffer_that_comes_back_elsewhere_wakes_who_waits<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let group = driver.buffers(1, 16);
    let (mut data, far) = receiver(&driver, &group);
    for number in 0..100_u8 {
        far.send(&[number]).unwrap();
        far.send(&[number]).unwrap();
        let buffer = driver.run(data.next()).unwrap().unwrap();
        let other = thread::spawn(move || {
            assert_eq!(buffer[..], [number]);
            drop(buffer);
        });
        // It sleeps until the other thread is done.
        assert_eq!(driver.run(data.next()).unwrap().unwrap()[..], [number]);
        other.join().unwrap();
    }
    drop(data);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn those_who_wait_may_go<S: Subject>() {
    let driver = S::make(1, 8).unwrap();
    let group = driver.buffers(1, 16);
    let (mut first, far) = receiver(&driver, &group);
    far.send(b"x").unwrap();
    let kept = driver.run(first.next()).unwrap().unwrap();
    let mut waiting: Vec<_> = (0..4).map(|_| receiver(&driver, &group)).collect();
    for (data, _) in &mut waiting {
        until_starved(&driver, data);
    }
    drop(first);
    let (mut last, far) = waiting.pop().unwrap();
    waiting.clear();
    far.send(b"y").unwrap();
    drop(kept);
    assert_eq!(driver.run(last.next()).unwrap().unwrap()[..], *b"y");
    drop(last);
    driver.until("it is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn those_who_wait_go_before_the_one_that_lets_go<S: Subject>() {
    let driver = S::make(4, 8).unwrap();
    let group = driver.buffers(1, 16);
    let (mut greedy, flood) = receiver(&driver, &group);
    let (mut quiet, far) = receiver(&driver, &group);
    for round in 0..5_u8 {
        flood.send(&[round]).unwrap();
        let buffer = driver.run(greedy.next()).unwrap().unwrap();
        flood.send(&[round]).unwrap();
        far.send(&[100 + round]).unwrap();
        until_starved(&driver, &mut quiet);
        driver.until("the kernel has refused both", || driver.so_far().in_flight == 0);
        drop(buffer);
        // It has data, and is asked first.
        begin(&driver, &mut greedy);
        assert_eq!(driver.run(quiet.next()).unwrap().unwrap()[..], [100 + round]);
        assert_eq!(driver.run(greedy.next()).unwrap().unwrap()[..], [round]);
    }
    drop((greedy, quiet));
    driver.until("all is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

fn a_greedy_connection_starves_none_of_its_neighbours<S: Subject>() {
    const QUIET: usize = 15;
    const MESSAGES: usize = 2;
    let driver = S::make(8, 32).unwrap();
    let group = driver.buffers(4, 64);
    let (mut greedy, flood) = receiver(&driver, &group);
    let (quiet, far): (Vec<_>, Vec<_>) = (0..QUIET).map(|_| receiver(&driver, &group)).unzip();
    // It has something from the beginning on, whichever thread is first, and sends whenever the
    // socket takes more, until nobody receives any more.
    flood.send(&[1; 64]).unwrap();
    let flooding = thread::spawn(move || {
        let mut sent = 1_u64;
        while flood.send(&[1; 64]).is_ok() {
            sent += 1;
        }
        sent
    });
    // It is at it when the others come.
    drop(driver.run(greedy.next()).unwrap().unwrap());
    let asking = thread::spawn(move || {
        for number in 0..MESSAGES {
            for end in &far {
                end.send(&[number as u8]).unwrap();
            }
        }
        far
    });
    let mut greedy_messages = 1_u64;
    let mut answered = 0;
    driver.run(async {
        let mut quiet: FuturesUnordered<_> = quiet
            .into_iter()
            .map(|mut data| async move {
                for number in 0..MESSAGES {
                    assert_eq!(data.next().await.unwrap().unwrap()[..], [number as u8]);
                }
                data
            })
            .collect();
        let mut done = Vec::new();
        while done.len() < QUIET {
            futures::select_biased! {
                message = greedy.next() => {
                    // The greedy one is asked first, each time, and takes its time.
                    drop(message.unwrap().unwrap());
                    greedy_messages += 1;
                }
                data = quiet.next() => {
                    done.push(data.unwrap());
                    answered += 1;
                }
            }
        }
    });
    assert_eq!(answered, QUIET);
    drop(greedy);
    drop(asking.join().unwrap());
    assert!(flooding.join().unwrap() >= greedy_messages);
    driver.until("all is over", || driver.so_far().in_flight == 0);
    assert_full(&driver, &group);
    driver.end();
}

//! Pipes and connected pairs: waiting, ends, and readiness.
#![allow(unsafe_code)]

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures::join;
use ringbahn_core::event::{
    AnsweredNop, FutexWait, FutexWord, Interest, PollAdd, Position, Read, Recv, Send, SendZc,
    Write, WriteAll,
};
use ringbahn_core::{Cancelled, Drive};
use ringbahn_sim::Sim;

use crate::support::{assert_nothing_left, shared};

#[test]
fn a_reader_waits_for_the_writer_and_sees_the_end() {
    let sim = Sim::new(1);
    let (reader, writer) = shared(sim.pipe().unwrap());
    sim.block_on(async {
        let read = |room| {
            let read = Read::new(reader.clone(), vec![0; room], Position::Current);
            sim.driver().submit(read)
        };
        let write = sim.driver().submit(Write::new(writer.clone(), "hello", Position::Current));
        let (first, written) = join!(read(3), write);
        assert_eq!((first.1, written.0.unwrap()), (b"hel".to_vec(), 5));
        assert_eq!(read(9).await.1, b"lo");
        drop(writer);
        assert_eq!(read(9).await.0.unwrap(), 0);
    });
    drop(reader);
    assert_nothing_left(&sim);
}

#[test]
fn a_writer_waits_for_room_and_learns_that_nobody_reads() {
    let sim = Sim::builder(1).stream_capacity(8).build();
    let (reader, writer) = shared(sim.pipe().unwrap());
    sim.block_on(async {
        let write = WriteAll::new(writer.clone(), vec![1; 100], Position::Current);
        let reading = async {
            let mut total = 0;
            while total < 100 {
                let read = Read::new(reader.clone(), [0; 5], Position::Current);
                total += sim.driver().submit(read).await.0.unwrap();
            }
        };
        let (written, ()) = join!(sim.driver().submit(write), reading);
        written.0.unwrap();
        drop(reader);
        let (result, _) = sim.driver().submit(Write::new(writer, "x", Position::Current)).await;
        assert_eq!(result.unwrap_err().raw_os_error(), Some(libc::EPIPE));
    });
    assert_nothing_left(&sim);
}

#[test]
fn a_file_is_polled_until_it_is_ready() {
    let sim = Sim::new(1);
    let (a, b) = shared(sim.stream_pair().unwrap());
    sim.block_on(async {
        let poll = |interest| sim.driver().submit(PollAdd::new(a.clone(), interest));
        assert!(poll(Interest::WRITABLE | Interest::READABLE).await.unwrap().is_writable());
        let mut readable = pin!(poll(Interest::READABLE));
        let mut cx = Context::from_waker(Waker::noop());
        assert!(readable.as_mut().poll(&mut cx).is_pending());
        sim.driver().submit(Send::new(b.clone(), "x")).await.0.unwrap();
        assert!(readable.await.unwrap().is_readable());
        drop(b);
        let ready = poll(Interest::READ_CLOSED).await.unwrap();
        assert!(ready.is_read_closed());
    });
}

#[test]
fn a_send_that_waits_for_all_goes_on_until_there_is_room() {
    let sim = Sim::builder(1).stream_capacity(10).build();
    let (a, b) = shared(sim.stream_pair().unwrap());
    sim.block_on(async {
        let receive = async {
            let mut all = Vec::new();
            while all.len() < 64 {
                let (result, buffer) = sim.driver().submit(Recv::new(b.clone(), [0; 7])).await;
                all.extend_from_slice(&buffer[..result.unwrap()]);
            }
            all
        };
        let bytes: Vec<u8> = (0..64).collect();
        let send = sim.driver().submit(Send::new(a, bytes.clone()).wait_all(true));
        let (sent, received) = join!(send, receive);
        assert_eq!((sent.0.unwrap(), received), (64, bytes));
    });
}

#[test]
fn a_zero_copy_send_tells_its_count_first_and_gives_the_buffer_back_later() {
    let sim = Sim::new(1);
    let (a, b) = shared(sim.stream_pair().unwrap());
    sim.block_on(async {
        let mut send = pin!(sim.driver().submit(SendZc::new(a, b"hello".to_vec())));
        let first = std::future::poll_fn(|cx| send.as_mut().poll_cqe(cx, 0)).await.unwrap();
        assert!(first.has_more() && !first.is_notification());
        assert_eq!(first.result().unwrap(), 5);
        let (count, buffer) = send.await;
        assert_eq!((count.unwrap(), buffer), (5, b"hello".to_vec()));
        let (_, received) = sim.driver().submit(Recv::new(b, vec![0; 9])).await;
        assert_eq!(received, b"hello");
    });
    assert_nothing_left(&sim);
}

#[test]
fn a_buffer_is_scribbled_into_while_it_is_the_kernels_and_comes_back_as_it_was() {
    let sim = Sim::new(1);
    let (reader, _writer) = shared(sim.pipe().unwrap());
    let buffer = vec![7_u8; 64];
    let place = buffer.as_ptr();
    let mut read = pin!(sim.driver().submit(Read::new(reader, buffer, Position::Current)));
    let polled = read.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(polled, Poll::Pending));
    // SAFETY: the buffer lives as long as the operation, and nothing else runs on this thread.
    let seen = unsafe { place.read_volatile() };
    assert_ne!(seen, 7, "a program that looks too early sees something else");
    sim.block_on(async {
        let mut read = read;
        let cancelled = std::future::poll_fn(|cx| read.as_mut().poll_cancel(cx)).await;
        let Cancelled::Cancelled((_, buffer)) = cancelled else { panic!("{cancelled:?}") };
        assert_eq!(buffer, [7; 64]);
    });
}

#[test]
fn what_is_not_simulated_is_unsupported_and_a_nop_is_answered() {
    let sim = Sim::new(1);
    sim.block_on(async {
        let word = FutexWord::new(Arc::default());
        let error = sim.driver().submit(FutexWait::new(word, 0)).await.unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
        assert_eq!(sim.driver().submit(AnsweredNop::new(7)).await.unwrap(), 7);
        let broken = std::io::Error::from_raw_os_error(libc::EPIPE);
        let answered = sim.driver().submit(AnsweredNop::error(&broken)).await;
        assert_eq!(answered.unwrap_err().kind(), broken.kind());
    });
    assert_nothing_left(&sim);
}

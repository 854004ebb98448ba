//! Models of the meetings of a stream and the kernel's CQEs, run over every interleaving.
//!
//! ```sh
//! RUSTFLAGS="--cfg loom" cargo test --release -p ringbahn-core --test 'loom*'
//! ```
//!
//! As those of a single operation, and besides: each item is made once and disposed of once, and a
//! stream that is pending is woken for the next one.
#![cfg(loom)]

#[path = "support/multi_probe.rs"]
mod multi_probe;
#[path = "support/toy_ring.rs"]
mod toy_ring;

use std::sync::Arc;
use std::task::Waker;

use loom::thread;

use multi_probe::{Ledger, MultiProbe, Said, Tokens, ask, look};
use toy_ring::{Kernel, MORE, Signal, Toy};

fn model(threads: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.max_branches = 10_000;
    builder.check(threads);
}

fn in_flight(toy: &Toy, unread_max: u32, waker: &Waker) -> (Tokens, Arc<Ledger>, u64) {
    let (mut tokens, ledger) = MultiProbe::stream(toy, unread_max);
    assert_eq!(ask(&mut tokens, waker), Said::Wait);
    let user_data = toy.take_operation().user_data;
    (tokens, ledger, user_data)
}

/// Posts CQEs of `user_data` one by one, on a thread of its own.
fn post(toy: &Toy, user_data: u64, cqes: &'static [(i32, u32)]) -> thread::JoinHandle<()> {
    let toy = toy.clone();
    thread::spawn(move || {
        for (result, flags) in cqes {
            toy.post(user_data, *result, *flags);
        }
    })
}

#[test]
fn a_poll_meets_an_item() {
    model(|| {
        let toy = Toy::new(2);
        let (mut tokens, ledger, user_data) = in_flight(&toy, 64, Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = post(&toy, user_data, &[(7, MORE)]);
        let said = ask(&mut tokens, &waker);
        kernel.join().unwrap();
        if said == Said::Wait {
            assert_eq!(signal.wakes(), 1, "the wake-up is lost");
            assert_eq!(look(&mut tokens), Said::Number(7));
        }
        drop(tokens);
        Kernel { running: vec![user_data], ..Kernel::default() }.settle(&toy, 0);
        assert_eq!((ledger.tokens(), ledger.events_gone()), ((1, 1), 1));
    });
}

#[test]
fn a_poll_meets_the_last_item_of_a_shot() {
    model(|| {
        let toy = Toy::new(2);
        let (mut tokens, ledger, user_data) = in_flight(&toy, 64, Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = post(&toy, user_data, &[(7, MORE), (8, 0)]);
        let first = ask(&mut tokens, &waker);
        kernel.join().unwrap();
        if first == Said::Wait {
            assert!(signal.wakes() > 0, "the wake-up is lost");
            assert_eq!(look(&mut tokens), Said::Number(7));
        }
        assert_eq!(look(&mut tokens), Said::Number(8));
        assert_eq!(look(&mut tokens), Said::Wait);
        assert_eq!(toy.queued(), 1, "another shot is due");
        drop(tokens);
        Kernel::default().settle(&toy, 0);
        assert_eq!((ledger.tokens(), ledger.events_gone()), ((2, 2), 1));
    });
}

#[test]
fn a_drop_meets_items() {
    model(|| {
        let toy = Toy::new(2);
        let (mut tokens, ledger, user_data) = in_flight(&toy, 64, Waker::noop());
        let kernel = post(&toy, user_data, &[(7, MORE), (8, MORE), (9, 0)]);
        let _ = look(&mut tokens);
        drop(tokens);
        kernel.join().unwrap();
        Kernel::default().settle(&toy, 0);
        assert_eq!((ledger.tokens(), ledger.events_gone()), ((3, 3), 1));
        assert_eq!(toy.in_flight(), 0);
    });
}

#[test]
fn a_poll_meets_the_stop_of_a_lagging_stream() {
    model(|| {
        let toy = Toy::new(2);
        let (mut tokens, ledger, user_data) = in_flight(&toy, 1, Waker::noop());
        let (signal, waker) = Signal::new();
        let kernel = {
            let toy = toy.clone();
            thread::spawn(move || {
                toy.post(user_data, 7, MORE);
                Kernel { running: vec![user_data], ..Kernel::default() }.consume(&toy);
            })
        };
        let said = ask(&mut tokens, &waker);
        kernel.join().unwrap();
        if said == Said::Wait {
            assert!(signal.wakes() > 0, "the wake-up is lost");
            assert_eq!(look(&mut tokens), Said::Number(7));
        }
        assert_eq!(look(&mut tokens), Said::Wait);
        assert_eq!(toy.queued(), 1, "another shot is due");
        drop(tokens);
        Kernel::default().settle(&toy, 0);
        assert_eq!((ledger.tokens(), ledger.events_gone()), ((1, 1), 1));
    });
}

#[test]
fn a_drop_meets_the_stop_of_a_lagging_stream() {
    model(|| {
        let toy = Toy::new(2);
        let (tokens, ledger, user_data) = in_flight(&toy, 1, Waker::noop());
        let kernel = post(&toy, user_data, &[(7, MORE)]);
        drop(tokens);
        kernel.join().unwrap();
        let mut kernel = Kernel { running: vec![user_data], ..Kernel::default() };
        kernel.settle(&toy, 0);
        assert_eq!(kernel.cancels, 1, "cancelled twice, or not at all");
        assert_eq!((ledger.tokens(), ledger.events_gone()), ((1, 1), 1));
        assert_eq!(toy.in_flight(), 0);
    });
}

//! Events that wait until their ring has nothing else to do: on a ring that takes them, and on
//! all others.

use std::io::{self, Write as _};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ringbahn_core::event::{EventExt, Nop, Position, Read};
use ringbahn_core::{Batch, CancelTarget, Completion, Drive, Forbidden, Reservation, Rule, opcode};
use ringbahn_drivers::{Policy, Queues, Setup};

use crate::scene::{pipe, poll_once, run, start, until};
use crate::subject::{Runs, on_all, policies};

/// A driver of one's own, upon a ring of its own that it needs for nothing else.
#[derive(Clone)]
struct Own(Arc<Mutex<Queues>>);

impl Own {
    fn new(policy: Policy, rule: Option<Rule>) -> Own {
        let mut setup = Setup::new(4).completion_entries(8).policy(policy);
        if let Some(rule) = rule {
            setup = setup.rule(rule);
        }
        Own(Arc::new(Mutex::new(setup.build().unwrap())))
    }

    /// Submits what there is, and has done with what has completed.
    fn turn(&self) {
        let mut batch = Batch::new();
        {
            let mut queues = self.0.lock().unwrap();
            queues.handle.enter_flush().unwrap();
            queues.completion.reap(&mut batch, usize::MAX);
        }
        let aftermath = batch.run();
        assert!(aftermath.is_empty() && aftermath.panics == 0);
    }
}

impl Drive for Own {
    type Sharing = ringbahn_core::Shared;

    fn poll_prepare<'cx>(
        self: Pin<&mut Self>,
        cx: &mut Context<'cx>,
        count: u32,
        prepare: impl FnOnce(Reservation<'_>, &mut Context<'cx>) -> Completion<'cx>,
    ) -> Poll<io::Result<Completion<'cx>>> {
        let mut queues = self.0.lock().unwrap();
        let reservation = queues.submission.reserve(count)?.expect("there is room");
        Poll::Ready(Ok(prepare(reservation, cx)))
    }

    fn poll_submit(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<u32>> {
        let mut queues = self.0.lock().unwrap();
        queues.submission.publish();
        Poll::Ready(queues.handle.enter(0))
    }

    fn cancel(self: Pin<&mut Self>, _target: CancelTarget) {
        panic!("nothing is cancelled here");
    }
}

/// What a read, an event behind it, and one behind that have come to while the read waits; then it
/// goes on, and all end.
fn ended_while_a_read_waits(own: &Own, drained: bool) -> [bool; 2] {
    let (reader, mut writer) = pipe();
    let mut read = own.clone().submit(Read::new(reader, [0; 1], Position::Current));
    start(&mut read);
    let mut second = own.clone().submit(if drained {
        ringbahn_core::event::Either::first(Nop.drained())
    } else {
        ringbahn_core::event::Either::second(Nop)
    });
    let mut third = own.clone().submit(Nop);
    let mut ended = [poll_once(Pin::new(&mut second)), poll_once(Pin::new(&mut third))];
    own.turn();
    if ended[0].is_pending() {
        ended[0] = poll_once(Pin::new(&mut second));
    }
    if ended[1].is_pending() {
        ended[1] = poll_once(Pin::new(&mut third));
    }
    let before = [ended[0].is_ready(), ended[1].is_ready()];
    writer.write_all(b"!").unwrap();
    let mut read_end = Poll::Pending;
    until("all have ended", || {
        own.turn();
        if read_end.is_pending() {
            read_end = poll_once(Pin::new(&mut read));
        }
        for (end, submission) in ended.iter_mut().zip([0, 1]) {
            if end.is_pending() {
                *end = match submission {
                    0 => poll_once(Pin::new(&mut second)),
                    _ => poll_once(Pin::new(&mut third)),
                };
            }
        }
        read_end.is_ready() && ended.iter().all(Poll::is_ready)
    });
    for end in ended {
        assert!(matches!(end, Poll::Ready(Ok(()))));
    }
    before
}

#[test]
fn a_drained_event_waits_for_those_before_it_and_keeps_those_behind_it_waiting() {
    for policy in policies("a_drained_event_waits") {
        let own = Own::new(policy, Some(Rule::new(|_| None).allow_drain()));
        assert_eq!(ended_while_a_read_waits(&own, false), [true; 2], "{policy:?}");
        assert_eq!(ended_while_a_read_waits(&own, true), [false; 2], "{policy:?}");
    }
}

#[test]
fn a_ring_whose_rule_does_not_allow_it_takes_no_drained_event() {
    for policy in policies("a_ring_whose_rule_does_not_allow_it") {
        for rule in [None, Some(Rule::new(|_| None))] {
            let own = Own::new(policy, rule);
            is_forbidden(run(own.clone().submit(Nop.drained())));
            assert_eq!(ended_while_a_read_waits(&own, false), [true; 2], "{policy:?}");
        }
    }
}

#[track_caller]
fn is_forbidden(result: io::Result<()>) {
    let error = result.unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let forbidden = error.get_ref().unwrap().downcast_ref::<Forbidden>().unwrap();
    assert_eq!(forbidden.opcode(), opcode::NOP);
    assert!(forbidden.hint().contains("allow_drain"), "{forbidden}");
}

fn refuses<D: Runs>(driver: &D) {
    is_forbidden(driver.run(driver.clone().submit(Nop.drained())));
    let (first, second) = driver.run(driver.clone().submit(Nop.link(Nop.drained())));
    is_forbidden(first);
    assert!(second.is_err());
    assert_eq!(driver.counted().submitted, 0);
    driver.run(driver.clone().submit(Nop)).unwrap();
}

#[test]
fn drivers_that_others_use_take_no_drained_event() {
    on_all!("drivers_that_others_use_take_no_drained_event", 2, refuses);
}

//! Signals as streams. Each test has signals of its own, since they are the process's.

use std::io::ErrorKind;

use futures::StreamExt;
use ringbahn::signal::{Signal, Signals, ctrl_c};
use ringbahn::{DefaultDriver, SharedDriver};

use crate::bounded::block_on;
use crate::support::{driver, poll_once, skip};

/// Sends a signal to this thread: the handlers have run when this returns.
fn raise(signal: Signal) {
    signal_hook::low_level::raise(signal.as_raw()).unwrap();
}

fn is_quiet(signals: &mut Signals<SharedDriver>) -> bool {
    poll_once(&mut Box::pin(signals.recv())).is_pending()
}

#[test]
fn each_stream_gets_each_signal() {
    let Some(driver) = driver("each_stream_gets_each_signal") else { return };
    let streams = || Signals::new_on_driver([Signal::USER_1], driver.clone()).unwrap();
    let (mut one, mut other) = (streams(), streams());
    assert!(is_quiet(&mut one) && is_quiet(&mut other));
    for _ in 0..3 {
        raise(Signal::USER_1);
        assert_eq!(block_on(one.recv()).unwrap(), Signal::USER_1);
        assert_eq!(block_on(other.next()).unwrap().unwrap(), Signal::USER_1);
        assert!(is_quiet(&mut one) && is_quiet(&mut other));
    }
    // One of them being gone is no matter for the other, and one that comes later gets nothing old.
    drop(one);
    raise(Signal::USER_1);
    let mut late = streams();
    assert!(is_quiet(&mut late));
    assert_eq!(block_on(other.recv()).unwrap(), Signal::USER_1);
}

#[test]
fn signals_of_a_kind_that_nobody_has_looked_at_are_one() {
    let Some(driver) = driver("signals_of_a_kind_are_one") else { return };
    let mut signals = Signals::new_on_driver([Signal::USER_2, Signal::HANGUP], driver).unwrap();
    for _ in 0..100 {
        raise(Signal::USER_2);
    }
    raise(Signal::HANGUP);
    let mut got = [block_on(signals.recv()).unwrap(), block_on(signals.recv()).unwrap()];
    got.sort_unstable();
    let mut expected = [Signal::USER_2, Signal::HANGUP];
    expected.sort_unstable();
    assert_eq!(got, expected);
    assert!(is_quiet(&mut signals));
}

#[test]
fn more_signals_than_the_socket_holds_are_one() {
    let Some(driver) = driver("more_signals_than_the_socket_holds_are_one") else { return };
    let mut signals = Signals::new_on_driver([Signal::WINDOW_CHANGE], driver).unwrap();
    for _ in 0..20_000 {
        raise(Signal::WINDOW_CHANGE);
    }
    assert_eq!(block_on(signals.recv()).unwrap(), Signal::WINDOW_CHANGE);
    assert!(is_quiet(&mut signals));
    raise(Signal::WINDOW_CHANGE);
    assert_eq!(block_on(signals.recv()).unwrap(), Signal::WINDOW_CHANGE);
}

#[test]
fn a_receive_that_is_dropped_loses_no_signal() {
    let Some(driver) = driver("a_receive_that_is_dropped_loses_no_signal") else { return };
    let mut signals = Signals::new_on_driver([Signal::ALARM], driver).unwrap();
    for _ in 0..3 {
        assert!(is_quiet(&mut signals));
        raise(Signal::ALARM);
        assert_eq!(block_on(signals.recv()).unwrap(), Signal::ALARM);
    }
}

#[test]
fn a_signal_wakes_a_task_that_waits() {
    let Some(driver) = driver("a_signal_wakes_a_task_that_waits") else { return };
    let mut signals = Signals::new_on_driver([Signal::TERMINATE], driver).unwrap();
    let wait = std::thread::spawn(move || block_on(signals.recv()).unwrap());
    // Whether it waits already is no matter: the stream is there.
    raise(Signal::TERMINATE);
    assert_eq!(wait.join().unwrap(), Signal::TERMINATE);
}

#[test]
fn ctrl_c_is_the_signal_of_the_terminal() {
    if let Err(error) = DefaultDriver::shared() {
        return skip("ctrl_c_is_the_signal_of_the_terminal", &format!("no io_uring: {error}"));
    }
    let mut wait = Box::pin(ctrl_c());
    assert!(poll_once(&mut wait).is_pending());
    raise(Signal::INTERRUPT);
    block_on(wait).unwrap();
    // The process has not been ended, nor is it by the next one.
    raise(Signal::INTERRUPT);
}

#[test]
fn signals_that_must_not_be_handled_are_refused() {
    let Some(driver) = driver("signals_that_must_not_be_handled_are_refused") else { return };
    let numbers =
        [libc::SIGKILL, libc::SIGSTOP, libc::SIGSEGV, libc::SIGILL, libc::SIGFPE, -1, 999];
    for number in numbers {
        let signals = [Signal::QUIT, Signal::from_raw(number)];
        let error = Signals::new_on_driver(signals, driver.clone()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{number}: {error}");
    }
}

#[test]
fn no_signals_are_a_stream_without_items() {
    let Some(driver) = driver("no_signals_are_a_stream_without_items") else { return };
    let mut signals = Signals::new_on_driver([], driver).unwrap();
    for _ in 0..3 {
        assert!(is_quiet(&mut signals));
    }
}

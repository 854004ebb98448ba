//! What must never be in flight on such a ring, since the process could not exit.
#![allow(unsafe_code)]

use std::io::{self, Read as _};
use std::net::{TcpListener, TcpStream};

use ringbahn_core::event::{EventExt, Nop, Send, SendZc};
use ringbahn_core::{Drive, Event, Forbidden, Outcome, SharedFd, Sqe, Sqes, opcode};

use crate::driven::end;
use crate::driver;
use crate::scene::{run, shared};

fn connection() -> (SharedFd, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (shared(near), listener.accept().unwrap().0)
}

#[track_caller]
fn assert_forbidden(error: &io::Error) {
    assert_eq!(error.kind(), io::ErrorKind::Unsupported);
    let forbidden = error.get_ref().unwrap().downcast_ref::<Forbidden>().unwrap();
    assert_eq!(forbidden.opcode(), opcode::SEND_ZC);
    assert!(forbidden.hint().contains("use Send"), "{forbidden}");
    assert!(error.to_string().contains("SEND_ZC"), "{error}");
}

#[test]
fn a_zero_copy_send_is_refused_and_a_plain_one_goes_on() {
    let test = "a_zero_copy_send_is_refused_and_a_plain_one_goes_on";
    let Some(driver) = driver(test, 8, 16) else { return };
    let (near, mut far) = connection();
    let (result, buffer) = run(driver.clone().submit(SendZc::new(near.clone(), "ping")));
    assert_forbidden(&result.unwrap_err());
    assert_eq!(driver.counters().submitted, 0, "nothing has reached the ring");
    let (result, _) = run(driver.clone().submit(Send::new(near, buffer)));
    assert_eq!(result.unwrap(), 4);
    let mut data = [0; 4];
    far.read_exact(&mut data).unwrap();
    assert_eq!(&data, b"ping");
    end(&driver);
}

#[test]
fn a_chain_with_a_zero_copy_send_in_it_is_refused_whole() {
    let test = "a_chain_with_a_zero_copy_send_in_it_is_refused_whole";
    let Some(driver) = driver(test, 8, 16) else { return };
    let (near, far) = connection();
    far.set_nonblocking(true).unwrap();
    let chain = Send::new(near.clone(), "one").link(SendZc::new(near.clone(), "two"));
    let ((first, one), (second, two)) = run(driver.clone().submit(chain));
    assert_forbidden(&first.unwrap_err());
    assert_eq!(second.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
    assert_eq!((one, two), ("one", "two"));
    run(driver.clone().submit(Nop)).unwrap();
    assert_eq!(driver.counters().submitted, 1);
    let error = (&far).read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::WouldBlock, "something was sent");
    end(&driver);
}

/// Does nothing first, and then asks for a zero-copy send of no socket.
struct Turncoat {
    rounds: u32,
}

impl Event for Turncoat {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        match self.rounds {
            0 => sqes.push(Sqe::nop()),
            // SAFETY: it names no memory, and no descriptor that there is.
            _ => sqes.push(unsafe { Sqe::new(opcode::SEND_ZC) }),
        }
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> io::Result<u32> {
        outcome.result()
    }

    fn resubmit(&mut self, _outcome: &Outcome<'_, Self>) -> bool {
        self.rounds += 1;
        self.rounds == 1
    }
}

#[test]
fn an_event_that_turns_to_a_zero_copy_send_is_stopped() {
    let test = "an_event_that_turns_to_a_zero_copy_send_is_stopped";
    let Some(driver) = driver(test, 1, 2) else { return };
    for _ in 0..20 {
        let error = run(driver.clone().submit(Turncoat { rounds: 0 })).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ECANCELED), "the kernel was asked for it");
    }
    end(&driver);
}

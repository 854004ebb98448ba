//! Commands of a file's own driver, entries of 128 bytes, and nops that are answered.
#![allow(unsafe_code)]

use std::io::{self, ErrorKind};
use std::num::NonZeroU32;

use ringbahn_core::event::{
    AnsweredNop, EventExt, Nop, Nop128, NvmeCommand, UringCommand, UringCommand128,
};
use ringbahn_core::{Drive, Forbidden};

use crate::on_both;
use crate::scene::{pipe, run};

#[track_caller]
fn assert_too_large(error: &io::Error, opcode: u8) {
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let forbidden: &Forbidden = error.get_ref().unwrap().downcast_ref().expect("a typed reason");
    assert_eq!(forbidden.opcode(), opcode);
    assert!(error.to_string().contains("an entry of 128 bytes"), "{error}");
}

#[test]
fn an_entry_of_128_bytes_is_refused_before_it_gets_anywhere() {
    on_both("an_entry_of_128_bytes_is_refused_before_it_gets_anywhere", (5, 11), |driver| {
        let error = run(driver.clone().submit(Nop128)).unwrap_err();
        assert_too_large(&error, ringbahn_core::opcode::NOP128);
        let (file, _writer) = pipe();
        // SAFETY: no driver ever sees the command.
        let command = unsafe { UringCommand128::new(file.clone(), 1, [7; 80], vec![8]) };
        let (result, lent) = run(driver.clone().submit(command));
        assert_too_large(&result.unwrap_err(), ringbahn_core::opcode::URING_CMD128);
        assert_eq!(lent, [8]);
        let namespace = NonZeroU32::MIN;
        // SAFETY: no drive ever sees the command.
        let read = unsafe { NvmeCommand::read(file.clone(), namespace, 0, 1, vec![9; 512]) };
        let (result, buffer) = run(driver.clone().submit(read.unwrap()));
        assert_too_large(&result.unwrap_err(), ringbahn_core::opcode::URING_CMD);
        assert_eq!(buffer, [9; 512]);
        let (nop, (result, ())) =
            run(driver.clone().submit(Nop.link(NvmeCommand::flush(file, namespace))));
        assert!(nop.is_err() && result.is_err(), "a chain is refused as a whole");
        assert_eq!(driver.counters().submitted, 0);
    });
}

#[test]
fn a_file_without_commands_says_so_and_what_was_lent_comes_back() {
    let test = "a_file_without_commands_says_so_and_what_was_lent_comes_back";
    on_both(test, (5, 19), |driver| {
        let (file, _writer) = pipe();
        // SAFETY: the file's driver knows no commands.
        let command = unsafe { UringCommand::new(file, 1, [7; 16], "lent") };
        let (result, lent) = run(driver.clone().submit(command));
        assert_eq!((result.unwrap_err().kind(), lent), (ErrorKind::Unsupported, "lent"));
    });
}

#[test]
fn a_nop_is_answered_with_what_it_asks_for() {
    on_both("a_nop_is_answered_with_what_it_asks_for", (6, 14), |driver| {
        let (file, _writer) = pipe();
        for deferred in [false, true] {
            let nop = AnsweredNop::new(7).file(file.clone()).deferred(deferred);
            assert_eq!(run(driver.clone().submit(nop)).unwrap(), 7);
            let broken = io::Error::from_raw_os_error(libc::EPIPE);
            let nop = AnsweredNop::error(&broken).deferred(deferred);
            let (answer, next) = run(driver.clone().submit(nop.link(Nop)));
            assert_eq!(answer.unwrap_err().kind(), ErrorKind::BrokenPipe);
            assert_eq!(next.unwrap_err().raw_os_error(), Some(libc::ECANCELED));
        }
        // It has been stopped, it says, and is not repeated all the same.
        let stopped = AnsweredNop::error(&io::Error::from_raw_os_error(libc::ECANCELED));
        assert!(run(driver.clone().submit(stopped)).is_err());
    });
}

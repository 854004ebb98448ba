//! CQEs of 32 bytes, and of both sizes in one queue.
#![allow(unsafe_code)]

use std::io;

use futures::future::join_all;
use ringbahn_core::event::{EventExt as _, Nop, Position, Read};
use ringbahn_core::{Drive, Event, Outcome, Sqe, Sqes, opcode};
use ringbahn_drivers::{CompletionWidth, Policy, Reason, Setup, SharedDriver, Unavailable};

use crate::scene::{end, pipe, run, start};
use crate::shared_with;

/// A NOP whose CQE is one of 32 bytes, with words that are no CQE's.
struct WideNop;

/// `IORING_NOP_INJECT_RESULT` and `IORING_NOP_CQE32`
const NOP_FLAGS: u32 = 1 << 0 | 1 << 5;

impl Event for WideNop {
    type Output = io::Result<u32>;

    unsafe fn prepare(&mut self, sqes: &mut Sqes) {
        // SAFETY: a NOP names no memory and no descriptor; its words come back as they are.
        let entry = unsafe { Sqe::new(opcode::NOP) };
        sqes.push(entry.op_flags(NOP_FLAGS).length(9).offset(u64::MAX).address_number(u64::MAX));
    }

    fn complete(self, outcome: Outcome<'_, Self>) -> Self::Output {
        outcome.result()
    }
}

fn of(test: &str, width: CompletionWidth) -> Option<SharedDriver> {
    shared_with(test, |setup| setup.completion_width(width))
}

#[test]
fn operations_complete_on_rings_of_any_width() {
    let test = "operations_complete_on_rings_of_any_width";
    for width in [CompletionWidth::Wide, CompletionWidth::Mixed] {
        let Some(driver) = of(test, width) else { continue };
        let (reader, _writer) = pipe();
        let mut waiting = driver.clone().submit(Read::new(reader, vec![0; 1], Position::Current));
        start(&mut waiting);
        for _ in 0..20 {
            let nops = run(join_all((0..20).map(|_| driver.clone().submit(Nop))));
            assert!(nops.into_iter().all(|nop| nop.is_ok()));
            let (first, second) = run(driver.clone().submit(Nop.link(Nop)));
            assert!(first.is_ok() && second.is_ok());
        }
        drop(waiting);
        end(&driver);
    }
}

/// A CQE of two places is never torn by the end of the queue: the kernel fills that up.
#[test]
fn narrow_and_wide_ones_come_in_any_order() {
    let test = "narrow_and_wide_ones_come_in_any_order";
    for width in [CompletionWidth::Wide, CompletionWidth::Mixed] {
        let Some(driver) = of(test, width) else { continue };
        // Whether the kernel knows how to make such a NOP is another matter than the width.
        if let Err(error) = run(driver.clone().submit(WideNop)) {
            assert_eq!(error.raw_os_error(), Some(libc::EINVAL));
            crate::skip::skip(test, "the kernel is older than NOPs with wide CQEs");
            continue;
        }
        for round in 0..100 {
            let narrow = join_all((0..round % 5).map(|_| driver.clone().submit(Nop)));
            let wide = join_all((0..round % 3).map(|_| driver.clone().submit(WideNop)));
            let (narrow, wide) = run(futures::future::join(narrow, wide));
            assert!(narrow.into_iter().all(|nop| nop.is_ok()));
            assert!(wide.into_iter().all(|nop| nop.unwrap() == 9));
        }
        // `end` finds that no CQE was unknown, as half of a wide one would be.
        end(&driver);
    }
}

#[test]
fn the_fallback_has_narrow_ones_only() {
    for width in [CompletionWidth::Wide, CompletionWidth::Mixed] {
        let setup = Setup::new(4).completion_width(width).policy(Policy::Never);
        let unavailable: Unavailable = setup.build().unwrap_err();
        assert_eq!(unavailable.reason(), Reason::Contradiction);
        let text = unavailable.to_string();
        assert!(text.contains("completion_width") && text.contains("fallback"), "{text}");
        assert_eq!(io::Error::from(unavailable).kind(), io::ErrorKind::InvalidInput);
    }
    let setup = Setup::new(4).completion_width(CompletionWidth::Narrow).policy(Policy::Never);
    setup.build().unwrap();
}

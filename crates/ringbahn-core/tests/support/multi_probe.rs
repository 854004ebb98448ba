//! [`MultiProbe`]: an event that yields tokens, and counts what becomes of each.
#![allow(dead_code, reason = "each test uses a part of it")]
#![allow(unsafe_code)]

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll, Waker};

use futures::Stream;
use ringbahn_core::{Drive, MultiEvent, Multishot, Outcome, Sqe, Sqes};

use crate::toy_ring::Toy;

/// A number that makes `decode` panic.
pub(crate) const PANIC: u32 = 666;

/// How many tokens were made, and how many of them are gone.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    made: AtomicU32,
    gone: AtomicU32,
    events_gone: AtomicU32,
}

impl Ledger {
    /// (made, gone)
    pub(crate) fn tokens(&self) -> (u32, u32) {
        (self.made.load(Ordering::SeqCst), self.gone.load(Ordering::SeqCst))
    }

    pub(crate) fn events_gone(&self) -> u32 {
        self.events_gone.load(Ordering::SeqCst)
    }
}

/// What a probe yields: something to own.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) number: u32,
    ledger: Arc<Ledger>,
}

impl Drop for Token {
    fn drop(&mut self) {
        self.ledger.gone.fetch_add(1, Ordering::SeqCst);
    }
}

/// Yields a token for each CQE with a number; 0 is the end.
pub(crate) struct MultiProbe {
    ledger: Arc<Ledger>,
    unread_max: u32,
}

/// A stream of tokens, as tests hold them.
pub(crate) type Tokens = Multishot<MultiProbe, Toy>;

impl MultiProbe {
    pub(crate) fn stream(toy: &Toy, unread_max: u32) -> (Tokens, Arc<Ledger>) {
        let ledger = Arc::<Ledger>::default();
        let probe = MultiProbe { ledger: ledger.clone(), unread_max };
        (toy.clone().stream(probe), ledger)
    }
}

impl Drop for MultiProbe {
    fn drop(&mut self) {
        self.ledger.events_gone.fetch_add(1, Ordering::SeqCst);
    }
}

impl MultiEvent for MultiProbe {
    type Item = Token;
    type Decoder = Arc<Ledger>;

    fn decoder(&self) -> Arc<Ledger> {
        self.ledger.clone()
    }

    unsafe fn prepare(&mut self, sqes: &mut Sqes<'_>) {
        sqes.push(Sqe::nop());
    }

    fn decode(ledger: &Arc<Ledger>, outcome: Outcome<'_, Self>) -> Option<io::Result<Token>> {
        match outcome.result() {
            Ok(0) => None,
            Ok(PANIC) => panic!("the probe panics, as it was told"),
            Ok(number) => {
                ledger.made.fetch_add(1, Ordering::SeqCst);
                Some(Ok(Token { number, ledger: ledger.clone() }))
            }
            Err(error) => Some(Err(error)),
        }
    }

    fn goes_on_after(error: &io::Error) -> bool {
        error.raw_os_error() == Some(libc::EMFILE)
    }

    fn unread_max(&self) -> u32 {
        self.unread_max
    }
}

/// What a stream has answered.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Wait,
    Number(u32),
    Failed(i32),
    End,
}

/// Polls once, and drops what comes.
pub(crate) fn ask(tokens: &mut Tokens, waker: &Waker) -> Said {
    match Pin::new(tokens).poll_next(&mut Context::from_waker(waker)) {
        Poll::Pending => Said::Wait,
        Poll::Ready(Some(Ok(token))) => Said::Number(token.number),
        Poll::Ready(Some(Err(error))) => Said::Failed(error.raw_os_error().unwrap_or(-1)),
        Poll::Ready(None) => Said::End,
    }
}

/// Polls once with nobody to wake.
pub(crate) fn look(tokens: &mut Tokens) -> Said {
    ask(tokens, Waker::noop())
}

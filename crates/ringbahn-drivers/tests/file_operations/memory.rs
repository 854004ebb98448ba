//! Advice for memory.

use std::io::ErrorKind;

use ringbahn_core::event::{Madvise, MemoryAdvice};
use ringbahn_core::{AlignedBuffer, IoBufMut as _};

use crate::Stage;

on_each! {
    advice_leaves_a_buffer_as_it_is: keeps_contents;
    a_buffer_of_less_than_a_page_is_advised_nothing: small;
    what_cannot_be_populated_is_an_error: constant;
}

fn keeps_contents(stage: &Stage) {
    let length = 1 << 20;
    let content: Vec<u8> = (0..length).map(|byte| byte as u8).collect();
    for advice in [
        MemoryAdvice::Normal,
        MemoryAdvice::Sequential,
        MemoryAdvice::Random,
        MemoryAdvice::WillNeed,
        MemoryAdvice::Cold,
        MemoryAdvice::PageOut,
        MemoryAdvice::PopulateRead,
        MemoryAdvice::PopulateWrite,
        MemoryAdvice::HugePages,
        MemoryAdvice::NoHugePages,
    ] {
        // Some of it an old kernel, or one without large pages, does not know.
        let (advised, buffer) = stage.run(Madvise::new(content.clone(), advice));
        if let Err(error) = advised {
            assert_eq!(error.kind(), ErrorKind::InvalidInput, "{advice:?}");
        }
        assert!(buffer == content, "{advice:?}");
        if advice == MemoryAdvice::Random {
            let mut aligned = AlignedBuffer::new(length, 4096);
            aligned.fill_from(&content);
            let (advised, buffer) = stage.run(Madvise::new(aligned, advice));
            advised.unwrap();
            assert!(buffer[..] == content);
        }
    }
}

fn small(stage: &Stage) {
    for buffer in ["", "small"] {
        let (advised, back) = stage.run(Madvise::new(buffer, MemoryAdvice::WillNeed));
        assert_eq!((advised.unwrap(), back), ((), buffer));
    }
    let (advised, _) = stage.run(Madvise::new([0; 4095], MemoryAdvice::PopulateWrite));
    advised
        .or_else(|error| match error.kind() {
            // Before Linux 5.14.
            ErrorKind::InvalidInput => Ok(()),
            _ => Err(error),
        })
        .unwrap();
}

fn constant(stage: &Stage) {
    static CONSTANT: [u8; 1 << 17] = [0; 1 << 17];
    let (advised, back) = stage.run(Madvise::new(&CONSTANT[..], MemoryAdvice::PopulateWrite));
    assert_eq!(advised.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(back.len(), 1 << 17);
}

//! `canary`: fails, with one word. Whoever replays it and sees no failure sees none of any target.

/// The word.
const WORD: &[u8] = b"tweet";

/// Panics where the bytes are the word.
pub(super) fn run(bytes: &[u8]) {
    assert_ne!(bytes, WORD, "the canary fails, as it was asked to");
}

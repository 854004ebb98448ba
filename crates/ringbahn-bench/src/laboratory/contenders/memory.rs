//! Memory for contenders that make system calls or fill entries of a ring by hand.

/// How memory must lie that `O_DIRECT` reads into, and a ring of buffers.
const PAGE: usize = 4096;

/// What fresh memory is filled with, so that it is in RAM before it is used for the first time.
const FILL: u8 = 0xa5;

/// So many bytes at the beginning of a page.
///
/// They are never freed: the process of a trial does one thing and ends, and what the kernel has
/// been given the address of cannot be freed too soon.
pub(super) fn pages(length: usize) -> &'static mut [u8] {
    let memory = vec![FILL; length + PAGE].leak();
    let start = memory.as_ptr().align_offset(PAGE);
    &mut memory[start..start + length]
}

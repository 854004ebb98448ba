//! Memory for contenders that make system calls or fill entries of a ring by hand.

/// How memory must lie that `O_DIRECT` reads into, and a ring of buffers.
const PAGE: usize = 4096;

/// So many bytes, all 0, at the beginning of a page.
///
/// They are never freed: the process of a trial does one thing and ends, and what the kernel has been
/// given the address of cannot be freed too soon.
pub(super) fn pages(length: usize) -> &'static mut [u8] {
    let memory = vec![0; length + PAGE].leak();
    let start = memory.as_ptr().align_offset(PAGE);
    &mut memory[start..start + length]
}

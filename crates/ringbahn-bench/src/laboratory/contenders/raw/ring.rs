//! A ring as it is set up by somebody who knows how.

use std::io;

use io_uring::IoUring;

/// A ring for this thread, with queues of these lengths, which defers the kernel's work to the calls
/// of this thread and is entered by its registered number.
///
/// # Errors
///
/// Those of setting up a ring.
pub(super) fn ring(entries: u32, completions: u32) -> io::Result<IoUring> {
    let mut builder = IoUring::builder();
    builder.setup_single_issuer().setup_defer_taskrun().setup_taskrun_flag();
    builder.setup_submit_all().setup_no_sqarray().setup_cqsize(completions);
    let ring = builder.build(entries)?;
    ring.submitter().register_ring_fd()?;
    Ok(ring)
}

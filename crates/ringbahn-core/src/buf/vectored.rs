//! Several owned buffers for one operation: [`IoBufs`], and the `iovec`s made of them.
#![allow(unsafe_code)]

use super::{IoBuf, IoBufMut, Ranges, TRANSFER_MAX};

/// The most buffers that one operation moves: the kernel's `UIO_MAXIOV`.
pub const BUFFERS_MAX: usize = 1024;

/// Several owned buffers for one vectored operation: `Vec<B>` and `[B; N]`.
///
/// They are sent, or filled, one after the other. After a read each of them holds its own part of
/// what was read; those that the read did not reach hold nothing, where they are growable.
///
/// Of more than [`BUFFERS_MAX`] buffers an operation takes the first ones, and of more than
/// [`TRANSFER_MAX`] bytes likewise.
///
/// # Examples
///
/// ```
/// use ringbahn_core::IoBufs;
///
/// let parts = [b"head".to_vec(), b"body".to_vec()];
/// assert_eq!(parts.buffers().len(), 2);
/// ```
///
/// # Safety
///
/// Both methods give out the same buffers each time, also after a move of `self`, and these are
/// untouched as long as `self` is.
pub unsafe trait IoBufs: Send + 'static {
    /// What one of the buffers is.
    type Buffer: IoBuf;

    /// The buffers, in order.
    fn buffers(&self) -> &[Self::Buffer];

    /// The buffers, in order.
    fn buffers_mut(&mut self) -> &mut [Self::Buffer];
}

// SAFETY: B5: a vector's elements are its own.
unsafe impl<B: IoBuf> IoBufs for Vec<B> {
    type Buffer = B;

    fn buffers(&self) -> &[B] {
        self
    }

    fn buffers_mut(&mut self) -> &mut [B] {
        self
    }
}

// SAFETY: B5: an array's elements are its own.
unsafe impl<B: IoBuf, const N: usize> IoBufs for [B; N] {
    type Buffer = B;

    fn buffers(&self) -> &[B] {
        self
    }

    fn buffers_mut(&mut self) -> &mut [B] {
        self
    }
}

/// The `iovec`s of one operation, owned by its event.
#[derive(Debug, Default)]
pub(crate) struct IoVecs {
    vectors: Vec<libc::iovec>,
}

// SAFETY: E1: the vectors are addresses that this type never follows; the event next to it owns
// the memory behind them, and is `Send` itself.
unsafe impl Send for IoVecs {}

impl IoVecs {
    /// Describes the bytes of `buffers`.
    pub(crate) fn describe_bytes<V: IoBufs>(&mut self, buffers: &V) {
        let bytes = buffers.buffers().iter();
        self.describe(bytes.map(|buffer| (buffer.bytes_ptr().cast_mut(), buffer.bytes_len())));
    }

    /// Describes the targets of `buffers`.
    pub(crate) fn describe_targets<V: IoBufs<Buffer: IoBufMut>>(&mut self, buffers: &mut V) {
        let targets = buffers.buffers_mut().iter_mut();
        self.describe(targets.map(|buffer| {
            let length = buffer.target_len();
            (buffer.target_ptr(), length)
        }));
    }

    /// Describes those parts of `ranges` that lie within the `held` bytes from `base` on. None of
    /// them is empty, as the kernel wants it of a registered buffer.
    pub(crate) fn describe_ranges(&mut self, base: *mut u8, held: usize, ranges: &Ranges) {
        self.describe(
            ranges.within(held).map(|(begin, length)| (base.wrapping_add(begin), length)),
        );
        self.vectors.retain(|vector| vector.iov_len > 0);
    }

    fn describe(&mut self, parts: impl Iterator<Item = (*mut u8, usize)>) {
        let mut room = TRANSFER_MAX as usize;
        self.vectors.clear();
        self.vectors.extend(parts.take(BUFFERS_MAX).map(|(pointer, length)| {
            let length = length.min(room);
            room -= length;
            libc::iovec { iov_base: pointer.cast(), iov_len: length }
        }));
    }

    pub(crate) fn as_ptr(&self) -> *const libc::iovec {
        self.vectors.as_ptr()
    }

    /// How many buffers are described.
    pub(crate) fn count(&self) -> u32 {
        // At most `BUFFERS_MAX`.
        self.vectors.len() as u32
    }

    /// How many bytes are described.
    pub(crate) fn bytes(&self) -> usize {
        self.vectors.iter().map(|vector| vector.iov_len).sum()
    }

    /// Takes note that a read has filled the first `count` bytes of what is described.
    ///
    /// # Safety
    ///
    /// The targets of `buffers` were described last, and since then as many bytes have been
    /// written to them, at most as many as were described.
    pub(crate) unsafe fn set_filled<V>(&self, buffers: &mut V, count: usize)
    where
        V: IoBufs<Buffer: IoBufMut>,
    {
        let mut rest = count;
        let described = self.vectors.iter().map(|vector| vector.iov_len);
        let lengths = described.chain(std::iter::repeat(0));
        for (buffer, length) in buffers.buffers_mut().iter_mut().zip(lengths) {
            let filled = rest.min(length);
            rest -= filled;
            // SAFETY: B3: the bytes were written in order, so this buffer got `filled` of them,
            // no more than `length`, which was its target's or less.
            unsafe { buffer.set_filled(filled) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_is_shared_out_in_order() {
        let mut vectors = IoVecs::default();
        let mut buffers = vec![b"ab".to_vec(), b"cd".to_vec(), b"ef".to_vec()];
        vectors.describe_targets(&mut buffers);
        let before = vectors.bytes();
        assert!(before >= 6);
        let count = buffers[0].capacity() + 1;
        // SAFETY: B3: of each vector no more is claimed than it held, all initialised.
        unsafe { vectors.set_filled(&mut buffers, count) };
        assert_eq!(buffers, [&b"ab"[..], b"c", b""]);
    }

    #[test]
    fn no_more_is_described_than_the_kernel_takes() {
        let mut vectors = IoVecs::default();
        vectors.describe_bytes(&vec!["ab"; BUFFERS_MAX + 7]);
        assert_eq!((vectors.count() as usize, vectors.bytes()), (BUFFERS_MAX, 2 * BUFFERS_MAX));

        let parts = [3, TRANSFER_MAX as usize, 1];
        vectors.describe(parts.into_iter().map(|length| (std::ptr::null_mut(), length)));
        assert_eq!((vectors.count(), vectors.bytes()), (3, TRANSFER_MAX as usize));
    }
}

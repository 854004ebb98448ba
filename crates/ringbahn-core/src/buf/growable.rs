//! Growable buffers: `Vec<u8>`, and `BytesMut` with the feature `bytes`.
#![allow(unsafe_code)]

use super::{IoBuf, IoBufMut};

// SAFETY: B1, B2: a vector's memory is its own, moves with nobody and changes only through `&mut`.
unsafe impl IoBuf for Vec<u8> {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: `as_mut_ptr` covers the whole capacity, of which the bytes are the beginning.
unsafe impl IoBufMut for Vec<u8> {
    fn target_ptr(&mut self) -> *mut u8 {
        self.as_mut_ptr()
    }

    fn target_len(&self) -> usize {
        self.capacity()
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // SAFETY: B3: the target begins where the bytes do, so they are initialised.
        unsafe { self.set_len(count) };
    }
}

// SAFETY: B1, B2: as for `Vec`; what other handles share is another part of the memory.
#[cfg(feature = "bytes")]
unsafe impl IoBuf for bytes::BytesMut {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: the spare room of an emptied `BytesMut` is all of its own part of the memory,
// of which the bytes are the beginning.
#[cfg(feature = "bytes")]
unsafe impl IoBufMut for bytes::BytesMut {
    fn target_ptr(&mut self) -> *mut u8 {
        // A pointer into `&mut self[..]` would reach only as far as the bytes.
        let length = self.len();
        self.truncate(0);
        let target = self.spare_capacity_mut().as_mut_ptr().cast();
        // SAFETY: B2: the bytes were initialised a moment ago, and nothing has touched them.
        unsafe { self.set_len(length) };
        target
    }

    fn target_len(&self) -> usize {
        self.capacity()
    }

    unsafe fn set_filled(&mut self, count: usize) {
        // SAFETY: B3: the target begins where the bytes do, so they are initialised.
        unsafe { self.set_len(count) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_into<B: IoBufMut>(buffer: &mut B, data: &[u8]) {
        assert!(data.len() <= buffer.target_len());
        let target = buffer.target_ptr();
        // SAFETY: B1: the target has room, as just asserted.
        unsafe { target.copy_from_nonoverlapping(data.as_ptr(), data.len()) };
        // SAFETY: B3: as many bytes have just been written.
        unsafe { buffer.set_filled(data.len()) };
    }

    #[test]
    fn a_vector_holds_exactly_what_was_read() {
        for initial in [&b""[..], b"0123456789"] {
            let mut buffer = Vec::with_capacity(64);
            buffer.extend_from_slice(initial);
            read_into(&mut buffer, b"abc");
            assert_eq!((&buffer[..], buffer.capacity()), (&b"abc"[..], 64));
        }
    }

    #[cfg(feature = "bytes")]
    #[test]
    fn a_bytes_mut_holds_exactly_what_was_read() {
        let mut buffer = bytes::BytesMut::with_capacity(64);
        buffer.extend_from_slice(b"0123456789");
        let tail = buffer.split_off(32);
        assert_eq!(buffer.target_len(), 32);
        let _ = buffer.target_ptr();
        assert_eq!(&buffer[..], b"0123456789");
        read_into(&mut buffer, &[b'x'; 32]);
        assert_eq!((buffer.len(), tail.len()), (32, 0));
    }
}

//! Buffers that can be sent but not read into: `String`, shared and static data, `Bytes`.
#![allow(unsafe_code)]

use std::sync::Arc;

use super::IoBuf;

// SAFETY: B1, B2: as for `Vec<u8>`. It is no `IoBufMut`: a read could leave it ill-formed.
unsafe impl IoBuf for String {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: static data neither moves nor changes.
unsafe impl IoBuf for &'static [u8] {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: static data neither moves nor changes.
unsafe impl IoBuf for &'static str {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: this share keeps the bytes alive, and shared bytes do not change.
unsafe impl IoBuf for Arc<[u8]> {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: this share keeps the vector alive, and a shared vector does not change.
unsafe impl IoBuf for Arc<Vec<u8>> {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

// SAFETY: B1, B2: this share keeps the bytes alive, and shared bytes do not change.
#[cfg(feature = "bytes")]
unsafe impl IoBuf for bytes::Bytes {
    fn bytes_ptr(&self) -> *const u8 {
        self.as_ptr()
    }

    fn bytes_len(&self) -> usize {
        self.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_to_send_offers_the_bytes_it_holds() {
        fn length_of<B: IoBuf>(buffer: B) -> usize {
            buffer.bytes_len()
        }
        assert_eq!(length_of("hello"), 5);
        assert_eq!(length_of(&b"hello"[..]), 5);
        assert_eq!(length_of(String::from("hello")), 5);
        assert_eq!(length_of(Arc::<[u8]>::from(&b"hello"[..])), 5);
        assert_eq!(length_of(Arc::new(b"hello".to_vec())), 5);
        #[cfg(feature = "bytes")]
        assert_eq!(length_of(bytes::Bytes::from_static(b"hello")), 5);
    }
}

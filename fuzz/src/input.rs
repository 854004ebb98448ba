//! [`Input`]: bytes, read as numbers and choices.

/// Bytes that are read from the front. Where there are none left they read as zero.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Input<'a> {
        Input { rest: bytes }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn byte(&mut self) -> u8 {
        self.bytes::<1>()[0]
    }

    pub(crate) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.bytes())
    }

    pub(crate) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.bytes())
    }

    pub(crate) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.bytes())
    }

    pub(crate) fn flag(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    /// A number below `limit`, which is not 0.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::from(self.byte()) % limit
    }

    /// One of `all`, which is not empty.
    pub(crate) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// A number with a liking for those at which something changes.
    pub(crate) fn number(&mut self) -> u32 {
        match self.byte() {
            small @ 0..0x80 => small.into(),
            power @ 0x80..0xa0 => 1 << (power - 0x80),
            power @ 0xa0..0xc0 => (1 << (power - 0xa0)) - 1,
            from_the_end @ 0xc0..0xe0 => u32::MAX - u32::from(from_the_end - 0xc0),
            _ => self.u32(),
        }
    }

    /// What has not been read, up to `limit` bytes of it.
    pub(crate) fn take(&mut self, limit: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(limit.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        let taken = self.take(N);
        bytes[..taken.len()].copy_from_slice(taken);
        bytes
    }
}

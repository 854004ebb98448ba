//! [`Content`]: the bytes of a simulated file, of which only what has been written takes room.

use std::collections::BTreeMap;

use crate::random::Random;

/// How many bytes are kept together.
pub(crate) const BLOCK: u64 = 4096;

/// How many bytes a disk writes all or none of.
const SECTOR: usize = 512;

type Block = Box<[u8; BLOCK as usize]>;

/// The bytes of a file. What has never been written reads as zeroes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Content {
    length: u64,
    blocks: BTreeMap<u64, Block>,
}

impl Content {
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Adds up to `limit` bytes from `at` on to `to`, as far as there are any.
    pub(crate) fn read(&self, at: u64, limit: usize, to: &mut Vec<u8>) {
        let mut rest = (self.length.saturating_sub(at)).min(limit as u64) as usize;
        let mut at = at;
        while rest > 0 {
            let (index, begin) = (at / BLOCK, (at % BLOCK) as usize);
            let count = rest.min(BLOCK as usize - begin);
            match self.blocks.get(&index) {
                Some(block) => to.extend_from_slice(&block[begin..begin + count]),
                None => to.resize(to.len() + count, 0),
            }
            at += count as u64;
            rest -= count;
        }
    }

    /// Writes `bytes` from `at` on, and tells the number of each block that has changed.
    pub(crate) fn write(&mut self, at: u64, bytes: &[u8], mut changed: impl FnMut(u64)) {
        let (mut at, mut rest) = (at, bytes);
        while !rest.is_empty() {
            let (index, begin) = (at / BLOCK, (at % BLOCK) as usize);
            let (now, later) = rest.split_at(rest.len().min(BLOCK as usize - begin));
            let block = self.blocks.entry(index).or_insert_with(empty);
            block[begin..begin + now.len()].copy_from_slice(now);
            changed(index);
            at += now.len() as u64;
            rest = later;
        }
        self.length = self.length.max(at);
    }

    /// Makes it this long: cut off, or with zeroes behind. Tells the number of each block that has
    /// changed.
    pub(crate) fn resize(&mut self, length: u64, mut changed: impl FnMut(u64)) {
        if length < self.length {
            self.cut_off(length, &mut changed);
        }
        self.length = length;
    }

    /// Makes block `index` what it is in `other`.
    pub(crate) fn copy_block(&mut self, index: u64, other: &Content) {
        match other.blocks.get(&index) {
            Some(block) => {
                self.blocks.insert(index, block.clone());
            }
            None => {
                self.blocks.remove(&index);
            }
        }
    }

    /// Makes some sectors of block `index`, chosen by chance, what they are in `other`: the disk
    /// has lost its power while it wrote.
    pub(crate) fn tear_block(&mut self, index: u64, other: &Content, random: &mut Random) {
        let zeroes = empty();
        let new = other.blocks.get(&index).unwrap_or(&zeroes);
        let old = self.blocks.entry(index).or_insert_with(empty);
        for (old, new) in old.chunks_mut(SECTOR).zip(new.chunks(SECTOR)) {
            if random.coin() {
                old.copy_from_slice(new);
            }
        }
    }

    /// Makes it this long, after blocks have been written behind the end, too.
    pub(crate) fn set_length(&mut self, length: u64) {
        self.cut_off(length, &mut |_| ());
        self.length = length;
    }

    fn cut_off(&mut self, length: u64, changed: &mut impl FnMut(u64)) {
        for (index, _) in self.blocks.split_off(&length.div_ceil(BLOCK)) {
            changed(index);
        }
        let begin = (length % BLOCK) as usize;
        if begin > 0
            && let Some(block) = self.blocks.get_mut(&(length / BLOCK))
        {
            block[begin..].fill(0);
            changed(length / BLOCK);
        }
    }
}

fn empty() -> Block {
    Box::new([0; BLOCK as usize])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(content: &Content, at: u64, limit: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        content.read(at, limit, &mut bytes);
        bytes
    }

    #[test]
    fn what_is_written_across_blocks_is_read_again_and_holes_are_zero() {
        let mut content = Content::default();
        let mut changed = Vec::new();
        content.write(BLOCK - 2, b"hello", |index| changed.push(index));
        assert_eq!(changed, [0, 1]);
        assert_eq!(content.length(), BLOCK + 3);
        assert_eq!(bytes(&content, BLOCK - 4, 100), b"\0\0hello");
        content.write(10 * BLOCK, b"far", |_| ());
        assert_eq!(bytes(&content, 5 * BLOCK, 4), [0; 4]);
        assert_eq!(bytes(&content, 10 * BLOCK + 1, 9), b"ar");
        assert_eq!(bytes(&content, 11 * BLOCK, 9), b"");
    }

    #[test]
    fn what_is_cut_off_is_zero_when_the_file_grows_again() {
        let mut content = Content::default();
        content.write(0, &[7; 9000], |_| ());
        let mut changed = Vec::new();
        content.resize(5000, |index| changed.push(index));
        assert_eq!(changed, [2, 1]);
        content.resize(9000, |_| ());
        assert_eq!(bytes(&content, 4998, 4), [7, 7, 0, 0]);
    }

    #[test]
    fn a_torn_block_is_new_in_some_sectors_and_old_in_the_others() {
        let (mut old, mut new) = (Content::default(), Content::default());
        old.write(0, &[1; 4096], |_| ());
        new.write(0, &[2; 4096], |_| ());
        old.tear_block(0, &new, &mut Random::new(3));
        let torn = bytes(&old, 0, 4096);
        let sectors: Vec<u8> = torn.chunks(SECTOR).map(|sector| sector[0]).collect();
        assert!(torn.chunks(SECTOR).all(|sector| sector.iter().all(|&byte| byte == sector[0])));
        assert!(sectors.contains(&1) && sectors.contains(&2));
    }
}

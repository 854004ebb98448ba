//! [`Requests`]: those that the kernel works on, to be found by what their CQEs will carry.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use ringbahn_core::opcode;

use crate::kernel::request::Request;
use crate::slab::{Key, Slab};

/// The requests that the kernel works on.
#[derive(Debug)]
pub(super) struct Requests {
    slab: Slab<Request>,
    /// By what their CQEs will carry; cancels, which nobody cancels, are left out.
    names: HashMap<u64, Key, BuildHasherDefault<NameHasher>>,
}

impl Requests {
    pub(super) fn new() -> Requests {
        Requests { slab: Slab::new(), names: HashMap::default() }
    }

    pub(super) fn insert(&mut self, request: Request) -> Key {
        let name = name_of(&request);
        let key = self.slab.insert(request);
        if let Some(name) = name {
            self.names.insert(name, key);
        }
        key
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<Request> {
        let request = self.slab.remove(key)?;
        if let Some(name) = name_of(&request) {
            self.names.remove(&name);
        }
        Some(request)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Request> {
        self.slab.get(key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Request> {
        self.slab.get_mut(key)
    }

    /// The one whose CQE will carry `user_data`.
    pub(super) fn find(&self, user_data: u64) -> Option<(Key, &Request)> {
        let key = *self.names.get(&user_data)?;
        Some((key, self.slab.get(key)?))
    }

    pub(super) fn len(&self) -> usize {
        self.slab.len()
    }

    pub(super) fn keys(&self) -> Vec<Key> {
        self.slab.keys()
    }
}

fn name_of(request: &Request) -> Option<u64> {
    (request.opcode() != opcode::ASYNC_CANCEL).then(|| request.entry().user_data())
}

/// Mixes the one word that there is. Nobody chooses these numbers to make them collide.
#[derive(Debug, Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = (self.0 ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
